//! What parent and member processes tell each other: one JSON value a line.

use std::io::{BufRead, Error, ErrorKind, Result, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How members are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// Unix sockets.
    Unix,
    /// TCP over the loopback interface.
    Tcp,
}

impl Wire {
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "unix" => Ok(Self::Unix),
            "tcp" => Ok(Self::Tcp),
            _ => Err(Error::new(ErrorKind::InvalidInput, format!("unknown wire {name}"))),
        }
    }
}

/// First line to a member.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MemberSetup {
    pub checkpoint: String,
    pub layers: u64,
    /// The weights of the members of each stage.
    pub stages: Vec<Vec<u64>>,
    pub stage: u16,
    pub member: u16,
    /// Name of the storage type of matrices.
    pub storage: String,
    pub threads: usize,
    pub wire: Wire,
    /// Where Unix sockets go.
    pub directory: String,
    /// Distinguishes instances that share the directory.
    pub instance: u64,
}

/// Address of one member; the list of all is the second line to a member.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    pub stage: u16,
    pub member: u16,
    pub address: String,
}

/// Answer of a member that has loaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    pub load_seconds: f64,
}

/// Later lines to a member.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// For the head: one request; answered by [`Generated`].
    Generate { prompt: u32, tokens: u32 },
    /// Answered by [`Statistics`].
    Statistics,
}

/// One generation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Generated {
    /// From the request to its first token.
    pub prefill_microseconds: f64,
    /// Between neighbouring tokens.
    pub token_microseconds: Vec<f64>,
    pub tokens: Vec<u32>,
}

/// Counters of one member since it was loaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    pub stage: u16,
    pub member: u16,
    pub steps: u64,
    pub compute_microseconds_per_step: f64,
    pub wait_microseconds_per_step: f64,
    pub wire_bytes_sent_per_step: f64,
    pub wire_bytes_received_per_step: f64,
    pub load_seconds: f64,
}

pub fn write_line(output: &mut impl Write, value: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()
}

/// The next line, or nothing at the end.
pub fn read_line<T: DeserializeOwned>(input: &mut impl BufRead) -> Result<Option<T>> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}

/// The next line, where one must come.
pub fn expect_line<T: DeserializeOwned>(input: &mut impl BufRead, what: &str) -> Result<T> {
    read_line(input)?.ok_or_else(|| Error::new(ErrorKind::UnexpectedEof, format!("ended before {what}")))
}
