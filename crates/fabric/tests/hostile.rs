//! Strangers and misfits at the door: refused with a reason, and no hindrance to the members.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use shoal_fabric::{
    AbortFlag, Address, Deadline, FabricError, Fingerprint, Listener, MemberIndex, Mesh, MeshConfig, Secret,
    TlsIdentity,
};
use shoal_frame::{FrameHeader, FrameKind};
use support::{EPOCH, INSTANCE, KINDS, Kind, SECRET, configurations, establish, soon};

const FIRST: MemberIndex = MemberIndex { stage: 0, member: 0 };
const SECOND: MemberIndex = MemberIndex { stage: 0, member: 1 };

fn pair(kind: Kind) -> [MeshConfig; 2] {
    configurations(kind, &[FIRST, SECOND]).try_into().unwrap()
}

fn socket_address(config: &MeshConfig) -> SocketAddr {
    match config.listeners[0].address() {
        Address::Tcp(address) | Address::Tls(address) => *address,
        Address::Unix(_) => panic!("a TCP address was expected"),
    }
}

/// For the side that waits for others to come: who was refused has come by then, also on a busy machine.
fn after_the_refusal() -> Deadline {
    Deadline::after(Duration::from_secs(3))
}

fn codes(results: &[Result<Mesh, FabricError>]) -> Vec<&'static str> {
    results
        .iter()
        .map(|result| {
            result
                .as_ref()
                .map_or_else(|error| error.code().name(), |_| "connected")
        })
        .collect()
}

/// The bytes that strangers open with.
fn strange_openings() -> Vec<Vec<u8>> {
    let hello = FrameHeader {
        length: 32,
        ..FrameHeader::new(FrameKind::Hello)
    };
    let with = |header: FrameHeader| header.encode().to_vec();
    vec![
        b"GET / HTTP/1.1\r\nHost: shoal\r\nUser-Agent: a stranger with many words\r\n\r\n".to_vec(),
        vec![0; 4096],
        vec![0xff; 1 << 20],
        with(FrameHeader {
            length: u32::MAX,
            ..hello
        }),
        with(FrameHeader { length: 1, ..hello }),
        with(FrameHeader {
            kind: FrameKind::Activation,
            ..hello
        }),
        // A whole hello, and then nothing, or garbage instead of a proof.
        [with(hello), vec![1; 32]].concat(),
        [with(hello), vec![1; 32], vec![9; 500]].concat(),
        // Cut in the middle.
        with(hello)[..20].to_vec(),
        Vec::new(),
    ]
}

#[test]
fn strangers_do_not_keep_the_members_apart() {
    for kind in [Kind::Tcp, Kind::Tls] {
        let [first, second] = pair(kind);
        let address = socket_address(&second);
        // They are there first, and those that say little stay connected.
        let strangers: Vec<TcpStream> = strange_openings()
            .iter()
            .map(|opening| {
                let mut stranger = TcpStream::connect(address).unwrap();
                let _ = stranger.set_write_timeout(Some(Duration::from_millis(200)));
                let _ = stranger.write_all(opening);
                stranger
            })
            .collect();
        let results = establish(vec![first, second]);
        assert_eq!(codes(&results), ["connected"; 2], "{kind:?}");
        drop(strangers);
    }
}

#[test]
fn a_stranger_is_cut_off_at_once_or_after_the_handshake_limit() {
    let [_, second] = pair(Kind::Tcp);
    let address = socket_address(&second);
    let abort = second.abort.clone();
    let accepting = std::thread::spawn(move || Mesh::establish(second));
    let http = &b"GET / HTTP/1.1\r\nHost: shoal, and forty-eight bytes are full\r\n"[..];
    for opening in [http, b"SH"] {
        let mut stranger = TcpStream::connect(address).unwrap();
        stranger.write_all(opening).unwrap();
        stranger.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        match stranger.read(&mut [0; 16]) {
            // The end of the stream or a reset: no answer in any case, and the end comes from the other side.
            Ok(count) => assert_eq!(count, 0),
            Err(error) => assert!(
                !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                "{error}"
            ),
        }
    }
    // A slow one that sends a byte now and then gets no more time than others: its header alone would take 19 s.
    let mut slow = TcpStream::connect(address).unwrap();
    let was_cut = FrameHeader::new(FrameKind::Hello).encode().into_iter().any(|byte| {
        std::thread::sleep(Duration::from_millis(400));
        slow.write_all(&[byte]).is_err()
    });
    assert!(was_cut, "the whole header was taken");
    abort.raise();
    assert_eq!(
        accepting.join().unwrap().unwrap_err().code().name(),
        "TRANSPORT_ABORTED"
    );
}

#[test]
fn a_wrong_secret_is_named_with_its_address_on_both_sides() {
    // At the same time: each takes as long as its deadline.
    std::thread::scope(|scope| {
        for kind in KINDS {
            scope.spawn(move || {
                let [mut first, mut second] = pair(*kind);
                first.secret = Secret([8; 32]);
                second.deadline = after_the_refusal();
                let address = second.listeners[0].address().to_string();
                let results = establish(vec![first, second]);
                assert_eq!(codes(&results), ["TRANSPORT_UNAUTHENTICATED"; 2], "{kind:?}");
                let text = results[0].as_ref().unwrap_err().to_string();
                assert!(text.contains(&address), "{text}");
            });
        }
    });
}

#[test]
fn another_epoch_or_instance_is_told_apart_from_a_wrong_secret() {
    let changes: [fn(&mut MeshConfig); 2] = [
        |config| config.epoch = EPOCH - 1,
        |config| config.instance = INSTANCE + 1,
    ];
    for change in changes {
        let [mut first, mut second] = pair(Kind::Tcp);
        change(&mut first);
        second.deadline = after_the_refusal();
        let results = establish(vec![first, second]);
        assert_eq!(codes(&results), ["TRANSPORT_EPOCH_MISMATCH"; 2]);
    }
}

#[test]
fn a_wrong_certificate_is_refused_on_either_side() {
    let other = || Some(TlsIdentity::generate().unwrap().fingerprint());
    // The connecting side expects another certificate, then the accepting side does.
    for wrong_at in 0..2 {
        let mut configs = pair(Kind::Tls);
        configs[wrong_at].members[1 - wrong_at].fingerprint = other();
        configs[1].deadline = after_the_refusal();
        let results = establish(configs.into());
        assert_eq!(
            results[0].as_ref().unwrap_err().code().name(),
            "TRANSPORT_UNAUTHENTICATED",
            "{results:?}"
        );
        assert!(results[1].is_err());
    }
}

#[test]
fn a_member_with_the_certificate_of_another_is_refused() {
    let indices: Vec<MemberIndex> = (0..3).map(|member| MemberIndex::new(0, member)).collect();
    let mut configs = configurations(Kind::Tls, &indices);
    let third = configs.pop().unwrap();
    // The first member's key says that it is the second member.
    let mut impostor = configs.remove(0);
    impostor.me = SECOND;
    let mut third = MeshConfig {
        deadline: after_the_refusal(),
        ..third
    };
    third.abort = AbortFlag::new();
    impostor.members.retain(|member| member.index == third.me);
    let results = establish(vec![impostor, third]);
    assert_eq!(
        results[0].as_ref().unwrap_err().code().name(),
        "TRANSPORT_UNAUTHENTICATED"
    );
    assert_eq!(results[1].as_ref().unwrap_err().code().name(), "TRANSPORT_UNREACHABLE");
}

#[test]
fn tls_without_a_fingerprint_is_a_mistake_and_not_a_risk() {
    let [mut first, _second] = pair(Kind::Tls);
    first.members[1].fingerprint = None;
    let error = Mesh::establish(first).unwrap_err();
    assert_eq!(error.code().name(), "INTERNAL_INVALID_ARGUMENT");
    assert!(Listener::bind(&"tls:127.0.0.1:0".parse().unwrap(), None).is_err());
}

#[test]
fn the_missing_are_named_at_the_deadline() {
    let indices: Vec<MemberIndex> = (0..3).map(|stage| MemberIndex::new(stage, 0)).collect();
    let mut configs = configurations(KINDS[0], &indices);
    let third = configs.pop().unwrap();
    // Bound but not answering is as missing as not bound at all.
    for config in &mut configs {
        config.deadline = Deadline::after(Duration::from_millis(400));
    }
    let errors: Vec<FabricError> = establish(configs).into_iter().map(Result::unwrap_err).collect();
    // Who gives up first tells the other one why.
    assert!(
        errors
            .iter()
            .any(|error| matches!(error, FabricError::Unreachable { missing, .. } if *missing == [third.me])),
        "{errors:?}"
    );
    for error in errors {
        assert!(error.to_string().contains("stage 2 member 0"), "{error}");
    }
    drop(third);

    let mut alone = MeshConfig::new(FIRST, INSTANCE, EPOCH, SECRET);
    alone.deadline = Deadline::after(Duration::from_millis(300));
    let address: Address = "tcp:127.0.0.1:1".parse().unwrap();
    alone.members.push(shoal_fabric::MemberEndpoint {
        index: SECOND,
        addresses: vec![address],
        fingerprint: None::<Fingerprint>,
    });
    let error = Mesh::establish(alone).unwrap_err();
    assert_eq!(
        (error.code().name(), error.peer()),
        ("TRANSPORT_UNREACHABLE", Some(SECOND))
    );
}

#[test]
fn members_may_come_at_different_times_and_through_a_second_address() {
    let [mut first, second] = pair(Kind::Tcp);
    let nobody: Address = "tcp:127.0.0.1:1".parse().unwrap();
    first.members[1].addresses.insert(0, nobody);
    let early = std::thread::spawn(move || Mesh::establish(first));
    std::thread::sleep(Duration::from_millis(300));
    let late = Mesh::establish(second);
    assert!(early.join().unwrap().is_ok() && late.is_ok());
}

#[test]
fn an_abort_ends_the_waiting_for_members() {
    let [first, _second] = pair(KINDS[0]);
    let abort = first.abort.clone();
    let waiting = std::thread::spawn(move || {
        Mesh::establish(MeshConfig {
            deadline: soon(),
            ..first
        })
    });
    std::thread::sleep(Duration::from_millis(50));
    abort.raise();
    // At the deadline it would be another code.
    assert_eq!(waiting.join().unwrap().unwrap_err().code().name(), "TRANSPORT_ABORTED");
}

#[cfg(unix)]
#[test]
fn the_socket_file_of_a_dead_process_is_replaced_and_a_living_one_is_not() {
    let path = support::socket_path();
    let address = Address::Unix(path.clone());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = Listener::bind(&address, None).unwrap();
    assert_eq!(
        Listener::bind(&address, None).unwrap_err().code().name(),
        "TRANSPORT_INPUT_OUTPUT"
    );
    drop(listener);
    assert!(!path.exists());
}
