//! An instance whose members are processes of their own.

use std::io::{BufReader, Error, ErrorKind, Result};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use shoal_program::StorageType;

use crate::member::ARGUMENT;
use crate::protocol::{Command, Endpoint, Generated, MemberSetup, Ready, Statistics, Wire, expect_line, write_line};

/// A way of splitting the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    pub name: &'static str,
    /// The weights of the members of each stage.
    pub stages: &'static [&'static [u64]],
    /// Compute threads of each member.
    pub threads: usize,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "whole-1",
        stages: &[&[1]],
        threads: 1,
    },
    Scenario {
        name: "whole-2",
        stages: &[&[1]],
        threads: 2,
    },
    Scenario {
        name: "pipeline-2",
        stages: &[&[1], &[1]],
        threads: 1,
    },
    // The peer of whole-2: only one of the two stages computes at a time.
    Scenario {
        name: "pipeline-2x2",
        stages: &[&[1], &[1]],
        threads: 2,
    },
    Scenario {
        name: "tensor-2",
        stages: &[&[1, 1]],
        threads: 1,
    },
    Scenario {
        name: "tensor-3",
        stages: &[&[4, 2, 2]],
        threads: 1,
    },
    Scenario {
        name: "hybrid-2x2",
        stages: &[&[1, 1], &[1, 1]],
        threads: 1,
    },
];

impl Scenario {
    /// Scenarios by their names, separated by commas.
    pub fn list(names: &str) -> Result<Vec<Self>> {
        let find = |name: &str| {
            SCENARIOS
                .iter()
                .find(|scenario| scenario.name == name)
                .cloned()
                .ok_or_else(|| {
                    let known: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
                    Error::new(
                        ErrorKind::InvalidInput,
                        format!("unknown scenario {name}; known are {}", known.join(", ")),
                    )
                })
        };
        names.split(',').map(find).collect()
    }
}

struct MemberProcess {
    child: Child,
    /// Taken at the end: closing it ends the process.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl MemberProcess {
    fn send(&mut self, value: &impl serde::Serialize) -> Result<()> {
        let input = self
            .input
            .as_mut()
            .ok_or_else(|| Error::other("the member was closed"))?;
        write_line(input, value)
    }
}

impl Drop for MemberProcess {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// A loaded instance. Dropping it ends its processes.
pub struct Instance {
    scenario: Scenario,
    pub storage: StorageType,
    members: Vec<MemberProcess>,
}

impl Instance {
    pub fn start(
        scenario: &Scenario,
        storage: StorageType,
        checkpoint: &Path,
        layers: u64,
        wire: Wire,
        directory: &Path,
    ) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let instance = NEXT.fetch_add(1, Ordering::Relaxed);
        let program = std::env::current_exe()?;
        let mut members = Vec::new();
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for (stage, weights) in scenario.stages.iter().enumerate() {
            for member in 0..weights.len() {
                let mut child = Process::new(&program)
                    .arg(ARGUMENT)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()?;
                let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
                    return Err(Error::other("a member process has no pipes"));
                };
                let mut process = MemberProcess {
                    child,
                    input: Some(input),
                    output: BufReader::new(output),
                };
                process.send(&MemberSetup {
                    checkpoint: checkpoint.display().to_string(),
                    layers,
                    stages: scenario.stages.iter().map(|weights| weights.to_vec()).collect(),
                    stage: stage as u16,
                    member: member as u16,
                    storage: storage.name().to_owned(),
                    threads: scenario.threads,
                    wire,
                    directory: directory.display().to_string(),
                    instance,
                })?;
                endpoints.push(expect_line(&mut process.output, "a member's endpoint")?);
                members.push(process);
            }
        }
        for process in &mut members {
            process.send(&endpoints)?;
        }
        for process in &mut members {
            expect_line::<Ready>(&mut process.output, "a member was ready")?;
        }
        Ok(Self {
            scenario: scenario.clone(),
            storage,
            members,
        })
    }

    pub fn name(&self) -> &'static str {
        self.scenario.name
    }

    pub fn threads(&self) -> usize {
        self.scenario.threads
    }

    /// Runs one request on the head.
    pub fn generate(&mut self, prompt: u32, tokens: u32) -> Result<Generated> {
        let head = self.members.first_mut().ok_or_else(|| Error::other("no members"))?;
        head.send(&Command::Generate { prompt, tokens })?;
        expect_line(&mut head.output, "a generation")
    }

    /// The counters of all members.
    pub fn statistics(&mut self) -> Result<Vec<Statistics>> {
        let ask = |process: &mut MemberProcess| {
            process.send(&Command::Statistics)?;
            expect_line(&mut process.output, "statistics")
        };
        self.members.iter_mut().map(ask).collect()
    }
}
