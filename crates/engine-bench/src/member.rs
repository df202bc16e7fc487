//! The process of one member.

use std::io::{Error, Result, stdin, stdout};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use shoal_abi::backend::WeightSource;
use shoal_engine::{EngineEvent, EngineRequest, Links, Member, MemberIndex, MemberOptions, TokenMaskFactories};
use shoal_fabric::{AbortFlag, Deadline, Listener, MemberEndpoint, Mesh, MeshConfig, Secret};
use shoal_ggml::executor::{OpenOptions, open};
use shoal_program::{CompileOptions, StateStorage};
use shoal_reference::llama::{LlamaConfig, member_program, shards};
use shoal_weights::{Checkpoint, ProgramWeights};

use crate::protocol::{
    Command, Endpoint, Generated, MemberSetup, Ready, Statistics, Wire, expect_line, read_line, write_line,
};

/// The first argument of a member process.
pub const ARGUMENT: &str = "--member-process";

/// Longest wait for a token.
const PATIENCE: Duration = Duration::from_secs(120);

fn other(error: impl std::fmt::Display) -> Error {
    Error::other(error.to_string())
}

/// Runs until the parent closes the pipe.
pub fn run() -> Result<()> {
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    let setup: MemberSetup = expect_line(&mut input, "the setup")?;
    let me = MemberIndex::new(setup.stage, setup.member);
    let address = match setup.wire {
        Wire::Unix => format!(
            "unix:{}/{}-{}-{}.sock",
            setup.directory, setup.instance, me.stage, me.member
        ),
        Wire::Tcp => "tcp:127.0.0.1:0".to_owned(),
    };
    let listener = Listener::bind(&address.parse().map_err(other)?, None).map_err(other)?;
    let address = listener.address().to_string();
    write_line(
        &mut output,
        &Endpoint {
            stage: me.stage,
            member: me.member,
            address,
        },
    )?;
    let endpoints: Vec<Endpoint> = expect_line(&mut input, "the endpoints")?;

    let started = Instant::now();
    let links = connect(me, &setup, listener, &endpoints)?;
    let (sender, events) = channel();
    let member = Member::start(options(me, &setup, links, move |event| {
        // The receiver lives as long as the process.
        let _ = sender.send((Instant::now(), event));
    })?)
    .map_err(other)?;
    let load_seconds = started.elapsed().as_secs_f64();
    write_line(&mut output, &Ready { load_seconds })?;

    let mut request_id = 0;
    while let Some(command) = read_line::<Command>(&mut input)? {
        match command {
            Command::Generate { prompt, tokens } => {
                request_id += 1;
                write_line(&mut output, &generate(&member, &events, request_id, prompt, tokens)?)?;
            }
            Command::Statistics => {
                let counters = member.statistics();
                let per_step = |total: u64| total as f64 / counters.steps.max(1) as f64;
                let statistics = Statistics {
                    stage: me.stage,
                    member: me.member,
                    steps: counters.steps,
                    compute_microseconds_per_step: per_step(counters.compute_microseconds),
                    wait_microseconds_per_step: per_step(counters.wait_microseconds),
                    wire_bytes_sent_per_step: per_step(counters.wire_bytes_sent),
                    wire_bytes_received_per_step: per_step(counters.wire_bytes_received),
                    load_seconds,
                };
                write_line(&mut output, &statistics)?;
            }
        }
    }
    member.close();
    Ok(())
}

fn connect(me: MemberIndex, setup: &MemberSetup, listener: Listener, endpoints: &[Endpoint]) -> Result<Links> {
    if endpoints.len() < 2 {
        return Ok(Links::none());
    }
    let mut config = MeshConfig::new(me, setup.instance, 1, Secret([0x5a; 32]));
    // Weights are read before the others connect where processes share few cores.
    config.deadline = Deadline::after(PATIENCE);
    config.listeners.push(listener);
    for endpoint in endpoints {
        config.members.push(MemberEndpoint {
            index: MemberIndex::new(endpoint.stage, endpoint.member),
            addresses: vec![endpoint.address.parse().map_err(other)?],
            fingerprint: None,
        });
    }
    Links::from_mesh(Arc::new(Mesh::establish(config).map_err(other)?)).map_err(other)
}

fn options(
    me: MemberIndex,
    setup: &MemberSetup,
    links: Links,
    on_event: impl Fn(EngineEvent) + Send + Sync + 'static,
) -> Result<MemberOptions> {
    let config = LlamaConfig {
        layers: setup.layers,
        ..LlamaConfig::llama_3_2_1b()
    };
    let shards = shards(&config, &setup.stages, crate::storage(&setup.storage)?);
    let shard = shards
        .get(usize::from(me.stage))
        .and_then(|stage| stage.get(usize::from(me.member)));
    let program = member_program(&config, shard.ok_or_else(|| other(format!("{me} is not in the plan")))?);
    let checkpoint = Arc::new(Checkpoint::open(Path::new(&setup.checkpoint)).map_err(other)?);
    let weights = ProgramWeights::new(checkpoint, &program).map_err(other)?;
    let backend = open(&OpenOptions {
        device: "CPU".to_owned(),
        threads: Some(setup.threads),
        ..OpenOptions::default()
    });
    Ok(MemberOptions {
        member: me,
        stage_sizes: setup.stages.iter().map(|weights| weights.len() as u16).collect(),
        epoch: 1,
        program,
        backend: backend.map_err(other)?,
        weights: WeightSource::export(weights),
        links,
        token_masks: TokenMaskFactories::built_in(),
        compile: CompileOptions {
            slot_count: 1,
            context_length: 1024,
            state_storage: StateStorage::F16,
            maximum_step_tokens: 512,
        },
        queue_capacity: MemberOptions::QUEUE_CAPACITY,
        step_deadline: PATIENCE,
        abort: AbortFlag::new(),
        on_event: Arc::new(on_event),
    })
}

/// Runs one request and takes the times of its tokens.
fn generate(
    member: &Member,
    events: &Receiver<(Instant, EngineEvent)>,
    id: u64,
    prompt: u32,
    tokens: u32,
) -> Result<Generated> {
    let started = Instant::now();
    member
        .submit(EngineRequest {
            id,
            prompt_tokens: (0..prompt).map(|index| (index * 7919 + 13) % 100_000).collect(),
            maximum_tokens: tokens,
            ..EngineRequest::default()
        })
        .map_err(other)?;
    let (mut moments, mut sampled) = (vec![started], Vec::new());
    loop {
        match events.recv_timeout(PATIENCE).map_err(other)? {
            (moment, EngineEvent::Token { token, .. }) => {
                moments.push(moment);
                sampled.push(token);
            }
            (_, EngineEvent::RequestFinished { .. }) => break,
            (_, EngineEvent::LoadProgress { .. }) => {}
            (_, event) => return Err(other(event.to_json())),
        }
    }
    let microseconds: Vec<f64> = moments
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1e6)
        .collect();
    let Some((prefill, tokens)) = microseconds.split_first() else {
        return Err(other("no token came"));
    };
    Ok(Generated {
        prefill_microseconds: *prefill,
        token_microseconds: tokens.to_vec(),
        tokens: sampled,
    })
}
