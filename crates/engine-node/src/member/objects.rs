//! The native objects of a member as JavaScript gives them: addresses and numbers.

use napi::bindgen_prelude::BigInt;
use napi_derive::napi;
use shoal_abi::backend::{Backend, BackendTable};
use shoal_abi::channel::ChannelTable;

use super::options::{Connection, MemberObjects};
use crate::error::Failure;
use crate::fabric::{ChannelObject, mesh_of};

/// `MemberObjects` of `index.d.ts`.
#[napi(object)]
pub struct MemberHandles {
    /// Address of a `BackendTable`.
    pub device: BigInt,
    /// Number of a mesh.
    pub mesh: Option<BigInt>,
    /// Channels to all other members, where there is no mesh. Absent or empty for a member on its own.
    pub channels: Option<Vec<ChannelObject>>,
}

impl MemberHandles {
    /// Takes references to the objects, so that closing them later does no harm.
    pub fn objects(self) -> Result<MemberObjects, Failure> {
        let table = number("device", &self.device)? as usize as *const BackendTable;
        // SAFETY: the interface demands the address of a live table; this takes a reference of its own.
        let device = unsafe { Backend::retain_table(table)? };
        let connection = match self.mesh {
            Some(mesh) => Connection::Mesh(mesh_of(number("mesh", &mesh)?)?),
            None => {
                let channels = self.channels.unwrap_or_default();
                let tables = channels
                    .iter()
                    .map(|channel| Ok(number("channel", &channel.table)? as usize as *const ChannelTable))
                    .collect::<Result<Vec<_>, Failure>>()?;
                // SAFETY: the interface demands addresses of live tables.
                unsafe { Connection::from_tables(tables)? }
            }
        };
        Ok(MemberObjects { device, connection })
    }
}

/// A `bigint` as a number of 64 bits; `what` names it in the error.
fn number(what: &str, value: &BigInt) -> Result<u64, Failure> {
    match value.get_u64() {
        (false, number, true) => Ok(number),
        _ => Err(Failure::argument(format!("the {what} is no handle of this addon"))),
    }
}
