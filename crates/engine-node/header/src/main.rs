//! Writes `include/shoal.h`, or with `--check` compares it with what the sources say.

mod layout;
mod text;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

/// What the header declares, in its order; relative to the crate of the addon.
const SOURCES: &[&str] = &[
    "../abi/src/status.rs",
    "../abi/src/channel.rs",
    "../abi/src/backend.rs",
    "src/c_interface/version.rs",
    "src/c_interface/device.rs",
    "src/c_interface/fabric.rs",
    "src/c_interface/member.rs",
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let generator = Path::new(env!("CARGO_MANIFEST_DIR"));
    let addon = generator.join("..");
    let sources: Vec<PathBuf> = SOURCES.iter().map(|source| addon.join(source)).collect();
    let header = generate(generator, &sources)?;
    let target = addon.join("include").join("shoal.h");
    if !env::args().any(|argument| argument == "--check") {
        fs::create_dir_all(addon.join("include"))?;
        fs::write(&target, header)?;
    } else if fs::read_to_string(&target).ok().as_deref() != Some(header.as_str()) {
        return Err("crates/engine-node/include/shoal.h is out of date: run `npm run generate:header`".into());
    }
    Ok(())
}

fn generate(generator: &Path, sources: &[PathBuf]) -> Result<String, Box<dyn Error>> {
    let mut config = cbindgen::Config::from_file(generator.join("cbindgen.toml"))?;
    config.header = Some(fs::read_to_string(generator.join("preamble.h"))?.trim_end().to_owned());
    config.after_includes = Some(text::statuses(&fs::read_to_string(&sources[0])?));
    config.trailer = Some(layout::assertions());
    let mut builder = cbindgen::Builder::new();
    for source in sources {
        for name in text::constants(&fs::read_to_string(source)?) {
            config.export.rename.insert(name.clone(), format!("SHOAL_{name}"));
        }
        builder = builder.with_src(source);
    }
    let mut header = Vec::new();
    builder.with_config(config).generate()?.write(&mut header);
    Ok(text::for_c(&String::from_utf8(header)?))
}
