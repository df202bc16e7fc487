//! The channels of a member, however they were made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use shoal_fabric::{Channel, FabricError, Group, MemberIndex, Mesh};

use crate::error::EngineError;

/// How long a channel without a mesh lingers when it says goodbye.
const LINGER: Duration = Duration::from_millis(500);

/// Channels to all other members of the instance.
#[derive(Debug, Clone)]
pub struct Links {
    /// Watches the channels; bare channels have none, and nobody notices a silent peer before a deadline.
    mesh: Option<Arc<Mesh>>,
    channels: BTreeMap<MemberIndex, Channel>,
}

impl Links {
    /// For a member on its own.
    pub fn none() -> Self {
        Self {
            mesh: None,
            channels: BTreeMap::new(),
        }
    }

    /// All channels of a mesh. The mesh says goodbye when its last owner drops it.
    ///
    /// # Errors
    /// None at present: the mesh has a channel to each of its peers.
    pub fn from_mesh(mesh: Arc<Mesh>) -> Result<Self, EngineError> {
        let channels = mesh.peers().map(|peer| Ok((peer, mesh.channel(peer)?)));
        Ok(Self {
            channels: channels.collect::<Result<_, EngineError>>()?,
            mesh: Some(mesh),
        })
    }

    /// Channels that nobody watches, for tests and single-process runs.
    pub fn from_channels(channels: Vec<Channel>) -> Self {
        Self {
            mesh: None,
            channels: channels
                .into_iter()
                .map(|channel| (channel.peer().index, channel))
                .collect(),
        }
    }

    pub(crate) fn channel(&self, peer: MemberIndex) -> Result<&Channel, EngineError> {
        self.channels
            .get(&peer)
            .ok_or_else(|| EngineError::new("ARGUMENT_INVALID", format!("there is no channel to {peer}")))
    }

    pub(crate) fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.values()
    }

    /// The members of one stage as a group; nothing for a member that is alone.
    pub(crate) fn stage_group(&self, me: MemberIndex, size: u16) -> Result<Option<Group>, EngineError> {
        if size < 2 {
            return Ok(None);
        }
        let channels = (0..size).map(|member| match MemberIndex::new(me.stage, member) {
            peer if peer == me => Ok(None),
            peer => self.channel(peer).cloned().map(Some),
        });
        let channels = channels.collect::<Result<Vec<_>, EngineError>>()?;
        Ok(Some(Group::new(u32::from(me.stage), usize::from(me.member), channels)?))
    }

    /// Ends every wait here and at every peer.
    pub(crate) fn abort(&self, reason: &str) {
        match &self.mesh {
            Some(mesh) => mesh.abort(reason),
            None => {
                let cause = FabricError::Aborted {
                    reason: reason.to_owned(),
                };
                self.channels
                    .values()
                    .for_each(|channel| channel.leave(Some(&cause), LINGER));
            }
        }
    }

    /// Says goodbye on channels that no mesh does it for.
    pub(crate) fn leave(&self) {
        if self.mesh.is_none() {
            self.channels.values().for_each(|channel| channel.leave(None, LINGER));
        }
    }

    /// Bytes sent and received so far, headers included.
    pub(crate) fn wire_bytes(&self) -> (u64, u64) {
        self.channels
            .values()
            .map(Channel::statistics)
            .fold((0, 0), |(sent, received), statistics| {
                (sent + statistics.sent_bytes, received + statistics.received_bytes)
            })
    }
}
