//! A loaded member whose peers say anything: the sampler, another member of its stage, or the head. Everything that the
//! engine reads from channels is read here by the code that reads it in earnest: step descriptors, registrations,
//! activations, collectives, logits and tokens.
//!
//! The first byte chooses the member. Then messages follow, each with a byte that chooses the peer (low two bits) and
//! the kind (the rest), a byte for the step, `u16` bytes of payload, and the payload.

#![no_main]

use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use shoal_abi::backend::{Backend, WeightSource};
use shoal_engine::fuzzing::{HIDDEN_TAG, LOGITS_TAG, ONLY_TAG, REGISTRATION_TAG};
use shoal_engine::{
    EngineEvent, EngineRequest, Links, Member, MemberIndex, MemberOptions, SamplingOptions, TokenMaskFactories,
};
use shoal_fabric::{AbortFlag, Channel, ChannelLimits, Deadline, Envelope, FrameKind};
use shoal_program::{CompileOptions, MemberProgram, StateStorage, StorageType};
use shoal_reference::ReferenceBackend;
use shoal_reference::llama::{LlamaConfig, member_program, shards, write_checkpoint};
use shoal_weights::{Checkpoint, ProgramWeights};

const PLACES: [MemberIndex; 3] = [
    MemberIndex { stage: 0, member: 0 },
    MemberIndex { stage: 1, member: 0 },
    MemberIndex { stage: 1, member: 1 },
];

/// What a byte stands for. The tags of a group's collectives are the group's number, which is 0 here.
const MESSAGES: [(FrameKind, u64); 8] = [
    (FrameKind::StepDescriptor, ONLY_TAG),
    (FrameKind::Control, REGISTRATION_TAG),
    (FrameKind::Activation, HIDDEN_TAG),
    (FrameKind::Activation, LOGITS_TAG),
    (FrameKind::Collective, 0),
    (FrameKind::Token, ONLY_TAG),
    (FrameKind::Bulk, 0),
    (FrameKind::Opaque, 0),
];

/// Without a word for this long, the member waits for its peers.
const QUIET: Duration = Duration::from_millis(2);

struct Model {
    checkpoint: Arc<Checkpoint>,
    programs: Vec<MemberProgram>,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let config = LlamaConfig {
        layers: 2,
        hidden: 8,
        feed_forward: 64,
        heads: 2,
        key_value_heads: 2,
        head_size: 4,
        vocabulary: 64,
        ..LlamaConfig::tiny()
    };
    let folder = std::env::temp_dir().join(format!("shoal-fuzz-member-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the checkpoint");
    write_checkpoint(&config, StorageType::F32, 7, &folder).expect("the checkpoint is written");
    let checkpoint = Arc::new(Checkpoint::open(&folder).expect("the checkpoint opens"));
    // The mapping outlives the name.
    let _ = std::fs::remove_dir_all(folder);
    let shards = shards(&config, &[vec![1], vec![1, 1]], StorageType::F32);
    let programs = shards
        .iter()
        .flatten()
        .map(|shard| member_program(&config, shard))
        .collect();
    Model { checkpoint, programs }
});

fn take<'bytes>(data: &mut &'bytes [u8], count: usize) -> &'bytes [u8] {
    let (taken, rest) = data.split_at(count.min(data.len()));
    *data = rest;
    taken
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, mut rest)) = data.split_first() else {
        return;
    };
    let position = usize::from(*choice) % PLACES.len();
    let me = PLACES[position];
    let limits = ChannelLimits {
        largest_message_bytes: 1 << 17,
        inbox_bytes: 1 << 20,
        outbox_bytes: 1 << 20,
    };
    let pairs = PLACES.iter().filter(|place| **place != me);
    let (near, far): (Vec<Channel>, Vec<Channel>) = pairs
        .map(|place| Channel::memory_pair(me, *place, limits).expect("memory"))
        .unzip();

    let program = MODEL.programs[position].clone();
    let weights = ProgramWeights::new(MODEL.checkpoint.clone(), &program).expect("the weights fit the program");
    let (sender, events) = channel();
    let member = Member::start(MemberOptions {
        member: me,
        stage_sizes: vec![1, 2],
        epoch: 3,
        program,
        backend: Backend::export(ReferenceBackend),
        weights: WeightSource::export(weights),
        links: Links::from_channels(near),
        token_masks: TokenMaskFactories::built_in(),
        compile: CompileOptions {
            slot_count: 2,
            context_length: 16,
            state_storage: StateStorage::F32,
            maximum_step_tokens: 8,
        },
        queue_capacity: 4,
        step_deadline: Duration::from_secs(60),
        abort: AbortFlag::new(),
        on_event: Arc::new(move |event| drop(sender.send(event))),
    })
    .expect("the member starts");
    if position == 0 {
        let sampling = SamplingOptions {
            temperature: 1.0,
            seed: 1,
            ..SamplingOptions::default()
        };
        let request = EngineRequest {
            id: 1,
            prompt_tokens: vec![1, 2, 3],
            maximum_tokens: 4,
            stop_tokens: vec![5],
            sampling,
            ..EngineRequest::default()
        };
        member.submit(request).expect("the head takes a request");
    }
    while let [control, step, low, high, ..] = *rest {
        rest = &rest[4..];
        let payload = take(&mut rest, usize::from(u16::from_le_bytes([low, high])));
        let (kind, tag) = MESSAGES[usize::from(control >> 2) % MESSAGES.len()];
        let envelope = Envelope::new(kind, tag).with_step(u64::from(step));
        let peer = &far[usize::from(control & 3) % far.len()];
        // Fails once the member has given up.
        let _ = peer.send(&envelope, payload, Deadline::after(Duration::from_secs(5)));
    }
    // The peers stay until the member has made of it what it can: what it sends to one that is gone ends it. Then they go,
    // and whatever it waits for, it ends by itself.
    let mut peers = Some(far);
    let mut ended = 0;
    loop {
        let patience = if peers.is_some() { QUIET } else { Duration::from_secs(5) };
        match events.recv_timeout(patience) {
            Ok(EngineEvent::Token { token, .. }) => assert!(token < 64, "token {token} of a vocabulary of 64"),
            Ok(EngineEvent::RequestFinished { .. } | EngineEvent::RequestFailed { .. }) => ended += 1,
            Ok(EngineEvent::MemberFailed { code, .. }) => {
                assert_ne!(code, "INTERNAL");
                break;
            }
            Ok(EngineEvent::LoadProgress { .. }) => {}
            Err(_) => match peers.take() {
                Some(peers) => peers.iter().for_each(|peer| peer.leave(None, Duration::ZERO)),
                None => break,
            },
        }
    }
    assert!(ended <= 1, "a request ended twice");
    // A member that leaves lets its peers read its last words.
    drop(peers);
    member.close();
});
