//! Measures the engine without JavaScript: decode and prefill, whole and split over processes.
//!
//! ```text
//! engine-bench --write-checkpoint DIRECTORY [--layers 16]
//! engine-bench [--checkpoint DIRECTORY] [--storage q4_0] [--scenarios whole-1,pipeline-2,tensor-2,…]
//!              [--wire unix|tcp] [--rounds 5] [--tokens 48] [--prompt 128] [--layers 16]
//! engine-bench … --serve      takes commands from standard input, for side-by-side runs with other engines
//! ```
//!
//! Every scenario is loaded once, each member in a process of its own, and then the scenarios take turns: what else
//! the machine does hits all alike. Next to each measurement the machine's read bandwidth is measured. The model has
//! the shape of Llama-3.2-1B and random weights.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

mod bandwidth;
mod instance;
mod member;
mod protocol;
mod report;
mod serve;

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use instance::{Instance, Scenario};
use protocol::Wire;
use report::{Machine, Measurement, Report, ScenarioReport};
use shoal_program::StorageType;
use shoal_reference::llama::{LlamaConfig, write_checkpoint};

const SEED: u64 = 20_261_121;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == member::ARGUMENT) {
        return member::run();
    }
    let options = Options::read(&arguments)?;
    if let Some(directory) = &options.write_checkpoint {
        std::fs::create_dir_all(directory)?;
        return write(directory, options.layers);
    }
    let temporary = TemporaryFolder::new()?;
    let checkpoint = match &options.checkpoint {
        Some(directory) => directory.clone(),
        None => {
            write(&temporary.0, options.layers)?;
            temporary.0.clone()
        }
    };
    let mut instances = Vec::new();
    for storage in &options.storages {
        for scenario in &options.scenarios {
            let started = std::time::Instant::now();
            let instance = Instance::start(
                scenario,
                *storage,
                &checkpoint,
                options.layers,
                options.wire,
                &temporary.0,
            )?;
            eprintln!(
                "{} {} loaded in {:.1} s",
                instance.name(),
                storage.name(),
                started.elapsed().as_secs_f64()
            );
            instances.push(instance);
        }
    }
    if options.serve {
        return serve::serve(&mut instances);
    }
    measure(&options, &mut instances)
}

/// Lets the scenarios take turns and prints the report.
fn measure(options: &Options, instances: &mut [Instance]) -> Result<()> {
    let mut bandwidth = bandwidth::Meter::new();
    let mut machine = Machine::default();
    let mut reports: Vec<ScenarioReport> = instances.iter().map(ScenarioReport::new).collect();
    for round in 0..options.rounds {
        for (instance, report) in instances.iter_mut().zip(&mut reports) {
            machine.add(bandwidth.measure(1), bandwidth.measure(2));
            report.add_decode(instance.generate(8, options.tokens)?);
            report.add_prefill(options.prompt, instance.generate(options.prompt, 1)?);
            eprintln!("round {} {}", round + 1, report.line());
        }
    }
    for (instance, report) in instances.iter_mut().zip(&mut reports) {
        report.members = instance.statistics()?;
    }
    let report = Report {
        machine,
        tokens: options.tokens,
        prompt: options.prompt,
        scenarios: reports,
    };
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

fn write(directory: &Path, layers: u64) -> Result<()> {
    let config = LlamaConfig {
        layers,
        ..LlamaConfig::llama_3_2_1b()
    };
    write_checkpoint(&config, StorageType::Bf16, SEED, directory)
}

struct Options {
    checkpoint: Option<PathBuf>,
    write_checkpoint: Option<PathBuf>,
    storages: Vec<StorageType>,
    scenarios: Vec<Scenario>,
    wire: Wire,
    rounds: usize,
    tokens: u32,
    prompt: u32,
    layers: u64,
    serve: bool,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self> {
        let invalid = |message: String| Error::new(ErrorKind::InvalidInput, message);
        let mut options = Self {
            checkpoint: None,
            write_checkpoint: None,
            storages: vec![StorageType::Q4_0],
            scenarios: Scenario::list("whole-1,whole-2,pipeline-2,tensor-2,tensor-3")?,
            wire: Wire::Unix,
            rounds: 5,
            tokens: 48,
            prompt: 128,
            layers: LlamaConfig::llama_3_2_1b().layers,
            serve: false,
        };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            if name == "--serve" {
                options.serve = true;
                continue;
            }
            let value = arguments
                .next()
                .ok_or_else(|| invalid(format!("{name} needs a value")))?;
            let number = || {
                value
                    .parse::<u32>()
                    .map_err(|error| invalid(format!("{name} {value}: {error}")))
            };
            match name.as_str() {
                "--checkpoint" => options.checkpoint = Some(value.into()),
                "--write-checkpoint" => options.write_checkpoint = Some(value.into()),
                "--storage" => options.storages = value.split(',').map(storage).collect::<Result<_>>()?,
                "--scenarios" => options.scenarios = Scenario::list(value)?,
                "--wire" => options.wire = Wire::from_name(value)?,
                "--rounds" => options.rounds = number()? as usize,
                "--tokens" => options.tokens = number()?.max(2),
                "--prompt" => options.prompt = number()?.max(1),
                "--layers" => options.layers = u64::from(number()?),
                _ => return Err(invalid(format!("unknown option {name}"))),
            }
        }
        Ok(options)
    }
}

fn storage(name: &str) -> Result<StorageType> {
    let known = StorageType::ALL.into_iter().find(|storage| storage.name() == name);
    known.ok_or_else(|| Error::new(ErrorKind::InvalidInput, format!("unknown storage type {name}")))
}

/// Removed at the end, with the checkpoint and the sockets in it.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("shoal-engine-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A measurement's name for logs.
fn rate(measurement: &Measurement) -> String {
    format!(
        "{:.1} best, {:.1} median",
        measurement.best_tokens_per_second, measurement.median_tokens_per_second
    )
}
