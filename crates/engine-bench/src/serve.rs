//! Commands from standard input, so that another program can let this engine and others take turns.
//!
//! Each line is `{"scenario": "whole-1", "storage": "q4_0", "prompt": 8, "tokens": 48}`, answered by the times of that
//! generation, or `{"bandwidth": 2}`, answered by `{"gigabytesPerSecond": …}`.

use std::io::{Error, Result, stdin, stdout};

use serde::{Deserialize, Serialize};

use crate::bandwidth::Meter;
use crate::instance::Instance;
use crate::protocol::{read_line, write_line};

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Order {
    Generate {
        scenario: String,
        storage: String,
        prompt: u32,
        tokens: u32,
    },
    Bandwidth {
        bandwidth: usize,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bandwidth {
    gigabytes_per_second: f64,
}

/// Answers until standard input ends.
pub fn serve(instances: &mut [Instance]) -> Result<()> {
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    let mut meter = Meter::new();
    let names: Vec<(&str, &str)> = instances
        .iter()
        .map(|instance| (instance.name(), instance.storage.name()))
        .collect();
    write_line(&mut output, &names)?;
    while let Some(order) = read_line::<Order>(&mut input)? {
        match order {
            Order::Generate {
                scenario,
                storage,
                prompt,
                tokens,
            } => {
                let instance = instances
                    .iter_mut()
                    .find(|instance| instance.name() == scenario && instance.storage.name() == storage)
                    .ok_or_else(|| Error::other(format!("{scenario} {storage} is not loaded")))?;
                write_line(&mut output, &instance.generate(prompt, tokens)?)?;
            }
            Order::Bandwidth { bandwidth } => {
                write_line(
                    &mut output,
                    &Bandwidth {
                        gigabytes_per_second: meter.measure(bandwidth),
                    },
                )?;
            }
        }
    }
    Ok(())
}
