//! Data-plane channels (TCP, TLS, Unix sockets), peer liveness and collectives.
//!
//! A [`Mesh`] joins one member of an instance with all others: it authenticates every peer before anything is parsed,
//! watches them from a thread of its own, and ends every wait at once, with an error that names the guilty, when one
//! is lost. On its [`Channel`]s messages are told apart by kind and tag; a [`Group`] makes collectives of them.
//!
//! Nothing here needs an event loop: the thread that waits for anything makes progress on everything. Sending never
//! blocks on a peer that is busy, only on one that is far behind.
//!
//! | Call | Use |
//! |---|---|
//! | [`Mesh::establish`] | connect all members, with deadline and abort flag |
//! | [`Channel::send`], [`Channel::receive`], [`Channel::receive_into`] | one message, with a deadline |
//! | [`wait_for_message`] | the first of several messages, or a wake from another thread by a [`Waker`] |
//! | [`exchange`] | several messages at once in both directions, without copies |
//! | [`Group::all_reduce_sum_f32`] and the other collectives | all members of a stage together |
//! | [`Mesh::failure`], [`Mesh::abort`], [`Mesh::peer_state`] | liveness |
//!
//! Channels of other libraries take part through [`ForeignTable`]; [`export_table`] offers a channel of this one.
//!
//! # Example
//! Two members, here in one process, add up their vectors.
//! ```
//! use std::thread;
//! use shoal_fabric::{Deadline, FabricError, Listener, MemberEndpoint, MemberIndex, Mesh, MeshConfig, Secret};
//! # use std::time::Duration;
//!
//! fn run(me: MemberIndex, listener: Listener, members: Vec<MemberEndpoint>) -> Result<Vec<f32>, FabricError> {
//!     let mut config = MeshConfig::new(me, 0x51, 1, Secret([42; 32]));
//!     config.listeners.push(listener);
//!     config.members = members.clone();
//!     let mesh = Mesh::establish(config)?;
//!
//!     let indices: Vec<MemberIndex> = members.iter().map(|member| member.index).collect();
//!     let mut group = mesh.group(0, &indices)?;
//!     let mut values = vec![1.0, f32::from(me.member)];
//!     group.all_reduce_sum_f32(&mut values, Deadline::after(Duration::from_secs(5)))?;
//!     Ok(values)
//! }
//!
//! # fn main() -> Result<(), FabricError> {
//! let indices = [MemberIndex::new(0, 0), MemberIndex::new(0, 1)];
//! let mut listeners = Vec::new();
//! let mut members = Vec::new();
//! for index in indices {
//!     let listener = Listener::bind(&"tcp:127.0.0.1:0".parse()?, None)?;
//!     let addresses = vec![listener.address().clone()];
//!     members.push(MemberEndpoint { index, addresses, fingerprint: listener.fingerprint() });
//!     listeners.push(listener);
//! }
//! let threads: Vec<_> = indices
//!     .into_iter()
//!     .zip(listeners)
//!     .map(|(me, listener)| {
//!         let members = members.clone();
//!         thread::spawn(move || run(me, listener, members))
//!     })
//!     .collect();
//! for thread in threads {
//!     assert_eq!(thread.join().expect("the member panicked")?, [2.0, 1.0]);
//! }
//! # Ok(())
//! # }
//! ```

mod address;
mod channel;
mod data_channel;
mod deadline;
mod error;
mod establish;
mod export;
mod foreign;
mod foreign_channel;
#[cfg(fuzzing)]
pub mod fuzzing;
mod goodbye;
mod group;
mod handshake;
mod inbound;
mod listener;
mod mesh;
mod message;
mod monitor;
mod outbound;
mod peer;
mod signal;
mod socket_channel;
#[cfg(unix)]
mod stale_sockets;
mod stream;
mod tls;
mod wait;
mod waker;

pub use address::Address;
pub use channel::{Channel, Incoming, Interest, Outgoing, WaitOutcome, exchange, wait_for_message};
pub use data_channel::{DataChannel, OperationId, Readiness};
pub use deadline::{AbortFlag, Deadline};
pub use error::FabricError;
pub use export::export_table;
pub use foreign::ForeignTable;
pub use foreign_channel::ForeignChannel;
pub use group::Group;
pub use handshake::Secret;
pub use listener::Listener;
pub use mesh::{MemberEndpoint, Mesh, MeshConfig, PeerState};
pub use message::{Envelope, LARGEST_TAG, Message, MessageInfo};
pub use monitor::Liveness;
pub use peer::{MemberIndex, Peer};
pub use shoal_abi::channel::{ChannelCapabilities, ChannelStatistics};
pub use shoal_frame::FrameKind;
pub use signal::Signal;
pub use socket_channel::{ChannelLimits, SocketChannel};
#[cfg(unix)]
pub use stale_sockets::remove_stale_sockets;
pub use tls::{Fingerprint, TlsIdentity};
pub use wait::take_blocked_time;
pub use waker::Waker;
