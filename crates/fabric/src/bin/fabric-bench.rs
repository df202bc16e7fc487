//! Latency of the data plane between real processes on this machine, as JSON.
//!
//! `fabric-bench [ITERATIONS]` starts the other members itself: for each kind of address two processes that send
//! messages back and forth, and two and three that add up vectors.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shoal_fabric::{
    Address, Deadline, Envelope, FabricError, FrameKind, Listener, MemberEndpoint, MemberIndex, Mesh, MeshConfig,
    Secret, TlsIdentity,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

const DEFAULT_ITERATIONS: usize = 2000;
const WARM_UP_ITERATIONS: usize = 50;
const MESSAGE_BYTES: [usize; 3] = [64, 8 << 10, 64 << 10];
const VECTOR_BYTES: [usize; 2] = [8 << 10, 256 << 10];
const KINDS: &[&str] = if cfg!(unix) {
    &["unix", "tcp", "tls"]
} else {
    &["tcp", "tls"]
};

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [role, kind, rank, size, iterations] if role == "member" => {
            run_member(kind, rank.parse()?, size.parse()?, iterations.parse()?)
        }
        [] => run_all(DEFAULT_ITERATIONS),
        [iterations] => run_all(iterations.parse()?),
        _ => Err("usage: fabric-bench [ITERATIONS]".into()),
    }
}

fn run_all(iterations: usize) -> Outcome<()> {
    let mut results = Vec::new();
    for kind in KINDS {
        for size in [2, 3] {
            let mut members = (1..size)
                .map(|rank| Member::start(kind, rank, size, iterations))
                .collect::<Outcome<Vec<_>>>()?;
            let (listener, identity) = listen(kind, 0)?;
            let mut endpoints = vec![describe(0, &listener)];
            for member in &mut members {
                endpoints.push(member.endpoint.clone());
            }
            let table = Value::from(endpoints).to_string();
            for member in &mut members {
                writeln!(member.input, "{table}")?;
            }
            let mesh = join(0, listener, identity, &table)?;
            results.extend(measure(&mesh, kind, size, iterations)?);
            drop(mesh);
            for mut member in members {
                member.child.wait()?;
            }
        }
    }
    writeln!(
        io::stdout(),
        "{}",
        serde_json::to_string_pretty(&json!({ "iterations": iterations, "results": results }))?
    )?;
    Ok(())
}

/// The process of a member other than the first.
struct Member {
    child: Child,
    input: ChildStdin,
    endpoint: Value,
}

impl Member {
    fn start(kind: &str, rank: u16, size: u16, iterations: usize) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["member", kind])
            .args([rank.to_string(), size.to_string(), iterations.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("the member has no input")?;
        let output = child.stdout.take().ok_or("the member has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(Self {
            child,
            input,
            endpoint: serde_json::from_str(&line)?,
        })
    }
}

fn run_member(kind: &str, rank: u16, size: u16, iterations: usize) -> Outcome<()> {
    let (listener, identity) = listen(kind, rank)?;
    writeln!(io::stdout(), "{}", describe(rank, &listener))?;
    let mut table = String::new();
    io::stdin().read_line(&mut table)?;
    let mesh = join(rank, listener, identity, &table)?;
    measure(&mesh, kind, size, iterations)?;
    Ok(())
}

fn listen(kind: &str, rank: u16) -> Outcome<(Listener, Option<TlsIdentity>)> {
    let identity = if kind == "tls" {
        Some(TlsIdentity::generate()?)
    } else {
        None
    };
    let address: Address = match kind {
        "unix" => {
            let name = format!("shoal-fabric-bench-{}-{rank}.sock", std::process::id());
            Address::Unix(std::env::temp_dir().join(name))
        }
        other => format!("{other}:127.0.0.1:0").parse()?,
    };
    Ok((Listener::bind(&address, identity.as_ref())?, identity))
}

fn describe(rank: u16, listener: &Listener) -> Value {
    json!({
        "rank": rank,
        "address": listener.address().to_string(),
        "fingerprint": listener.fingerprint().map(|fingerprint| fingerprint.to_string()),
    })
}

fn join(rank: u16, listener: Listener, identity: Option<TlsIdentity>, table: &str) -> Outcome<Mesh> {
    // A benchmark between processes of one user: the secret protects nothing here.
    let mut config = MeshConfig::new(MemberIndex::new(0, rank), 1, 1, Secret([1; 32]));
    config.listeners.push(listener);
    config.identity = identity;
    for entry in serde_json::from_str::<Vec<Value>>(table)? {
        let rank = entry["rank"]
            .as_u64()
            .and_then(|rank| u16::try_from(rank).ok())
            .ok_or("a rank is missing")?;
        config.members.push(MemberEndpoint {
            index: MemberIndex::new(0, rank),
            addresses: vec![entry["address"].as_str().ok_or("an address is missing")?.parse()?],
            fingerprint: entry["fingerprint"].as_str().map(str::parse).transpose()?,
        });
    }
    Ok(Mesh::establish(config)?)
}

fn measure(mesh: &Mesh, kind: &str, size: u16, iterations: usize) -> Outcome<Vec<Value>> {
    let mut results = Vec::new();
    if size == 2 {
        for bytes in MESSAGE_BYTES {
            let times = round_trips(mesh, bytes, iterations)?;
            results.push(summarize("round-trip", kind, size, bytes, times));
        }
    }
    let members: Vec<MemberIndex> = (0..size).map(|rank| MemberIndex::new(0, rank)).collect();
    let mut group = mesh.group(0, &members)?;
    for bytes in VECTOR_BYTES {
        let mut values = vec![0.5_f32; bytes / size_of::<f32>()];
        let times = timed(iterations, || group.all_reduce_sum_f32(&mut values, patience()))?;
        results.push(summarize("all-reduce", kind, size, bytes, times));
    }
    group.barrier(patience())?;
    Ok(results)
}

fn round_trips(mesh: &Mesh, bytes: usize, iterations: usize) -> Outcome<Vec<Duration>> {
    let leads = mesh.me().member == 0;
    let channel = mesh.channel(MemberIndex::new(0, if leads { 1 } else { 0 }))?;
    let envelope = Envelope::new(FrameKind::Activation, bytes as u64);
    let payload = vec![1; bytes];
    let mut memory = vec![0; bytes];
    timed(iterations, || {
        if leads {
            channel.send(&envelope, &payload, patience())?;
        }
        channel.receive_into(envelope.kind, envelope.tag, &mut memory, patience())?;
        if !leads {
            channel.send(&envelope, &payload, patience())?;
        }
        Ok(())
    })
}

fn patience() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

fn timed(iterations: usize, mut body: impl FnMut() -> Result<(), FabricError>) -> Outcome<Vec<Duration>> {
    for _ in 0..WARM_UP_ITERATIONS {
        body()?;
    }
    let mut times = Vec::with_capacity(iterations);
    for _ in 0..iterations {
        let started = Instant::now();
        body()?;
        times.push(started.elapsed());
    }
    Ok(times)
}

fn summarize(what: &str, kind: &str, processes: u16, bytes: usize, mut times: Vec<Duration>) -> Value {
    times.sort();
    let microseconds = |share: f64| {
        let position = (times.len() as f64 * share) as usize;
        times
            .get(position.min(times.len().saturating_sub(1)))
            .map(|time| time.as_nanos() as f64 / 1000.0)
    };
    json!({
        "measurement": what,
        "transport": kind,
        "processes": processes,
        "bytes": bytes,
        "p50Microseconds": microseconds(0.5),
        "p99Microseconds": microseconds(0.99),
    })
}
