//! How the loss, the leave and the stall of a member are told apart, with real processes where one has to die.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{BufRead, BufReader};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use shoal_fabric::{
    Address, Deadline, Envelope, FabricError, FrameKind, Listener, MemberEndpoint, MemberIndex, Mesh, MeshConfig,
    TlsIdentity,
};
use support::{EPOCH, INSTANCE, KINDS, Kind, SECRET, any_address, configurations, establish, in_parallel, soon, stage};

const FIRST: MemberIndex = MemberIndex { stage: 0, member: 0 };
const SECOND: MemberIndex = MemberIndex { stage: 0, member: 1 };
const THIRD: MemberIndex = MemberIndex { stage: 0, member: 2 };

/// What an error says of a peer that was silent for too long.
const SILENCE: &str = "no sign of life";

/// Number, kind, the first member's fingerprint and the address of a higher member, separated by spaces.
const ROLE: &str = "SHOAL_FABRIC_TEST_MEMBER";

/// Not a test of its own: the other tests start it as a process that becomes one member and then idles.
#[test]
fn member_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let fields: Vec<&str> = role.split(' ').collect();
    let number: u16 = fields[0].parse().unwrap();
    let kind = *KINDS
        .iter()
        .find(|candidate| format!("{candidate:?}") == fields[1])
        .unwrap();
    let mut config = MeshConfig::new(MemberIndex::new(0, number), INSTANCE, EPOCH, SECRET);
    config.deadline = soon();
    config.identity = (kind == Kind::Tls).then(|| TlsIdentity::generate().unwrap());
    let listener = Listener::bind(&any_address(kind), config.identity.as_ref()).unwrap();
    // On standard error, because the test harness shares the other.
    let fingerprint = listener
        .fingerprint()
        .map(|fingerprint| fingerprint.to_string())
        .unwrap_or_default();
    eprintln!("listening {} {fingerprint}", listener.address());
    config.listeners.push(listener);
    // Lower members connect to this one, so their addresses are not needed.
    config.members = (0..number)
        .map(|member| MemberEndpoint {
            index: MemberIndex::new(0, member),
            addresses: Vec::new(),
            fingerprint: fields[2].parse().ok(),
        })
        .collect();
    if !fields[3].is_empty() {
        let addresses = vec![fields[3].parse().unwrap()];
        config.members.push(MemberEndpoint {
            index: MemberIndex::new(0, number + 1),
            addresses,
            fingerprint: None,
        });
    }
    let mesh = Mesh::establish(config).unwrap();
    let channel = mesh.channel(FIRST).unwrap();
    // The end comes from outside; the deadline only keeps a forgotten process from staying.
    let mut bytes = Vec::new();
    let _ = channel.receive(
        FrameKind::Control,
        0,
        &mut bytes,
        Deadline::after(Duration::from_secs(60)),
    );
}

/// A process that is killed at the latest when the test ends.
struct Member {
    child: Child,
    endpoint: MemberEndpoint,
}

impl Member {
    fn start(number: u16, kind: Kind) -> Self {
        Self::start_below(number, kind, None, None)
    }

    /// A member that also connects to a higher one, and that accepts the first member's certificate.
    fn start_below(number: u16, kind: Kind, higher: Option<&Self>, first: Option<&TlsIdentity>) -> Self {
        let higher = higher
            .map(|member| member.endpoint.addresses[0].to_string())
            .unwrap_or_default();
        let first = first
            .map(|identity| identity.fingerprint().to_string())
            .unwrap_or_default();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "member_process", "--nocapture"])
            .env(ROLE, format!("{number} {kind:?} {first} {higher}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening ").map(str::to_owned))
            .unwrap();
        let (address, fingerprint) = line.split_once(' ').unwrap();
        let endpoint = MemberEndpoint {
            index: MemberIndex::new(0, number),
            addresses: vec![address.parse().unwrap()],
            fingerprint: fingerprint.parse().ok(),
        };
        Self { child, endpoint }
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for address in &self.endpoint.addresses {
            if let Address::Unix(path) = address {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

fn join(members: &[&Member], identity: Option<TlsIdentity>) -> Mesh {
    let mut config = MeshConfig::new(FIRST, INSTANCE, EPOCH, SECRET);
    config.deadline = soon();
    config.identity = identity;
    config.members = members.iter().map(|member| member.endpoint.clone()).collect();
    Mesh::establish(config).unwrap()
}

fn assert_lost(error: &FabricError, peer: MemberIndex) {
    assert_eq!(
        (error.code().name(), error.peer()),
        ("TRANSPORT_PEER_LOST", Some(peer)),
        "{error}"
    );
    assert!(error.to_string().contains(&peer.to_string()), "{error}");
}

/// The connection told of it: silence, which shows in the end what nothing tells of, is only waited for in vain.
fn assert_lost_at_once(error: &FabricError, peer: MemberIndex) {
    assert_lost(error, peer);
    assert!(!error.to_string().contains(SILENCE), "{error}");
}

fn wait_for_failure(mesh: &Mesh) -> FabricError {
    let deadline = soon();
    loop {
        match mesh.failure() {
            Some(failure) => return failure,
            None if deadline.passed() => panic!("nothing was noticed"),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

#[test]
fn a_killed_process_is_named_at_once_to_those_who_wait_for_it() {
    for kind in KINDS {
        let identity = (*kind == Kind::Tls).then(|| TlsIdentity::generate().unwrap());
        let mut dying = Member::start_below(1, *kind, None, identity.as_ref());
        let mesh = join(&[&dying], identity);
        let channel = mesh.channel(SECOND).unwrap();
        let waiting = std::thread::spawn(move || {
            channel
                .receive(FrameKind::Token, 0, &mut Vec::new(), soon())
                .unwrap_err()
        });
        std::thread::sleep(Duration::from_millis(100));
        dying.child.kill().unwrap();
        assert_lost_at_once(&waiting.join().unwrap(), SECOND);
    }
}

#[test]
fn a_killed_process_is_noticed_when_nobody_waits_for_it() {
    let mut dying = Member::start(1, KINDS[0]);
    let mesh = join(&[&dying], None);
    dying.child.kill().unwrap();
    assert_lost_at_once(&wait_for_failure(&mesh), SECOND);
    // Later calls tell the same.
    let error = mesh
        .channel(SECOND)
        .unwrap()
        .send(&Envelope::new(FrameKind::Token, 0), b"", soon())
        .unwrap_err();
    assert_lost(&error, SECOND);
}

#[test]
fn a_wait_for_one_peer_ends_when_another_dies() {
    let third = Member::start(2, KINDS[0]);
    let mut second = Member::start_below(1, KINDS[0], Some(&third), None);
    let mesh = join(&[&second, &third], None);
    let channel = mesh.channel(THIRD).unwrap();
    let waiting = std::thread::spawn(move || {
        channel
            .receive(FrameKind::Token, 0, &mut Vec::new(), soon())
            .unwrap_err()
    });
    std::thread::sleep(Duration::from_millis(100));
    second.child.kill().unwrap();
    // The third member ends too, once it has noticed; the first to be missed is the cause.
    assert_lost_at_once(&waiting.join().unwrap(), SECOND);
}

#[cfg(unix)]
#[test]
fn a_paused_process_is_lost_after_its_silence() {
    let paused = Member::start(1, KINDS[0]);
    let mesh = join(&[&paused], None);
    let channel = mesh.channel(SECOND).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    paused.signal(rustix::process::Signal::STOP);
    let error = channel
        .receive(FrameKind::Token, 0, &mut Vec::new(), soon())
        .unwrap_err();
    assert_lost(&error, SECOND);
    assert!(error.to_string().contains(SILENCE), "{error}");
}

#[test]
fn one_lost_peer_ends_the_waits_for_all_others() {
    let mut meshes = stage(KINDS[0], 3);
    let third = meshes.pop().unwrap();
    let errors = std::thread::scope(|scope| {
        let waiting: Vec<_> = [(&meshes[0], SECOND), (&meshes[1], FIRST)]
            .map(|(mesh, peer)| {
                scope.spawn(move || {
                    let channel = mesh.channel(peer).unwrap();
                    channel
                        .receive(FrameKind::Token, 0, &mut Vec::new(), soon())
                        .unwrap_err()
                })
            })
            .into_iter()
            .collect();
        std::thread::sleep(Duration::from_millis(50));
        third.abort("out of memory");
        waiting
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    for error in errors {
        assert_eq!(error.code().name(), "TRANSPORT_ABORTED");
        assert!(
            error.to_string().contains("stage 0 member 2") && error.to_string().contains("out of memory"),
            "{error}"
        );
    }
}

#[test]
fn a_clean_leave_is_no_loss() {
    let mut meshes = stage(KINDS[0], 3);
    let third = meshes.pop().unwrap();
    third
        .channel(FIRST)
        .unwrap()
        .send(&Envelope::new(FrameKind::Token, 0), b"last", soon())
        .unwrap();
    drop(third);
    let channel = meshes[0].channel(THIRD).unwrap();
    let mut bytes = Vec::new();
    channel.receive(FrameKind::Token, 0, &mut bytes, soon()).unwrap();
    assert_eq!(bytes, b"last");
    let error = channel.receive(FrameKind::Token, 0, &mut bytes, soon()).unwrap_err();
    assert_eq!((error.code().name(), error.peer()), ("TRANSPORT_CLOSED", Some(THIRD)));
    assert!(meshes[0].peer_state(THIRD).unwrap().has_left);
    // The others go on.
    let results = in_parallel(&meshes, |_, mesh| {
        mesh.group(0, &[FIRST, SECOND])
            .and_then(|mut group| group.barrier(soon()))
    });
    assert_eq!(results, [Ok(()), Ok(())]);
    assert_eq!(meshes[0].failure(), None);
}

#[test]
fn a_blocked_host_is_a_state_and_not_a_loss() {
    let meshes = stage(KINDS[0], 2);
    assert!(!meshes[0].peer_state(SECOND).unwrap().host_stalled);
    for stalled in [true, false] {
        meshes[1].set_host_stalled(stalled);
        let deadline = soon();
        while meshes[0].peer_state(SECOND).unwrap().host_stalled != stalled {
            assert!(!deadline.passed(), "no heartbeat reported it");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert_eq!(meshes[0].failure(), None);
}

#[test]
fn idle_meshes_live_on() {
    let meshes = stage(Kind::Tcp, 2);
    std::thread::sleep(Duration::from_millis(2500));
    for mesh in &meshes {
        assert_eq!(mesh.failure(), None);
    }
    let deadline = soon();
    while meshes[0].peer_state(SECOND).unwrap().silence > Duration::from_secs(1) {
        assert!(!deadline.passed(), "no heartbeat comes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// An address that leads to another one after a while; until then connections wait in its queue.
fn reached_late(target: SocketAddr, after: Duration) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let pass = |mut from: TcpStream, mut to: TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    std::thread::spawn(move || {
        std::thread::sleep(after);
        let (near, _) = listener.accept().unwrap();
        let far = TcpStream::connect(target).unwrap();
        let (near_again, far_again) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        std::thread::spawn(move || pass(near_again, far_again));
        pass(far, near);
    });
    Address::Tcp(address)
}

#[test]
fn who_has_everybody_waits_for_those_who_have_not() {
    let mut configs = configurations(Kind::Tcp, &[FIRST, SECOND, THIRD]);
    let Address::Tcp(third) = *configs[2].listeners[0].address() else {
        panic!("TCP was asked for");
    };
    // Twice as long as silence is borne: the first member has both at once, and they have not each other.
    configs[1].members[2].addresses = vec![reached_late(third, Duration::from_secs(3))];
    let meshes: Vec<Mesh> = establish(configs).into_iter().map(Result::unwrap).collect();
    for mesh in &meshes {
        assert_eq!(mesh.failure(), None);
    }
    let results = in_parallel(&meshes, |_, mesh| {
        mesh.group(0, &[FIRST, SECOND, THIRD])
            .and_then(|mut group| group.barrier(soon()))
    });
    assert_eq!(results, [Ok(()), Ok(()), Ok(())]);
}

#[test]
fn a_member_that_dies_while_others_are_awaited_is_named() {
    let mut dying = Member::start(1, KINDS[0]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let never = MemberEndpoint {
        index: THIRD,
        addresses: vec![Address::Tcp(listener.local_addr().unwrap())],
        fingerprint: None,
    };
    let mut config = MeshConfig::new(FIRST, INSTANCE, EPOCH, SECRET);
    config.deadline = soon();
    config.members = vec![dying.endpoint.clone(), never];
    let waiting = std::thread::spawn(move || Mesh::establish(config).unwrap_err());
    // It is connected meanwhile, which nobody tells.
    std::thread::sleep(Duration::from_secs(1));
    dying.child.kill().unwrap();
    // At the deadline the one who never came would be named.
    assert_lost_at_once(&waiting.join().unwrap(), SECOND);
}

#[test]
fn frames_of_an_older_epoch_are_dropped_and_counted() {
    let meshes = stage(KINDS[0], 2);
    let (first, second) = (meshes[0].channel(SECOND).unwrap(), meshes[1].channel(FIRST).unwrap());
    meshes[1].set_epoch(EPOCH + 1);
    first
        .send(&Envelope::new(FrameKind::Token, 0), b"stale", soon())
        .unwrap();
    meshes[0].set_epoch(EPOCH + 1);
    first
        .send(&Envelope::new(FrameKind::Token, 0), b"fresh", soon())
        .unwrap();
    let mut bytes = Vec::new();
    second.receive(FrameKind::Token, 0, &mut bytes, soon()).unwrap();
    assert_eq!(bytes, b"fresh");
    // A heartbeat may have been stale too.
    assert!(second.statistics().dropped_frames >= 1);
}

#[test]
fn a_frame_of_a_later_epoch_is_an_error_that_says_so() {
    let meshes = stage(KINDS[0], 2);
    let (first, second) = (meshes[0].channel(SECOND).unwrap(), meshes[1].channel(FIRST).unwrap());
    meshes[0].set_epoch(EPOCH + 1);
    first
        .send(&Envelope::new(FrameKind::Token, 0), b"early", soon())
        .unwrap();
    let error = second
        .receive(FrameKind::Token, 0, &mut Vec::new(), soon())
        .unwrap_err();
    assert_eq!(error.code().name(), "TRANSPORT_EPOCH_MISMATCH");
}
