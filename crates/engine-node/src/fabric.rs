//! The data plane: a listener whose endpoint travels to the peers, then a mesh.

mod endpoint;
mod listener;
mod member_listener;
mod mesh;

pub use endpoint::{MemberAddress, read_json};
pub use member_listener::MemberListener;
pub use mesh::{ChannelObject, establish, mesh_of, peer_states};
