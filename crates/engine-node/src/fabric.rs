//! The data plane as JavaScript sees it: a listener whose endpoint travels to the peers, then a mesh.

mod endpoint;
mod listener;
mod mesh;

pub use endpoint::{MemberAddress, read_json};
pub use mesh::{ChannelObject, mesh_of};
