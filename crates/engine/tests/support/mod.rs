//! Whole instances in one process: every member on its own thread, joined by real sockets or by memory.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests, and each test binary uses a part"
)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shoal_abi::backend::{Backend, WeightSource};
use shoal_engine::{
    EngineEvent, EngineRequest, Links, Member, MemberIndex, MemberOptions, SamplingOptions, TokenMaskFactories,
};
use shoal_fabric::{AbortFlag, Channel, ChannelLimits, Listener, MemberEndpoint, Mesh, MeshConfig, Secret};
use shoal_program::{CompileOptions, StateStorage, StorageType};
use shoal_reference::ReferenceBackend;
use shoal_reference::llama::{LlamaConfig, LlamaShard, member_program, shards, write_checkpoint};
use shoal_weights::{Checkpoint, ProgramWeights};

/// Longest wait of a test for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that is removed when the test ends.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "shoal-engine-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How members are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Memory,
    Unix,
    Tcp,
}

/// Sizes of an instance under test.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub slots: u32,
    pub context: u32,
    pub step: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            slots: 4,
            context: 64,
            step: 16,
        }
    }
}

/// A loaded instance with the events of all members.
pub struct Instance {
    /// In the order of the plan; taken by tests that kill one.
    pub members: Vec<Option<Member>>,
    pub meshes: Vec<Option<Arc<Mesh>>>,
    events: Mutex<Receiver<(MemberIndex, EngineEvent)>>,
    _folder: Folder,
}

impl Instance {
    /// Loads the tiny model; each stage is given by the weights of its members.
    pub fn start(stages: &[Vec<u64>], wire: Wire, sizes: Sizes) -> Self {
        Self::start_on(stages, wire, sizes, |_| Backend::export(ReferenceBackend))
    }

    /// Loads it on a device for each member.
    pub fn start_on(stages: &[Vec<u64>], wire: Wire, sizes: Sizes, open: impl Fn(MemberIndex) -> Backend) -> Self {
        Self::start_with(stages, wire, sizes, &TokenMaskFactories::built_in(), open)
    }

    /// Loads it with kinds of constraints.
    pub fn start_with(
        stages: &[Vec<u64>],
        wire: Wire,
        sizes: Sizes,
        token_masks: &TokenMaskFactories,
        open: impl Fn(MemberIndex) -> Backend,
    ) -> Self {
        Self::start_model(LlamaConfig::tiny(), stages, wire, sizes, token_masks, open)
    }

    /// Loads another model.
    pub fn start_model(
        config: LlamaConfig,
        stages: &[Vec<u64>],
        wire: Wire,
        sizes: Sizes,
        token_masks: &TokenMaskFactories,
        open: impl Fn(MemberIndex) -> Backend,
    ) -> Self {
        let folder = Folder::new();
        write_checkpoint(&config, StorageType::F32, 7, folder.path()).unwrap();
        let checkpoint = Arc::new(Checkpoint::open(folder.path()).unwrap());
        let stage_sizes: Vec<u16> = stages.iter().map(|weights| weights.len() as u16).collect();
        let shards: Vec<LlamaShard> = shards(&config, stages, StorageType::F32)
            .into_iter()
            .flatten()
            .collect();
        let indices: Vec<MemberIndex> = stage_sizes
            .iter()
            .enumerate()
            .flat_map(|(stage, size)| (0..*size).map(move |member| MemberIndex::new(stage as u16, member)))
            .collect();
        let (links, meshes) = connect(&indices, wire, folder.path());
        let (sender, events) = channel();
        let members = indices.iter().zip(&shards).zip(links).map(|((index, shard), links)| {
            let program = member_program(&config, shard);
            let weights = ProgramWeights::new(checkpoint.clone(), &program).unwrap();
            let (index, sender): (MemberIndex, Sender<_>) = (*index, sender.clone());
            let options = MemberOptions {
                member: index,
                stage_sizes: stage_sizes.clone(),
                epoch: 3,
                program,
                backend: open(index),
                weights: WeightSource::export(weights),
                links,
                token_masks: token_masks.clone(),
                compile: CompileOptions {
                    slot_count: sizes.slots,
                    context_length: sizes.context,
                    state_storage: StateStorage::F32,
                    maximum_step_tokens: sizes.step,
                },
                queue_capacity: 8,
                step_deadline: PATIENCE / 2,
                abort: AbortFlag::new(),
                on_event: Arc::new(move |event| {
                    // The test may have ended already.
                    let _ = sender.send((index, event));
                }),
            };
            Some(Member::start(options).unwrap())
        });
        Self {
            members: members.collect(),
            meshes,
            events: Mutex::new(events),
            _folder: folder,
        }
    }

    pub fn head(&self) -> &Member {
        self.members[0].as_ref().unwrap()
    }

    /// The next event that is not about loading.
    pub fn next_event(&self) -> (MemberIndex, EngineEvent) {
        loop {
            let event = self
                .events
                .lock()
                .unwrap()
                .recv_timeout(PATIENCE)
                .expect("no event came in time");
            if !matches!(event.1, EngineEvent::LoadProgress { .. }) {
                return event;
            }
        }
    }

    /// Runs requests at once and gives the tokens of each, in the order of the requests.
    pub fn run(&self, requests: &[EngineRequest]) -> Vec<Vec<u32>> {
        for request in requests {
            self.head().submit(request.clone()).unwrap();
        }
        let mut tokens = vec![Vec::new(); requests.len()];
        let mut unfinished = requests.len();
        while unfinished > 0 {
            let position = |id| requests.iter().position(|request| request.id == id).unwrap();
            match self.next_event().1 {
                EngineEvent::Token {
                    request_id,
                    token,
                    index,
                    ..
                } => {
                    let tokens = &mut tokens[position(request_id)];
                    assert_eq!(index as usize, tokens.len());
                    tokens.push(token);
                }
                EngineEvent::RequestFinished {
                    request_id,
                    generated_tokens,
                    prompt_tokens,
                    ..
                } => {
                    let position = position(request_id);
                    assert_eq!(generated_tokens as usize, tokens[position].len());
                    assert_eq!(prompt_tokens as usize, requests[position].prompt_tokens.len());
                    unfinished -= 1;
                }
                event => panic!("unexpected {event:?}"),
            }
        }
        tokens
    }
}

/// A request with a prompt that depends on its id.
pub fn request(id: u64, prompt: u32, maximum_tokens: u32, sampling: SamplingOptions) -> EngineRequest {
    EngineRequest {
        id,
        prompt_tokens: (0..prompt)
            .map(|index| (index * 13 + id as u32 * 29 + 5) % 96)
            .collect(),
        maximum_tokens,
        sampling,
        ..EngineRequest::default()
    }
}

fn connect(indices: &[MemberIndex], wire: Wire, folder: &Path) -> (Vec<Links>, Vec<Option<Arc<Mesh>>>) {
    if indices.len() == 1 {
        return (vec![Links::none()], vec![None]);
    }
    if wire == Wire::Memory {
        let mut channels: Vec<Vec<Channel>> = indices.iter().map(|_| Vec::new()).collect();
        for first in 0..indices.len() {
            for second in first + 1..indices.len() {
                // Each end is named by the peer that it leads to.
                let (there, back) =
                    Channel::memory_pair(indices[first], indices[second], ChannelLimits::default()).unwrap();
                channels[first].push(there);
                channels[second].push(back);
            }
        }
        let meshes = indices.iter().map(|_| None).collect();
        return (channels.into_iter().map(Links::from_channels).collect(), meshes);
    }
    let mut listeners = Vec::new();
    let mut endpoints = Vec::new();
    for index in indices {
        let address = match wire {
            Wire::Unix => format!("unix:{}/{}-{}.sock", folder.display(), index.stage, index.member),
            _ => "tcp:127.0.0.1:0".to_owned(),
        };
        let listener = Listener::bind(&address.parse().unwrap(), None).unwrap();
        endpoints.push(MemberEndpoint {
            index: *index,
            addresses: vec![listener.address().clone()],
            fingerprint: None,
        });
        listeners.push(listener);
    }
    let threads: Vec<_> = indices
        .iter()
        .zip(listeners)
        .map(|(index, listener)| {
            let mut config = MeshConfig::new(*index, 0x51, 3, Secret([9; 32]));
            config.listeners.push(listener);
            config.members = endpoints.clone();
            // None of these tests is about silence, and a machine that is busy with others can be silent for long.
            config.liveness.silence_limit = PATIENCE;
            std::thread::spawn(move || Arc::new(Mesh::establish(config).unwrap()))
        })
        .collect();
    let meshes: Vec<Arc<Mesh>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let links = meshes
        .iter()
        .map(|mesh| Links::from_mesh(mesh.clone()).unwrap())
        .collect();
    (links, meshes.into_iter().map(Some).collect())
}
