//! Options of a member as JavaScript gives them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::BigInt;
use napi_derive::napi;
use serde::Deserialize;
use serde_json::value::RawValue;
use shoal_abi::backend::{Backend, BackendTable, WeightSource};
use shoal_abi::channel::ChannelTable;
use shoal_engine::{EngineError, Links, MemberOptions};
use shoal_fabric::{AbortFlag, ForeignTable, Mesh, MeshConfig, Secret};
use shoal_program::{CompileOptions, MemberProgram, StateStorage};
use shoal_weights::{Checkpoint, ProgramWeights};

use super::events::Events;
use crate::error::{Failure, public_code};
use crate::fabric::{ChannelObject, MemberAddress, mesh_of, read_json};

/// Native objects that a member uses.
#[napi(object)]
pub struct MemberHandles {
    /// Address of a `BackendTable`.
    pub device: BigInt,
    /// Number of a mesh.
    pub mesh: Option<BigInt>,
    /// Channels to all other members, where there is no mesh. Absent or empty for a member on its own.
    pub channels: Option<Vec<ChannelObject>>,
}

/// `MemberOptions` without what is no data.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    credentials: Epoch,
    #[serde(rename = "self")]
    me: MemberAddress,
    stage_sizes: Vec<u16>,
    program: Box<RawValue>,
    model_directory: PathBuf,
    slot_count: u32,
    context_length: u32,
    state_storage: StateStorage,
    maximum_step_tokens: u32,
    queue_capacity: Option<usize>,
    step_deadline_milliseconds: Option<u64>,
}

/// What a member needs of `LoadCredentials`: the rest is the mesh's.
#[derive(Deserialize)]
struct Epoch {
    epoch: u32,
}

/// A load that is about to start on a thread of its own.
pub struct Load {
    options: Options,
    backend: Backend,
    connection: Connection,
}

/// How the other members are reached.
enum Connection {
    Mesh(Arc<Mesh>),
    /// Channels that a mesh of this member's own will watch; none for a member on its own.
    Tables(Vec<ForeignTable>),
}

impl Load {
    /// Checks what JavaScript gave and takes references to its objects, so that closing them later does no harm.
    pub fn parse(json: &str, handles: MemberHandles) -> Result<Self, Failure> {
        let options: Options = read_json("options of the member", json)?;
        let table = number("device", &handles.device)? as usize as *const BackendTable;
        // SAFETY: the interface demands the address of a live table; this takes a reference of its own.
        let backend = unsafe { Backend::retain_table(table)? };
        let connection = match handles.mesh {
            Some(mesh) => Connection::Mesh(mesh_of(number("mesh", &mesh)?)?),
            None => Connection::Tables(tables(handles.channels.unwrap_or_default())?),
        };
        let members: usize = options.stage_sizes.iter().copied().map(usize::from).sum();
        if let Connection::Tables(tables) = &connection
            && tables.len() + 1 != members
        {
            return Err(Failure::argument(format!(
                "a member of an instance of {members} members needs a mesh or {} channels, not {}",
                members.saturating_sub(1),
                tables.len()
            )));
        }
        Ok(Self {
            options,
            backend,
            connection,
        })
    }

    /// A name for the thread that loads.
    pub fn thread_name(&self) -> String {
        format!("shoal-load-{}-{}", self.options.me.stage, self.options.me.member)
    }

    /// Opens the checkpoint and puts everything together; reads files.
    pub fn options(self, abort: AbortFlag, events: Arc<Events>) -> Result<MemberOptions, Failure> {
        let options = self.options;
        let program = MemberProgram::parse(options.program.get()).map_err(EngineError::from)?;
        let checkpoint = Checkpoint::open(&options.model_directory).map_err(EngineError::from)?;
        let weights = ProgramWeights::new(Arc::new(checkpoint), &program).map_err(EngineError::from)?;
        Ok(MemberOptions {
            member: options.me.index(),
            stage_sizes: options.stage_sizes,
            epoch: options.credentials.epoch,
            program,
            backend: self.backend,
            weights: WeightSource::export(weights),
            links: links(self.connection, options.me, options.credentials.epoch)?,
            compile: CompileOptions {
                slot_count: options.slot_count,
                context_length: options.context_length,
                state_storage: options.state_storage,
                maximum_step_tokens: options.maximum_step_tokens,
            },
            queue_capacity: options.queue_capacity.unwrap_or(MemberOptions::QUEUE_CAPACITY),
            step_deadline: options
                .step_deadline_milliseconds
                .map_or(MemberOptions::STEP_DEADLINE, Duration::from_millis),
            abort,
            on_event: Arc::new(move |event| events.send(event)),
        })
    }
}

/// Takes references to channel tables of any library.
fn tables(channels: Vec<ChannelObject>) -> Result<Vec<ForeignTable>, Failure> {
    channels
        .iter()
        .map(|channel| {
            let table = number("channel", &channel.table)? as usize as *const ChannelTable;
            // SAFETY: the interface demands the address of a live table.
            let functions = unsafe { table.as_ref() }
                .filter(|table| table.check().is_ok())
                .ok_or_else(|| {
                    Failure::new(
                        "PLUGIN_VERSION_MISMATCH",
                        "a channel's table is null or of another version",
                    )
                })?;
            // SAFETY: the table is live; the reference is the one that `ForeignTable` takes over.
            unsafe {
                (functions.retain)(functions.context);
                Ok(ForeignTable::new(table)?)
            }
        })
        .collect()
}

/// The channels as the engine wants them.
fn links(connection: Connection, me: MemberAddress, epoch: u32) -> Result<Links, Failure> {
    let mesh = match connection {
        Connection::Mesh(mesh) => mesh,
        Connection::Tables(tables) if tables.is_empty() => return Ok(Links::none()),
        Connection::Tables(tables) => {
            // Their makers have authenticated these channels; nothing is connected here, so that no secret is used.
            let mut config = MeshConfig::new(me.index(), 0, epoch, Secret([0; 32]));
            config.foreign = tables;
            Arc::new(Mesh::establish(config)?)
        }
    };
    Ok(Links::from_mesh(mesh)?)
}

/// A `bigint` as a number of 64 bits; `what` names it in the error.
fn number(what: &str, value: &BigInt) -> Result<u64, Failure> {
    match value.get_u64() {
        (false, number, true) => Ok(number),
        _ => Err(Failure::argument(format!("the {what} is no handle of this addon"))),
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self {
            code: public_code(&error.code).to_owned().into(),
            message: error.message,
        }
    }
}
