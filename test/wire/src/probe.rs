//! Measures a path from inside a host, with little of its own: echo of datagrams, and a stream as fast as it goes.

use serde::Serialize;
use std::io::{Error, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// `echo ADDRESS`, `rtt ADDRESS --count N --interval-microseconds N --bytes N --wait-milliseconds N`, `sink ADDRESS`,
/// `stream ADDRESS --bytes N`. Prints JSON. `rtt` waits so long for those that are missing after the last was sent.
pub fn run(words: &[&str]) -> Result<()> {
    let (action, address) = match words {
        [action, address, ..] => (*action, address.parse::<SocketAddr>().map_err(Error::other)?),
        _ => return Err(Error::other("probe: which action, at which address?")),
    };
    let number = |name: &str, fallback: u64| {
        let value = words
            .iter()
            .position(|word| *word == name)
            .and_then(|at| words.get(at + 1));
        value.map_or(Ok(fallback), |text| text.parse::<u64>().map_err(Error::other))
    };
    match action {
        "echo" => echo(address),
        "sink" => sink(address),
        "stream" => stream(address, number("--bytes", 1 << 20)?),
        "rtt" => {
            let interval = Duration::from_micros(number("--interval-microseconds", 1000)?);
            let wait = Duration::from_millis(number("--wait-milliseconds", 1000)?);
            round_trips(
                address,
                number("--count", 100)?,
                interval,
                number("--bytes", 64)? as usize,
                wait,
            )
        }
        _ => Err(Error::other(format!("probe: unknown action '{action}'"))),
    }
}

fn say(value: &impl Serialize) -> Result<()> {
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, value)?;
    output.write_all(b"\n")?;
    output.flush()
}

/// That a server listens.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listening {
    listening: SocketAddr,
}

fn echo(address: SocketAddr) -> Result<()> {
    let socket = UdpSocket::bind(address)?;
    say(&Listening {
        listening: socket.local_addr()?,
    })?;
    let mut datagram = vec![0; 65_536];
    loop {
        let (bytes, from) = socket.recv_from(&mut datagram)?;
        // A path that is cut may say so.
        let _ = socket.send_to(&datagram[..bytes], from);
    }
}

/// What befell datagrams that were to come back.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoundTrips {
    sent: u64,
    /// Different ones that came back.
    returned: u64,
    /// Second copies that came back.
    duplicates: u64,
    /// Those that came back after a later one.
    overtaken: u64,
    /// Those that came back changed.
    corrupted: u64,
    least_microseconds: f64,
    median_microseconds: f64,
    mean_microseconds: f64,
    p99_microseconds: f64,
    most_microseconds: f64,
    deviation_microseconds: f64,
}

/// How long second copies are waited for once every datagram has come back.
const COPIES_WITHIN: Duration = Duration::from_millis(200);

fn round_trips(address: SocketAddr, count: u64, interval: Duration, bytes: usize, wait: Duration) -> Result<()> {
    let socket = UdpSocket::bind(if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.connect(address)?;
    let began = Instant::now();
    let receiver = {
        let socket = socket.try_clone()?;
        std::thread::spawn(move || receive(&socket, count, bytes, began, interval, wait))
    };
    let mut datagram = vec![0x5a; bytes.max(16)];
    for number in 0..count {
        let due = interval * u32::try_from(number).unwrap_or(u32::MAX);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        datagram[..8].copy_from_slice(&number.to_be_bytes());
        datagram[8..16].copy_from_slice(&(began.elapsed().as_nanos() as u64).to_be_bytes());
        // A path that is cut, or a full queue, may say so; it counts as sent and lost.
        let _ = socket.send(&datagram);
    }
    let result = receiver
        .join()
        .map_err(|_| Error::other("the receiver ended early"))??;
    say(&result)
}

fn receive(
    socket: &UdpSocket,
    count: u64,
    bytes: usize,
    began: Instant,
    interval: Duration,
    wait: Duration,
) -> Result<RoundTrips> {
    let until = began + interval * u32::try_from(count).unwrap_or(u32::MAX) + wait;
    let mut times: Vec<Option<f64>> = vec![None; count as usize];
    let (mut duplicates, mut overtaken, mut corrupted, mut latest) = (0, 0, 0, 0);
    let mut missing = count;
    let mut last = began;
    let mut datagram = vec![0; 65_536];
    loop {
        // Second copies may come when all have.
        let end = if missing == 0 {
            until.min(last + COPIES_WITHIN)
        } else {
            until
        };
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        socket.set_read_timeout(Some(left))?;
        let Ok(length) = socket.recv(&mut datagram) else {
            continue;
        };
        let now = began.elapsed().as_nanos() as u64;
        let read = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&datagram[at..at + 8]);
            u64::from_be_bytes(number)
        };
        if length != bytes.max(16) || read(0) >= count || datagram[16..length].iter().any(|byte| *byte != 0x5a) {
            corrupted += 1;
            continue;
        }
        let number = read(0);
        let slot = &mut times[number as usize];
        if slot.is_some() {
            duplicates += 1;
            continue;
        }
        *slot = Some((now - read(8)) as f64 / 1000.0);
        missing -= 1;
        last = Instant::now();
        overtaken += u64::from(number < latest);
        latest = latest.max(number);
    }
    let mut found: Vec<f64> = times.into_iter().flatten().collect();
    found.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = ((found.len() as f64 * part) as usize).min(found.len().saturating_sub(1));
        found.get(index).copied().unwrap_or(f64::NAN)
    };
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    let variance = found.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / found.len() as f64;
    Ok(RoundTrips {
        sent: count,
        returned: found.len() as u64,
        duplicates,
        overtaken,
        corrupted,
        least_microseconds: at(0.0),
        median_microseconds: at(0.5),
        mean_microseconds: mean,
        p99_microseconds: at(0.99),
        most_microseconds: at(1.0),
        deviation_microseconds: variance.sqrt(),
    })
}

fn sink(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address)?;
    say(&Listening {
        listening: listener.local_addr()?,
    })?;
    loop {
        let (mut stream, _) = listener.accept()?;
        std::thread::spawn(move || {
            let mut chunk = vec![0; 1 << 18];
            let mut received = 0u64;
            while let Ok(bytes @ 1..) = stream.read(&mut chunk) {
                received += bytes as u64;
            }
            // The sender waits for this.
            let _ = stream.write_all(&received.to_be_bytes());
        });
    }
}

/// How fast a stream went.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Streamed {
    bytes: u64,
    seconds: f64,
    bits_per_second: f64,
}

fn stream(address: SocketAddr, bytes: u64) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let began = Instant::now();
    let chunk = vec![0x5a; 1 << 16];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(chunk.len() as u64);
        stream.write_all(&chunk[..part as usize])?;
        left -= part;
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = [0; 8];
    stream.read_exact(&mut answer)?;
    let received = u64::from_be_bytes(answer);
    if received != bytes {
        return Err(Error::other(format!("{received} of {bytes} bytes arrived")));
    }
    let seconds = began.elapsed().as_secs_f64();
    say(&Streamed {
        bytes,
        seconds,
        bits_per_second: bytes as f64 * 8.0 / seconds,
    })
}
