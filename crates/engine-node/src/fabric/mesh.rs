//! Meshes as JavaScript holds them: a number that a member looks up.

use std::sync::{Arc, Mutex, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{BigInt, Object};
use napi_derive::napi;
use serde::Serialize;
use shoal_fabric::{FabricError, ForeignTable, MemberIndex, Mesh, MeshConfig, export_table};

use super::endpoint::MemberAddress;
use crate::cleanup::{self, EndsWithEnvironment};
use crate::error::{Code, Failure, border};
use crate::numbered::Numbered;
use crate::promise;

/// Meshes by the number that JavaScript hands to `createMember`.
static MESHES: Numbered<Mesh> = Numbered::new();

/// The mesh with the number.
pub fn mesh_of(number: u64) -> Result<Arc<Mesh>, Failure> {
    MESHES.get(number).ok_or_else(|| {
        Failure::new(
            "TRANSPORT_CLOSED",
            format!("there is no open mesh with the number {number}: it was closed, or is not one of this addon"),
        )
    })
}

/// Connects; called on a thread of its own.
pub fn establish(config: MeshConfig) -> Result<Mesh, Failure> {
    Mesh::establish(config).map_err(Failure::from)
}

impl From<FabricError> for Failure {
    fn from(error: FabricError) -> Self {
        Self::new(error.code().name(), error.to_string())
    }
}

/// The place of a mesh in the table; the end of the environment takes it out.
struct Entry {
    number: u64,
}

impl Entry {
    /// Takes the mesh out of the table. The last owner leaves it, which may wait for peers.
    fn remove(&self) -> Option<Arc<Mesh>> {
        MESHES.remove(self.number)
    }
}

impl EndsWithEnvironment for Entry {
    fn environment_ends(self: Arc<Self>) {
        // Nobody closed it: to the peers this is a loss, which they shall not have to find out by silence.
        if let Some(mesh) = self.remove() {
            mesh.abort("its process ended");
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // The garbage collector runs on the JavaScript thread, which must not wait for peers.
        if let Some(mesh) = self.remove() {
            let _ = std::thread::Builder::new()
                .name("shoal-leave".to_owned())
                .spawn(move || drop(mesh));
        }
    }
}

/// A channel for members of other engines, and for transports that wrap this one.
#[napi(object)]
pub struct ChannelObject {
    /// Stage of the peer.
    pub stage: u16,
    /// Rank of the peer within its stage.
    pub member: u16,
    /// Address of a `ChannelTable`.
    pub table: BigInt,
}

/// What is known of a peer.
#[napi(object)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerState {
    /// Stage of the peer.
    pub stage: u16,
    /// Rank of the peer within its stage.
    pub member: u16,
    /// The event loop of its host is blocked.
    pub host_stalled: bool,
    /// Time since its last byte.
    pub silence_milliseconds: f64,
    /// It has left cleanly.
    pub has_left: bool,
}

/// What is known of all other members of a mesh now.
pub fn peer_states(mesh: &Mesh) -> Result<Vec<PeerState>, Failure> {
    let state = |peer: MemberIndex| {
        let state = mesh.peer_state(peer)?;
        Ok(PeerState {
            stage: peer.stage,
            member: peer.member,
            host_stalled: state.host_stalled,
            silence_milliseconds: state.silence.as_secs_f64() * 1e3,
            has_left: state.has_left,
        })
    };
    mesh.peers().map(state).collect()
}

/// Authenticated channels of one member to all others.
#[napi]
pub struct MeshHandle {
    entry: Arc<Entry>,
    peers: Vec<MemberIndex>,
    /// The channels as tables, once somebody wanted them: the address of each and the reference that keeps it valid.
    tables: Mutex<Vec<(u64, ForeignTable)>>,
}

impl MeshHandle {
    /// Puts a mesh into the table.
    pub fn new(env: &Env, mesh: Mesh) -> Result<Self, Failure> {
        let peers = mesh.peers().collect();
        let number = MESHES.insert(Arc::new(mesh));
        let entry = Arc::new(Entry { number });
        cleanup::register(env, &entry)?;
        Ok(Self {
            entry,
            peers,
            tables: Mutex::default(),
        })
    }
}

#[napi]
impl MeshHandle {
    /// The number that `createMember` takes.
    #[napi(getter)]
    pub fn mesh(&self) -> BigInt {
        BigInt::from(self.entry.number)
    }

    /// All other members, in the order of the plan.
    #[napi(getter)]
    pub fn peers(&self) -> Vec<MemberAddress> {
        self.peers.iter().copied().map(MemberAddress::from).collect()
    }

    /// Tells the peers in every heartbeat whether the event loop of this member's host is blocked.
    #[napi]
    pub fn set_host_stalled(&self, stalled: bool) -> napi::Result<(), Code> {
        border(|| {
            mesh_of(self.entry.number)?.set_host_stalled(stalled);
            Ok(())
        })
    }

    /// The channels one by one, for what does not know this addon's meshes. Valid until `close`.
    #[napi(getter)]
    pub fn channels(&self) -> napi::Result<Vec<ChannelObject>, Code> {
        border(|| {
            let mesh = mesh_of(self.entry.number)?;
            let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            if tables.is_empty() {
                for peer in &self.peers {
                    let table = export_table(&mesh.channel(*peer)?);
                    // SAFETY: the table was just made and holds one reference for its receiver.
                    tables.push((table as u64, unsafe { ForeignTable::new(table)? }));
                }
            }
            let object = |(peer, (table, _)): (&MemberIndex, &(u64, ForeignTable))| ChannelObject {
                stage: peer.stage,
                member: peer.member,
                table: BigInt::from(*table),
            };
            Ok(self.peers.iter().zip(tables.iter()).map(object).collect())
        })
    }

    /// What is known of all other members now.
    #[napi]
    pub fn peer_states(&self) -> napi::Result<Vec<PeerState>, Code> {
        border(|| peer_states(&*mesh_of(self.entry.number)?))
    }

    /// Gives the mesh up; a member that uses it keeps it until the member closes. Idempotent.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>, Code> {
        border(|| {
            let mesh = self.entry.remove();
            self.tables.lock().unwrap_or_else(PoisonError::into_inner).clear();
            promise::spawn(
                env,
                "shoal-leave",
                move || {
                    drop(mesh);
                    Ok(())
                },
                |_env, ()| Ok(()),
            )
        })
    }
}
