//! Meshes of real sockets for tests.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shoal_fabric::{
    Address, Deadline, FabricError, Listener, MemberEndpoint, MemberIndex, Mesh, MeshConfig, Secret, TlsIdentity,
};

pub const INSTANCE: u64 = 0x5ea1;
pub const EPOCH: u32 = 3;
pub const SECRET: Secret = Secret([7; 32]);

/// How the members of a test mesh reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Unix,
    Tcp,
    Tls,
}

pub const KINDS: &[Kind] = if cfg!(unix) {
    &[Kind::Unix, Kind::Tcp, Kind::Tls]
} else {
    &[Kind::Tcp, Kind::Tls]
};

pub fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// A path for a Unix socket that no other test uses.
pub fn socket_path() -> PathBuf {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("shoal-fabric-{}-{number}.sock", std::process::id()))
}

pub fn any_address(kind: Kind) -> Address {
    let loopback = "127.0.0.1:0".parse().unwrap();
    match kind {
        Kind::Unix => Address::Unix(socket_path()),
        Kind::Tcp => Address::Tcp(loopback),
        Kind::Tls => Address::Tls(loopback),
    }
}

/// Configurations of all members, each with a bound listener and knowing all the others.
pub fn configurations(kind: Kind, indices: &[MemberIndex]) -> Vec<MeshConfig> {
    let mut configs: Vec<MeshConfig> = indices
        .iter()
        .map(|index| {
            let mut config = MeshConfig::new(*index, INSTANCE, EPOCH, SECRET);
            config.identity = (kind == Kind::Tls).then(|| TlsIdentity::generate().unwrap());
            config.listeners = vec![Listener::bind(&any_address(kind), config.identity.as_ref()).unwrap()];
            config.deadline = soon();
            config
        })
        .collect();
    let members: Vec<MemberEndpoint> = configs.iter().map(endpoint).collect();
    configs
        .iter_mut()
        .for_each(|config| config.members.clone_from(&members));
    configs
}

pub fn endpoint(config: &MeshConfig) -> MemberEndpoint {
    MemberEndpoint {
        index: config.me,
        addresses: config
            .listeners
            .iter()
            .map(|listener| listener.address().clone())
            .collect(),
        fingerprint: config.listeners.iter().find_map(Listener::fingerprint),
    }
}

/// Establishes all members at once, each in its own thread.
pub fn establish(configs: Vec<MeshConfig>) -> Vec<Result<Mesh, FabricError>> {
    let threads: Vec<_> = configs
        .into_iter()
        .map(|config| std::thread::spawn(move || Mesh::establish(config)))
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// One stage with this many members, connected.
pub fn stage(kind: Kind, size: u16) -> Vec<Mesh> {
    let indices: Vec<MemberIndex> = (0..size).map(|member| MemberIndex::new(0, member)).collect();
    establish(configurations(kind, &indices))
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

/// Runs the body for every mesh in a thread of its own and returns the results in the order of the ranks.
pub fn in_parallel<T: Send>(meshes: &[Mesh], body: impl Fn(usize, &Mesh) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = meshes
            .iter()
            .enumerate()
            .map(|(rank, mesh)| {
                let body = &body;
                scope.spawn(move || body(rank, mesh))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Values that differ in every bit pattern a sum could go wrong with: signs, sizes, rounding.
pub fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let mantissa = (state >> 40) as f32 / (1 << 24) as f32 - 0.5;
            mantissa * 10_f32.powi((state % 9) as i32 - 4)
        })
        .collect()
}
