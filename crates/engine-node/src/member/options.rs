//! Options of a member as its owner gives them: data as JSON, and native objects.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use shoal_abi::backend::{Backend, WeightSource};
use shoal_abi::channel::ChannelTable;
use shoal_engine::{EngineError, EventCallback, Links, MemberOptions};
use shoal_fabric::{AbortFlag, ForeignTable, Mesh, MeshConfig, Secret};
use shoal_program::{CompileOptions, MemberProgram, StateStorage};
use shoal_weights::{Checkpoint, ProgramWeights};

use crate::error::{Failure, public_code};
use crate::fabric::{MemberAddress, read_json};

/// Native objects that a member uses.
pub struct MemberObjects {
    /// The device; the member keeps a reference of its own.
    pub device: Backend,
    /// How the other members are reached.
    pub connection: Connection,
}

/// How the other members are reached.
pub enum Connection {
    /// Channels that are watched already.
    Mesh(Arc<Mesh>),
    /// Channels that a mesh of this member's own will watch; none for a member on its own.
    Tables(Vec<ForeignTable>),
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
    silence_limit_milliseconds: Option<u64>,
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

impl Load {
    /// Checks the options, and that there is a channel to each other member.
    pub fn parse(json: &str, objects: MemberObjects) -> Result<Self, Failure> {
        let options: Options = read_json("options of the member", json)?;
        let MemberObjects { device, connection } = objects;
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
            backend: device,
            connection,
        })
    }

    /// A name for the thread that loads.
    pub fn thread_name(&self) -> String {
        format!("shoal-load-{}-{}", self.options.me.stage, self.options.me.member)
    }

    /// Opens the checkpoint and puts everything together; reads files.
    pub fn options(self, abort: AbortFlag, on_event: EventCallback) -> Result<MemberOptions, Failure> {
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
            links: links(
                self.connection,
                options.me,
                options.credentials.epoch,
                options.silence_limit_milliseconds.map(Duration::from_millis),
            )?,
            token_masks: shoal_grammar::token_masks(&options.model_directory),
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
            on_event,
        })
    }
}

impl Connection {
    /// Takes references to channel tables of any library.
    ///
    /// # Safety
    /// Each address is null or that of a live table.
    pub unsafe fn from_tables(tables: impl IntoIterator<Item = *const ChannelTable>) -> Result<Self, Failure> {
        let tables = tables.into_iter().map(|table| {
            // SAFETY: null or live, as the caller promises.
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
        });
        Ok(Self::Tables(tables.collect::<Result<_, Failure>>()?))
    }
}

/// The channels as the engine wants them.
fn links(
    connection: Connection,
    me: MemberAddress,
    epoch: u32,
    silence_limit: Option<Duration>,
) -> Result<Links, Failure> {
    let mesh = match connection {
        Connection::Mesh(mesh) => mesh,
        Connection::Tables(tables) if tables.is_empty() => return Ok(Links::none()),
        Connection::Tables(tables) => {
            // Their makers have authenticated these channels; nothing is connected here, so that no secret is used.
            let mut config = MeshConfig::new(me.index(), 0, epoch, Secret([0; 32]));
            config.foreign = tables;
            if let Some(limit) = silence_limit {
                config.liveness.silence_limit = limit;
            }
            Arc::new(Mesh::establish(config)?)
        }
    };
    Ok(Links::from_mesh(mesh)?)
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self {
            code: public_code(&error.code).to_owned().into(),
            message: error.message,
        }
    }
}
