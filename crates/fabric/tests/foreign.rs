//! Channels of other libraries, represented by exported tables: all that crosses is the C table.

#![allow(clippy::unwrap_used)]

mod support;

use std::ptr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use shoal_abi::channel::{
    ChannelCarrier, ChannelEnd, ChannelPeer, ChannelPort, ChannelStatistics, ChannelTable, NO_DEADLINE, WaitEntry,
};
use shoal_abi::{ErrorCode, Status};
use shoal_fabric::{
    Channel, ChannelLimits, Deadline, Envelope, ForeignTable, FrameKind, MemberIndex, Mesh, export_table,
};
use support::{KINDS, configurations, establish, in_parallel, noise, soon};

const FIRST: MemberIndex = MemberIndex { stage: 0, member: 0 };
const SECOND: MemberIndex = MemberIndex { stage: 0, member: 1 };

fn tables() -> [ForeignTable; 2] {
    let (first, second) = Channel::memory_pair(FIRST, SECOND, ChannelLimits::default()).unwrap();
    // SAFETY: the tables were just exported, each holding the one reference that is taken over here.
    [&first, &second].map(|channel| unsafe { ForeignTable::new(export_table(channel)) }.unwrap())
}

/// Three members; the first two reach each other through tables, all other pairs through sockets.
fn mixed_stage() -> Vec<Mesh> {
    let indices: Vec<MemberIndex> = (0..3).map(|member| MemberIndex::new(0, member)).collect();
    let mut configs = configurations(KINDS[0], &indices);
    for (config, table) in configs.iter_mut().zip(tables()) {
        config.foreign.push(table);
    }
    establish(configs).into_iter().map(Result::unwrap).collect()
}

#[test]
fn a_group_may_mix_sockets_and_foreign_tables() {
    let meshes = mixed_stage();
    let indices: Vec<MemberIndex> = (0..3).map(|member| MemberIndex::new(0, member)).collect();
    for count in [5, 2048, 100_000] {
        let results = in_parallel(&meshes, |rank, mesh| {
            let mut group = mesh.group(count as u32, &indices).unwrap();
            let mut values = noise(rank as u64, count);
            group.all_reduce_sum_f32(&mut values, soon()).unwrap();
            group.barrier(soon()).unwrap();
            values
        });
        let mut expected = noise(0, count);
        for rank in 1..3 {
            expected
                .iter_mut()
                .zip(noise(rank, count))
                .for_each(|(sum, value)| *sum += value);
        }
        for values in results {
            assert!(
                values
                    .iter()
                    .zip(&expected)
                    .all(|(found, sum)| found.to_bits() == sum.to_bits())
            );
        }
    }
}

/// Hands every message to the port at the other end.
struct Carrier {
    own: Arc<OnceLock<Weak<ChannelPort>>>,
    peer: Arc<OnceLock<Weak<ChannelPort>>>,
}

impl ChannelCarrier for Carrier {
    fn send(&self, operation: u64, tag: u64, bytes: Vec<u8>) {
        if let Some(peer) = self.peer.get().and_then(Weak::upgrade) {
            peer.deliver(tag, &bytes);
        }
        if let Some(own) = self.own.get().and_then(Weak::upgrade) {
            own.sent(operation);
        }
    }

    fn abort(&self, reason: &ChannelEnd) {
        if let Some(peer) = self.peer.get().and_then(Weak::upgrade) {
            peer.end(reason.clone());
        }
    }
}

/// Two meshes of one channel that something carries whose messages have no operating system behind them.
fn carried_meshes() -> Vec<Mesh> {
    let slots: [Arc<OnceLock<Weak<ChannelPort>>>; 2] = Default::default();
    let ports = [(SECOND, 0), (FIRST, 1)].map(|(peer, index)| {
        let peer = ChannelPeer {
            stage: peer.stage,
            member: peer.member,
            reserved: 0,
        };
        let carrier = Carrier {
            own: slots[index].clone(),
            peer: slots[1 - index].clone(),
        };
        ChannelPort::new(peer, 1 << 28, carrier)
    });
    for (slot, port) in slots.iter().zip(&ports) {
        slot.set(Arc::downgrade(port)).unwrap();
    }
    let mut configs = configurations(KINDS[0], &[FIRST, SECOND]);
    for (config, port) in configs.iter_mut().zip(&ports) {
        // SAFETY: the ports live; each mesh gets a reference of its own.
        let table = unsafe {
            let table = &*port.table();
            (table.retain)(table.context);
            ForeignTable::new(port.table()).unwrap()
        };
        config.foreign.push(table);
    }
    establish(configs).into_iter().map(Result::unwrap).collect()
}

#[test]
fn carried_channels_add_up_and_end_like_others() {
    let mut meshes = carried_meshes();
    let results = in_parallel(&meshes, |rank, mesh| {
        let mut group = mesh.group(0, &[FIRST, SECOND]).unwrap();
        let mut values = noise(rank as u64, 100_000);
        group.all_reduce_sum_f32(&mut values, soon()).unwrap();
        values
    });
    assert_eq!(results[0], results[1]);
    let second = meshes.pop().unwrap();
    drop(meshes);
    let channel = second.channel(FIRST).unwrap();
    let error = channel
        .receive(FrameKind::Token, 0, &mut Vec::new(), soon())
        .unwrap_err();
    assert_eq!(error.code().name(), "TRANSPORT_CLOSED");
}

#[test]
fn messages_of_unknown_length_and_too_long_ones_behave_as_on_sockets() {
    let meshes = mixed_stage();
    let (first, second) = (meshes[0].channel(SECOND).unwrap(), meshes[1].channel(FIRST).unwrap());
    let envelope = Envelope::new(FrameKind::Control, 3).with_step(8);
    for length in [0, 10, 100_000] {
        first.send(&envelope, &vec![1; length], soon()).unwrap();
    }
    let mut bytes = Vec::new();
    for length in [0, 10, 100_000] {
        let info = second.receive(FrameKind::Control, 3, &mut bytes, soon()).unwrap();
        assert_eq!((info.envelope, bytes.len()), (envelope, length));
    }
    first.send(&envelope, &[2; 9], soon()).unwrap();
    first.send(&envelope, &[3; 8], soon()).unwrap();
    let mut memory = [0; 8];
    let error = second
        .receive_into(FrameKind::Control, 3, &mut memory, soon())
        .unwrap_err();
    assert_eq!(error.code().name(), "TRANSPORT_FRAME_TOO_LARGE");
    second.receive_into(FrameKind::Control, 3, &mut memory, soon()).unwrap();
    assert_eq!(memory, [3; 8]);
}

#[test]
fn a_leave_and_an_abort_reach_the_other_side() {
    let mut meshes = mixed_stage();
    let second = meshes.remove(1);
    let channel = second.channel(FIRST).unwrap();
    drop(meshes.remove(0));
    let error = channel
        .receive(FrameKind::Token, 0, &mut Vec::new(), soon())
        .unwrap_err();
    assert_eq!(error.code().name(), "TRANSPORT_CLOSED");

    let meshes = mixed_stage();
    let channel = meshes[1].channel(FIRST).unwrap();
    meshes[0].abort("test");
    let error = channel
        .receive(FrameKind::Token, 0, &mut Vec::new(), soon())
        .unwrap_err();
    assert_eq!(error.code().name(), "TRANSPORT_ABORTED");
}

#[test]
fn a_silent_foreign_peer_is_lost() {
    let indices = [FIRST, SECOND];
    let mut configs = configurations(KINDS[0], &indices);
    let [first, _silent] = tables();
    let mut config = configs.remove(0);
    config.foreign.push(first);
    let mesh = Mesh::establish(config).unwrap();
    let channel = mesh.channel(SECOND).unwrap();
    let error = channel
        .receive(FrameKind::Token, 0, &mut Vec::new(), soon())
        .unwrap_err();
    assert_eq!(
        (error.code().name(), error.peer()),
        ("TRANSPORT_PEER_LOST", Some(SECOND))
    );
}

#[test]
fn the_table_keeps_its_rules() {
    let (first, second) = Channel::memory_pair(FIRST, SECOND, ChannelLimits::default()).unwrap();
    let (near, far) = (export_table(&first), export_table(&second));
    // SAFETY: both tables are living ones, and all memory below outlives its operations.
    unsafe {
        let (near_table, far_table) = (&*near, &*far);
        assert_eq!(near_table.check(), Ok(()));
        let (mut operation, mut index, mut length) = (0, 9, 9);
        let mut memory = [0_u8; 4];
        let receive = far_table.post_receive;
        assert_eq!(
            receive(far_table.context, u64::MAX, memory.as_mut_ptr(), 4, &mut operation),
            Status::OK
        );
        let entry = WaitEntry { table: far, operation };
        let status = (far_table.wait_any)(&entry, 1, 0, &mut index, &mut length);
        assert_eq!(status.error(), Some(ErrorCode::TransportTimeout));

        let mut send = 0;
        let text = b"four";
        assert_eq!(
            (near_table.post_send)(near_table.context, u64::MAX, text.as_ptr(), 4, &mut send),
            Status::OK
        );
        assert_eq!(
            (far_table.wait_any)(&entry, 1, NO_DEADLINE, &mut index, &mut length),
            Status::OK
        );
        assert_eq!((index, length, &memory), (0, 4, text));
        // Each operation is reported once.
        let status = (far_table.wait_any)(&entry, 1, 0, &mut index, &mut length);
        assert_eq!(status.error(), Some(ErrorCode::InvalidArgument));
        assert_eq!(
            (far_table.cancel)(far_table.context, operation).error(),
            Some(ErrorCode::InvalidArgument)
        );

        // A message that is too long ends its receive.
        assert_eq!(
            receive(far_table.context, 1, memory.as_mut_ptr(), 3, &mut operation),
            Status::OK
        );
        assert_eq!(
            (near_table.post_send)(near_table.context, 1, text.as_ptr(), 4, &mut send),
            Status::OK
        );
        let entry = WaitEntry { table: far, operation };
        let status = (far_table.wait_any)(&entry, 1, NO_DEADLINE, &mut index, &mut length);
        assert_eq!((status.error(), length), (Some(ErrorCode::TransportFrameTooLarge), 4));
        let mut message = [0_u8; 256];
        let count = (far_table.last_error)(far_table.context, message.as_mut_ptr(), 256) as usize;
        assert!(
            std::str::from_utf8(&message[..count])
                .unwrap()
                .contains("exceeds the limit")
        );

        // Mistakes of the caller give an error and nothing worse.
        let mut null_operation = 0;
        let null = ptr::null_mut();
        let status = (near_table.post_send)(near_table.context, 0, ptr::null(), 1, &mut null_operation);
        assert_eq!(status.error(), Some(ErrorCode::InvalidArgument));
        assert_eq!(
            (near_table.statistics)(null, ptr::null_mut()).error(),
            Some(ErrorCode::InvalidArgument)
        );
        assert_eq!(
            (near_table.wait_any)(ptr::null(), 1, 0, null.cast(), null.cast()).error(),
            Some(ErrorCode::InvalidArgument)
        );

        let mut statistics = ChannelStatistics::default();
        assert_eq!((near_table.statistics)(near_table.context, &mut statistics), Status::OK);
        assert_eq!(statistics.sent_messages, 2);

        // An abort ends what is pending, here and there.
        assert_eq!(
            receive(far_table.context, 2, memory.as_mut_ptr(), 4, &mut operation),
            Status::OK
        );
        assert_eq!(
            (near_table.abort)(near_table.context, ErrorCode::TransportAborted.into()),
            Status::OK
        );
        let entry = WaitEntry { table: far, operation };
        let status = (far_table.wait_any)(&entry, 1, NO_DEADLINE, &mut index, &mut length);
        assert_eq!(status.error(), Some(ErrorCode::TransportAborted));

        (near_table.retain)(near_table.context);
        (near_table.release)(near_table.context);
        (near_table.release)(near_table.context);
        (far_table.release)(far_table.context);
    }
}

#[test]
fn a_table_of_another_version_is_refused() {
    let (first, _second) = Channel::memory_pair(FIRST, SECOND, ChannelLimits::default()).unwrap();
    let table = export_table(&first);
    // SAFETY: the table is a living one; the copy is only read.
    let copy = ChannelTable {
        version: 99,
        ..unsafe { *table }
    };
    // SAFETY: the copy lives through the call, and a refused table is not referred to.
    let error = unsafe { ForeignTable::new(&copy) }.unwrap_err();
    assert!(error.to_string().contains("99"), "{error}");
    // SAFETY: gives back the exported reference.
    unsafe { ((*table).release)((*table).context) };
    // SAFETY: null is refused before anything is read.
    assert!(unsafe { ForeignTable::new(ptr::null()) }.is_err());
}

#[test]
fn deadlines_hold_on_foreign_channels() {
    let meshes = mixed_stage();
    let channel = meshes[0].channel(SECOND).unwrap();
    let mut memory = [0; 4];
    let deadline = Deadline::after(Duration::from_millis(50));
    let error = channel
        .receive_into(FrameKind::Token, 0, &mut memory, deadline)
        .unwrap_err();
    assert_eq!((error.code().name(), error.peer()), ("TRANSPORT_TIMEOUT", Some(SECOND)));
}
