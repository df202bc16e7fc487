//! The channels of one member to all others of its instance.

use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::channel::Channel;
use crate::data_channel::DataChannel;
use crate::deadline::{AbortFlag, Deadline};
use crate::error::FabricError;
use crate::establish::establish;
use crate::foreign::ForeignTable;
use crate::foreign_channel::ForeignChannel;
use crate::group::Group;
use crate::handshake::Secret;
use crate::listener::Listener;
use crate::monitor::{Liveness, Monitor, WatchedChannel};
use crate::peer::MemberIndex;
use crate::signal::Signal;
use crate::socket_channel::ChannelLimits;
use crate::tls::{Fingerprint, TlsIdentity};

/// Where one member listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberEndpoint {
    /// Its place in the plan.
    pub index: MemberIndex,
    /// Its addresses as seen from here, best first.
    pub addresses: Vec<Address>,
    /// Its certificate; needed where one of the addresses speaks TLS.
    pub fingerprint: Option<Fingerprint>,
}

/// All that a member needs to join its mesh.
#[derive(Debug)]
pub struct MeshConfig {
    /// This member.
    pub me: MemberIndex,
    /// Identifies the load on the wire.
    pub instance: u64,
    /// The load's epoch.
    pub epoch: u32,
    /// The load's secret.
    pub secret: Secret,
    /// All members. An entry for this one is ignored.
    pub members: Vec<MemberEndpoint>,
    /// Where this member listens. Only members that come after others in the plan are connected to.
    pub listeners: Vec<Listener>,
    /// This member's certificate; needed where TLS is spoken.
    pub identity: Option<TlsIdentity>,
    /// Channels that another library has already opened; such a peer is neither connected to nor waited for.
    pub foreign: Vec<ForeignTable>,
    /// When to give up.
    pub deadline: Deadline,
    /// Gives up earlier.
    pub abort: AbortFlag,
    /// Bounds of every channel.
    pub limits: ChannelLimits,
    /// When a peer counts as lost.
    pub liveness: Liveness,
}

impl MeshConfig {
    /// A configuration without members, with default bounds and 30 s to connect.
    pub fn new(me: MemberIndex, instance: u64, epoch: u32, secret: Secret) -> Self {
        Self {
            me,
            instance,
            epoch,
            secret,
            members: Vec::new(),
            listeners: Vec::new(),
            identity: None,
            foreign: Vec::new(),
            deadline: Deadline::after(Duration::from_secs(30)),
            abort: AbortFlag::new(),
            limits: ChannelLimits::default(),
            liveness: Liveness::default(),
        }
    }
}

/// What is known of a living peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerState {
    /// The event loop of its host is blocked. Its worker goes on, but control messages to it will wait.
    pub host_stalled: bool,
    /// Time since its last byte.
    pub silence: Duration,
    /// It has left cleanly.
    pub has_left: bool,
}

/// How long a leaving member waits for its peers to take its last bytes.
const LINGER: Duration = Duration::from_millis(500);

/// Authenticated channels from one member to all others, watched by one thread.
///
/// When a peer is lost, the mesh has failed: every wait on every channel ends at once with an error that names the
/// peer. A peer that leaves cleanly ends only the waits for itself. Dropping the mesh leaves cleanly.
#[derive(Debug)]
pub struct Mesh {
    me: MemberIndex,
    signal: Arc<Signal>,
    /// In the order of the places in the plan.
    peers: Vec<Arc<dyn WatchedChannel>>,
    monitor: Monitor,
}

impl Mesh {
    /// Connects to every member that comes later in the plan and accepts every member that comes earlier.
    ///
    /// # Errors
    /// Not all members were there in time (`TRANSPORT_UNREACHABLE` names the missing), or one of them holds another
    /// secret, belongs to another epoch, or shows another certificate.
    pub fn establish(config: MeshConfig) -> Result<Self, FabricError> {
        let signal = Signal::new();
        let mut peers: Vec<Arc<dyn WatchedChannel>> = Vec::new();
        let me = config.me;
        let liveness = config.liveness;
        let mut config = config;
        for table in std::mem::take(&mut config.foreign) {
            let channel: Arc<dyn WatchedChannel> = Arc::new(ForeignChannel::new(table, me, signal.clone())?);
            let index = channel.peer().index;
            config.members.retain(|member| member.index != index);
            peers.push(channel);
        }
        for channel in establish(&config, &signal)? {
            peers.push(channel);
        }
        peers.sort_by_key(|channel| channel.peer().index);
        if let Some(pair) = peers
            .windows(2)
            .find(|pair| pair[0].peer().index == pair[1].peer().index)
        {
            let reason = format!("{} appears twice among the members", pair[0].peer().index);
            return Err(FabricError::InvalidArgument { reason });
        }
        let monitor = Monitor::start(peers.clone(), signal.clone(), liveness)?;
        Ok(Self {
            me,
            signal,
            peers,
            monitor,
        })
    }

    /// This member.
    pub fn me(&self) -> MemberIndex {
        self.me
    }

    /// All other members, in the order of the plan.
    pub fn peers(&self) -> impl Iterator<Item = MemberIndex> + '_ {
        self.peers.iter().map(|channel| channel.peer().index)
    }

    /// The channel to a member.
    ///
    /// # Errors
    /// There is no such member beside this one.
    pub fn channel(&self, peer: MemberIndex) -> Result<Channel, FabricError> {
        self.find(peer).map(|channel| Channel::new(channel.clone()))
    }

    /// A group for collectives. All its members name the same id and the same list, in the order of the ranks; each
    /// makes the group once, because a group counts its collectives from its making on.
    ///
    /// # Errors
    /// This member or a channel to another is missing.
    pub fn group(&self, id: u32, members: &[MemberIndex]) -> Result<Group, FabricError> {
        let mut rank = None;
        let mut channels = Vec::with_capacity(members.len());
        for (position, member) in members.iter().enumerate() {
            if *member == self.me {
                rank = Some(position);
                channels.push(None);
            } else {
                channels.push(Some(self.channel(*member)?));
            }
        }
        let rank = rank.ok_or_else(|| FabricError::InvalidArgument {
            reason: format!("{} is not a member of the group {id}", self.me),
        })?;
        Group::new(id, rank, channels)
    }

    /// The failure that ended this mesh, if there was one.
    pub fn failure(&self) -> Option<FabricError> {
        self.signal.failure()
    }

    /// Ends every wait here and at every peer with `TRANSPORT_ABORTED`, or with the failure that the mesh has already:
    /// who gives up because a peer is lost passes that peer's name on.
    pub fn abort(&self, reason: &str) {
        self.signal.fail(FabricError::Aborted {
            reason: format!("{} gave up: {reason}", self.me),
        });
        self.leave(self.failure().as_ref());
    }

    /// Tells the peers in every heartbeat whether the event loop of this member's host is blocked.
    pub fn set_host_stalled(&self, stalled: bool) {
        self.signal.set_host_stalled(stalled);
    }

    /// What is known of a peer.
    ///
    /// # Errors
    /// There is no such member beside this one.
    pub fn peer_state(&self, peer: MemberIndex) -> Result<PeerState, FabricError> {
        let channel = self.find(peer)?;
        Ok(PeerState {
            host_stalled: channel.peer_host_stalled(),
            silence: channel.silence(),
            has_left: channel.has_ended(),
        })
    }

    /// Adopts a later epoch on every channel: frames of the earlier one are dropped and counted from now on. All
    /// members do this before any of them sends under the new epoch.
    pub fn set_epoch(&self, epoch: u32) {
        self.peers.iter().for_each(|channel| channel.set_epoch(epoch));
    }

    fn find(&self, peer: MemberIndex) -> Result<&Arc<dyn WatchedChannel>, FabricError> {
        self.peers
            .iter()
            .find(|channel| channel.peer().index == peer)
            .ok_or_else(|| FabricError::InvalidArgument {
                reason: format!("{} has no channel to {peer}", self.me),
            })
    }

    fn leave(&self, cause: Option<&FabricError>) {
        leave_all(self.peers.iter().map(|channel| &**channel), cause);
    }
}

/// Leaves all of them at the same time.
pub(crate) fn leave_all<'channel, Each: DataChannel + ?Sized + 'channel>(
    channels: impl Iterator<Item = &'channel Each>,
    cause: Option<&FabricError>,
) {
    std::thread::scope(|scope| {
        for channel in channels {
            // Where no thread can be started the lingering happens one after the other.
            let leave = || channel.leave(cause, LINGER);
            if std::thread::Builder::new().spawn_scoped(scope, leave).is_err() {
                channel.leave(cause, LINGER);
            }
        }
    });
}

impl Drop for Mesh {
    fn drop(&mut self) {
        self.monitor.stop();
        self.leave(self.failure().as_ref());
    }
}
