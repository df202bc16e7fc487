//! Channels over a carrier, used as another library would: through the C table alone.

#![allow(clippy::unwrap_used)]

use std::ffi::c_void;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

use shoal_abi::channel::{
    ChannelCarrier, ChannelEnd, ChannelPeer, ChannelPort, ChannelStatistics, ChannelTable, NO_DEADLINE, WaitEntry,
};
use shoal_abi::{ErrorCode, Status};

const LARGEST: u64 = 1 << 20;

/// Far beyond what anything takes, also on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// Hands messages to the other port at once, or keeps them.
#[derive(Default)]
struct Wire {
    own: OnceLock<Weak<ChannelPort>>,
    peer: OnceLock<Weak<ChannelPort>>,
    is_stuck: bool,
    aborted: Mutex<Vec<ChannelEnd>>,
}

struct Carrier(Arc<Wire>);

impl ChannelCarrier for Carrier {
    fn send(&self, operation: u64, tag: u64, bytes: Vec<u8>) {
        if self.0.is_stuck {
            return;
        }
        if let Some(peer) = self.0.peer.get().and_then(Weak::upgrade) {
            peer.deliver(tag, &bytes);
        }
        if let Some(own) = self.0.own.get().and_then(Weak::upgrade) {
            own.sent(operation);
        }
    }

    fn abort(&self, reason: &ChannelEnd) {
        self.0.aborted.lock().unwrap().push(reason.clone());
        if let Some(peer) = self.0.peer.get().and_then(Weak::upgrade) {
            peer.end(reason.clone());
        }
    }
}

fn port(member: u16, wire: &Arc<Wire>) -> Arc<ChannelPort> {
    let peer = ChannelPeer {
        stage: 0,
        member,
        reserved: 0,
    };
    ChannelPort::new(peer, LARGEST, Carrier(wire.clone()))
}

struct Pair {
    ports: [Arc<ChannelPort>; 2],
    wires: [Arc<Wire>; 2],
}

fn pair() -> Pair {
    let wires = [Arc::new(Wire::default()), Arc::new(Wire::default())];
    let ports = [port(1, &wires[0]), port(0, &wires[1])];
    for index in 0..2 {
        wires[index].own.set(Arc::downgrade(&ports[index])).unwrap();
        wires[index].peer.set(Arc::downgrade(&ports[1 - index])).unwrap();
    }
    Pair { ports, wires }
}

/// The functions of a table, called as C would.
struct Caller<'port>(&'port ChannelPort);

impl Caller<'_> {
    fn table(&self) -> ChannelTable {
        // SAFETY: the port lives.
        unsafe { *self.0.table() }
    }

    fn post_send(&self, tag: u64, bytes: &[u8]) -> Result<u64, Status> {
        let (table, mut operation) = (self.table(), 0);
        // SAFETY: a living table; the port copies the bytes before it returns.
        let status = unsafe {
            (table.post_send)(
                table.context,
                tag,
                bytes.as_ptr(),
                bytes.len() as u64,
                &raw mut operation,
            )
        };
        if status == Status::OK {
            Ok(operation)
        } else {
            Err(status)
        }
    }

    fn post_receive(&self, tag: u64, bytes: &mut [u8]) -> Result<u64, Status> {
        let (table, mut operation) = (self.table(), 0);
        let capacity = bytes.len() as u64;
        // SAFETY: a living table; the tests keep the memory until the operation is reported or cancelled.
        let status =
            unsafe { (table.post_receive)(table.context, tag, bytes.as_mut_ptr(), capacity, &raw mut operation) };
        if status == Status::OK {
            Ok(operation)
        } else {
            Err(status)
        }
    }

    fn wait(&self, operation: u64, deadline: Duration) -> Result<u64, ErrorCode> {
        wait_any(&[(self, operation)], deadline).map(|(_, length)| length)
    }

    fn receive(&self, tag: u64, capacity: usize) -> Result<Vec<u8>, ErrorCode> {
        let mut bytes = vec![0; capacity];
        let operation = self
            .post_receive(tag, &mut bytes)
            .map_err(|status| status.error().unwrap())?;
        let length = self.wait(operation, SOON)?;
        bytes.truncate(usize::try_from(length).unwrap());
        Ok(bytes)
    }

    fn last_error(&self) -> String {
        let (table, mut text) = (self.table(), [0_u8; 200]);
        // SAFETY: 200 bytes of our own.
        let length = unsafe { (table.last_error)(table.context, text.as_mut_ptr(), 200) };
        String::from_utf8_lossy(&text[..usize::try_from(length).unwrap().min(200)]).into_owned()
    }
}

fn wait_any(set: &[(&Caller<'_>, u64)], deadline: Duration) -> Result<(u64, u64), ErrorCode> {
    let entries: Vec<WaitEntry> = set
        .iter()
        .map(|(caller, operation)| WaitEntry {
            table: caller.0.table(),
            operation: *operation,
        })
        .collect();
    let nanoseconds = u64::try_from(deadline.as_nanos()).unwrap_or(NO_DEADLINE);
    let (mut index, mut length) = (0, 0);
    let wait = set[0].0.table().wait_any;
    // SAFETY: living tables and two places to write to.
    let status = unsafe {
        wait(
            entries.as_ptr(),
            entries.len() as u64,
            nanoseconds,
            &raw mut index,
            &raw mut length,
        )
    };
    status.error().map_or(Ok((index, length)), Err)
}

#[test]
fn messages_of_a_tag_keep_their_order_and_tags_are_apart() {
    let Pair { ports, .. } = pair();
    let (first, second) = (Caller(&ports[0]), Caller(&ports[1]));
    for number in 0..50_u8 {
        for tag in [7, u64::MAX] {
            let operation = first.post_send(tag, &[number, tag as u8]).unwrap();
            assert_eq!(first.wait(operation, Duration::ZERO), Ok(2));
        }
    }
    for tag in [u64::MAX, 7] {
        for number in 0..50_u8 {
            assert_eq!(second.receive(tag, 8).unwrap(), [number, tag as u8]);
        }
    }
    let mut statistics = ChannelStatistics::default();
    let table = second.table();
    // SAFETY: one place to write to.
    let status = unsafe { (table.statistics)(table.context, &raw mut statistics) };
    assert_eq!(status, Status::OK);
    assert_eq!((statistics.received_messages, statistics.received_bytes), (100, 200));
}

#[test]
fn a_receive_may_come_before_its_message_and_is_woken_by_it() {
    let Pair { ports, .. } = pair();
    thread::scope(|scope| {
        let receiving = scope.spawn(|| Caller(&ports[1]).receive(3, 100));
        thread::sleep(Duration::from_millis(20));
        Caller(&ports[0]).post_send(3, &[9; 100]).unwrap();
        assert_eq!(receiving.join().unwrap().unwrap(), [9; 100]);
    });
}

#[test]
fn a_set_of_several_channels_reports_the_first_operation_that_ends() {
    let (one, other) = (pair(), pair());
    let callers = [Caller(&one.ports[1]), Caller(&other.ports[1])];
    let (mut first, mut second) = ([0; 4], [0; 4]);
    let operations = [
        callers[0].post_receive(1, &mut first).unwrap(),
        callers[1].post_receive(1, &mut second).unwrap(),
    ];
    Caller(&other.ports[0]).post_send(1, &[5; 3]).unwrap();
    let set = [(&callers[0], operations[0]), (&callers[1], operations[1])];
    assert_eq!(wait_any(&set, SOON), Ok((1, 3)));
    assert_eq!(second, [5, 5, 5, 0]);
    let started = Instant::now();
    let still = wait_any(&set[..1], Duration::from_millis(30));
    assert_eq!(still, Err(ErrorCode::TransportTimeout));
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert_eq!(
        callers[1].wait(operations[1], Duration::ZERO),
        Err(ErrorCode::InvalidArgument),
        "it was reported"
    );
}

#[test]
fn a_message_that_does_not_fit_ends_that_receive_only() {
    let Pair { ports, .. } = pair();
    let (first, second) = (Caller(&ports[0]), Caller(&ports[1]));
    for length in [5, 4, 0] {
        first.post_send(1, &vec![1; length]).unwrap();
    }
    assert_eq!(second.receive(1, 4), Err(ErrorCode::TransportFrameTooLarge));
    assert!(
        second.last_error().contains("5 bytes came for a buffer of 4"),
        "{}",
        second.last_error()
    );
    assert_eq!(second.receive(1, 4).unwrap(), [1; 4]);
    assert_eq!(second.receive(1, 0).unwrap(), []);
    let huge = first.post_send(1, &vec![0; LARGEST as usize + 1]).unwrap_err();
    assert_eq!(huge.error(), Some(ErrorCode::TransportFrameTooLarge));
}

#[test]
fn a_cancelled_receive_leaves_its_memory_and_the_message_alone() {
    let Pair { ports, .. } = pair();
    let (first, second) = (Caller(&ports[0]), Caller(&ports[1]));
    let mut memory = [7; 4];
    let operation = second.post_receive(1, &mut memory).unwrap();
    let table = second.table();
    // SAFETY: an operation of this table.
    let cancel = |operation| unsafe { (table.cancel)(table.context, operation) };
    assert_eq!(cancel(operation), Status::OK);
    first.post_send(1, &[1; 4]).unwrap();
    assert_eq!(memory, [7; 4]);
    assert_eq!(second.receive(1, 4).unwrap(), [1; 4]);
    assert_eq!(cancel(operation).error(), Some(ErrorCode::InvalidArgument));
}

#[test]
fn an_end_fails_what_waits_but_not_what_has_arrived() {
    let Pair { ports, .. } = pair();
    let (first, second) = (Caller(&ports[0]), Caller(&ports[1]));
    first.post_send(1, &[1]).unwrap();
    let mut memory = [0; 4];
    let waiting = second.post_receive(2, &mut memory).unwrap();
    thread::scope(|scope| {
        let failing = scope.spawn(|| second.wait(waiting, SOON));
        thread::sleep(Duration::from_millis(20));
        ports[1].end(ChannelEnd::new(ErrorCode::TransportPeerLost, "the cable was cut"));
        assert_eq!(failing.join().unwrap(), Err(ErrorCode::TransportPeerLost));
    });
    ports[1].end(ChannelEnd::new(
        ErrorCode::TransportClosed,
        "later reasons do not count",
    ));
    assert_eq!(second.receive(1, 4).unwrap(), [1]);
    assert_eq!(second.receive(1, 4), Err(ErrorCode::TransportPeerLost));
    assert_eq!(second.last_error(), "the cable was cut");
    assert_eq!(
        second.post_send(1, &[]).unwrap_err().error(),
        Some(ErrorCode::TransportPeerLost)
    );
}

#[test]
fn an_abort_reaches_both_sides_once() {
    let Pair { ports, wires } = pair();
    let (first, second) = (Caller(&ports[0]), Caller(&ports[1]));
    let mut memory = [0; 4];
    let waiting = second.post_receive(2, &mut memory).unwrap();
    let table = first.table();
    for _ in 0..2 {
        // SAFETY: a living table.
        let aborted = unsafe { (table.abort)(table.context, ErrorCode::BackendFailed.into()) };
        assert_eq!(aborted, Status::OK);
    }
    assert_eq!(second.wait(waiting, Duration::ZERO), Err(ErrorCode::TransportAborted));
    assert!(second.last_error().contains("BACKEND_FAILED"));
    assert_eq!(wires[0].aborted.lock().unwrap().len(), 1);
}

#[test]
fn a_send_that_is_never_taken_does_not_end() {
    let stuck = Arc::new(Wire {
        is_stuck: true,
        ..Wire::default()
    });
    let port = port(1, &stuck);
    let caller = Caller(&port);
    let operation = caller.post_send(1, &[1]).unwrap();
    assert_eq!(
        caller.wait(operation, Duration::from_millis(20)),
        Err(ErrorCode::TransportTimeout)
    );
    port.sent(operation);
    assert_eq!(caller.wait(operation, Duration::ZERO), Ok(1));
}

#[test]
fn a_table_lives_as_long_as_its_last_reference() {
    let Pair { ports, .. } = pair();
    let [first, second] = ports;
    // SAFETY: the port lives.
    let table = unsafe { *first.table() };
    let watch = Arc::downgrade(&first);
    // SAFETY: a living table, whose reference is given back below.
    unsafe { (table.retain)(table.context) };
    drop(first);
    let mut operation = 0;
    // SAFETY: the reference taken above keeps the table alive.
    let sent = unsafe { (table.post_send)(table.context, 4, [1_u8].as_ptr(), 1, &raw mut operation) };
    assert_eq!(sent, Status::OK);
    assert_eq!(Caller(&second).receive(4, 1).unwrap(), [1]);
    // SAFETY: gives back the one reference taken above.
    unsafe { (table.release)(table.context) };
    assert!(watch.upgrade().is_none());
}

#[test]
fn nonsense_is_refused() {
    let Pair { ports, .. } = pair();
    let caller = Caller(&ports[0]);
    let table = caller.table();
    let null = std::ptr::null_mut::<c_void>();
    let mut number = 0;
    // SAFETY: null contexts and pointers are what is tested; nothing is written through them.
    let statuses = unsafe {
        [
            (table.post_send)(null, 1, [0_u8].as_ptr(), 1, &raw mut number),
            (table.post_send)(table.context, 1, std::ptr::null(), 1, &raw mut number),
            (table.post_send)(table.context, 1, [0_u8].as_ptr(), 1, std::ptr::null_mut()),
            (table.post_receive)(table.context, 1, std::ptr::null_mut(), 1, &raw mut number),
            (table.wait_any)(std::ptr::null(), 1, 0, &raw mut number, &raw mut number),
            (table.cancel)(table.context, 99),
            (table.statistics)(table.context, std::ptr::null_mut()),
        ]
    };
    for status in statuses {
        assert_eq!(status.error(), Some(ErrorCode::InvalidArgument));
    }
    assert_eq!(caller.wait(99, Duration::ZERO), Err(ErrorCode::InvalidArgument));
}
