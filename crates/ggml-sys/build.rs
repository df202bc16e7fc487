//! Fetches and builds ggml once per target directory.
//!
//! 1. The source comes from the registry package that `source/Cargo.lock` pins: `cargo vendor` unpacks it under
//!    `<target>/ggml-source` and verifies its checksum. Nothing is downloaded when cargo's cache already has it.
//! 2. CMake builds the base library and the CPU variants as shared libraries, loaded at run time. They go to
//!    `<target>/ggml/<version>-<hash of the options>/`, so that all profiles and tools share one native build.
//!
//! `SHOAL_GGML_PREBUILT` names a folder of libraries that were built before; nothing is fetched or built then.
//! `SHOAL_PORTABLE`, set to anything, keeps the folder of the build out of the compiled code.
//! `SHOAL_CPU_VARIANTS` chooses the variants: `host` (default: the generic one and the best for this machine),
//! `all`, or a comma-separated list of ggml's names such as `haswell,zen4`.

use std::error::Error;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fmt};

/// The package that carries ggml's source; its version is pinned in `source/Cargo.toml`.
const PACKAGE: &str = "llama-cpp-sys-2";

/// CMake options that decide what the libraries contain. They are part of the output folder's hash.
const OPTIONS: &[&str] = &[
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=ON",
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_CPU_ALL_VARIANTS=ON",
    "-DGGML_NATIVE=OFF",
    "-DGGML_OPENMP=OFF",
    "-DGGML_LLAMAFILE=ON",
    "-DGGML_METAL=OFF",
    "-DGGML_BLAS=OFF",
    "-DGGML_BUILD_TESTS=OFF",
    "-DGGML_BUILD_EXAMPLES=OFF",
];

/// The headers that declare what `src/types.rs` restates.
const HEADERS: &[&str] = &["ggml.h", "ggml-alloc.h", "ggml-backend.h", "ggml-cpu.h"];

/// A failure that tells the person at the terminal what to do next.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Error for Failure {}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() {
    if let Err(error) = build() {
        // A build script reports to the terminal; cargo shows this and stops.
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

fn build() -> Outcome<()> {
    for path in [
        "native/polite_wait.h",
        "native/tile_configuration.h",
        "build.rs",
        "native/CMakeLists.txt",
        "source/Cargo.toml",
        "source/Cargo.lock",
    ] {
        println!("cargo:rerun-if-changed={path}");
    }
    println!("cargo:rerun-if-env-changed=SHOAL_CPU_VARIANTS");
    println!("cargo:rerun-if-env-changed=SHOAL_GGML_PREBUILT");
    println!("cargo:rerun-if-env-changed=SHOAL_PORTABLE");
    if let Some(directory) = env::var_os("SHOAL_GGML_PREBUILT").map(PathBuf::from) {
        announce(&directory);
        println!(
            "cargo:rustc-env=SHOAL_GGML_HEADER_DIRECTORY={}",
            directory.join("include").display()
        );
        return Ok(());
    }

    let manifest_directory = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let target_directory = target_directory()?;
    let version = pinned_version(&manifest_directory.join("source/Cargo.lock"))?;
    let variants = variants()?;
    let hash = options_hash(&manifest_directory, &variants)?;
    let output = target_directory.join("ggml").join(format!("{version}-{hash:016x}"));
    fs::create_dir_all(&output)?;

    // Cargo locks the target directory per profile only; the native build is shared between profiles.
    let lock = File::create(output.join(".lock"))?;
    lock.lock()?;
    let complete = output.join(".complete");
    if !complete.is_file() {
        let source = vendor_source(&manifest_directory, &target_directory, &version)?;
        let libraries = output.join("lib");
        compile(
            &manifest_directory,
            &source,
            &output.join("build"),
            &libraries,
            &variants,
        )?;
        // Whoever passes the libraries on passes their licence on.
        fs::copy(source.join("../LICENSE"), libraries.join("LICENSE.ggml"))?;
        // The headers stay beside the libraries for the test that compares layouts.
        fs::create_dir_all(output.join("include"))?;
        for name in HEADERS {
            fs::copy(source.join("include").join(name), output.join("include").join(name))?;
        }
        fs::write(&complete, variants.join("\n"))?;
        // The objects are ten times as large as the libraries, and nobody needs them again.
        fs::remove_dir_all(output.join("build"))?;
    }

    // The mark is watched, so that deleting the folder (or `cargo clean`) builds it again.
    println!("cargo:rerun-if-changed={}", complete.display());
    announce(&output.join("lib"));
    println!(
        "cargo:rustc-env=SHOAL_GGML_HEADER_DIRECTORY={}",
        output.join("include").display()
    );
    Ok(())
}

/// Tells the code where the libraries are, and packing, which reads cargo's messages.
fn announce(libraries: &Path) {
    println!("cargo:rustc-env=SHOAL_GGML_LIBRARIES={}", libraries.display());
    // What is passed on must not name, or look into, a folder of the machine that built it.
    let known = if env::var_os("SHOAL_PORTABLE").is_some() {
        Path::new("")
    } else {
        libraries
    };
    println!("cargo:rustc-env=SHOAL_GGML_BUILD_DIRECTORY={}", known.display());
}

fn variable(name: &str) -> Outcome<String> {
    env::var(name).map_err(|error| Failure(format!("the environment variable {name} is not usable: {error}")).into())
}

/// The root of cargo's target directory, found by the tag file that cargo puts there; `OUT_DIR` lies below it.
fn target_directory() -> Outcome<PathBuf> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    let tagged = out
        .ancestors()
        .filter(|path| path.join("CACHEDIR.TAG").is_file())
        .last();
    Ok(tagged.unwrap_or(&out).to_path_buf())
}

/// Reads the version of [`PACKAGE`] from the lockfile, which is the only place that states it for this build.
fn pinned_version(lockfile: &Path) -> Outcome<String> {
    let text = fs::read_to_string(lockfile)?;
    let wanted = format!("name = \"{PACKAGE}\"");
    let mut lines = text.lines().skip_while(|line| *line != wanted).skip(1);
    lines
        .next()
        .and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .ok_or_else(|| Failure(format!("{} does not pin {PACKAGE}", lockfile.display())).into())
}

/// FNV-1a over everything that changes what the libraries contain.
fn options_hash(manifest_directory: &Path, variants: &[String]) -> Outcome<u64> {
    let mut parts: Vec<Vec<u8>> = vec![
        variable("TARGET")?.into_bytes(),
        fs::read(manifest_directory.join("native/CMakeLists.txt"))?,
        fs::read(manifest_directory.join("native/polite_wait.h"))?,
        fs::read(manifest_directory.join("native/tile_configuration.h"))?,
        fs::read(manifest_directory.join("source/Cargo.lock"))?,
    ];
    parts.extend(OPTIONS.iter().map(|option| option.as_bytes().to_vec()));
    parts.extend(variants.iter().map(|variant| variant.as_bytes().to_vec()));
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.iter().chain(&[0])) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    Ok(hash)
}

/// The CPU variants to build, by ggml's names; empty means all of them.
fn variants() -> Outcome<Vec<String>> {
    let choice = env::var("SHOAL_CPU_VARIANTS").unwrap_or_default();
    match choice.trim() {
        "all" => Ok(Vec::new()),
        "" | "host" => {
            let target = (variable("CARGO_CFG_TARGET_ARCH")?, variable("CARGO_CFG_TARGET_OS")?);
            let mut names: Vec<&str> = match (target.0.as_str(), target.1.as_str()) {
                ("x86_64", _) => vec!["x64"],
                ("aarch64", "macos") => vec!["apple_m1"],
                ("aarch64", "linux") => vec!["armv8.0_1"],
                ("aarch64", "android") => vec!["android_armv8.0_1"],
                // Elsewhere ggml names the variants in ways that nobody has tried here: build them all.
                _ => return Ok(Vec::new()),
            };
            // Cross builds know nothing of the machine that will run them: the generic variant only.
            if variable("HOST")? == variable("TARGET")? {
                names.extend(best_for_this_machine());
            }
            Ok(names.into_iter().map(str::to_owned).collect())
        }
        list => Ok(list
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect()),
    }
}

/// The fastest variant whose instructions this machine has, in the order of ggml's own scores.
#[cfg(target_arch = "x86_64")]
fn best_for_this_machine() -> Option<&'static str> {
    use std::arch::is_x86_feature_detected as has;
    // MSVC cannot compile the intrinsics of bfloat16, and ggml leaves those variants out there.
    let has_bf16 = has!("avx512bf16") && env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|name| name != "msvc");
    let has_avx512 = has!("avx512f") && has!("avx512cd") && has!("avx512vl") && has!("avx512dq") && has!("avx512bw");
    let has_avx2 = has!("avx2") && has!("fma") && has!("f16c") && has!("bmi2");
    let (vbmi, vnni) = (has!("avx512vbmi"), has!("avx512vnni"));
    match () {
        () if has_avx512 && vbmi && vnni && has_bf16 && has_integer_tiles() => Some("sapphirerapids"),
        () if has_avx512 && vbmi && vnni && has_bf16 => Some("zen4"),
        () if has_avx512 && vnni && has_bf16 => Some("cooperlake"),
        () if has_avx512 && vbmi && vnni => Some("icelake"),
        () if has_avx512 && vnni => Some("cascadelake"),
        () if has_avx512 && vbmi => Some("cannonlake"),
        () if has_avx512 => Some("skylakex"),
        () if has_avx2 && has!("avxvnni") => Some("alderlake"),
        () if has_avx2 => Some("haswell"),
        () if has!("avx") => Some("sandybridge"),
        () if has!("sse4.2") => Some("sse42"),
        () => None,
    }
}

/// Whether the processor multiplies tiles of 8-bit integers (AMX), which the standard library does not tell yet. Whether
/// the system lets a process use them, ggml finds out when it runs.
#[cfg(target_arch = "x86_64")]
fn has_integer_tiles() -> bool {
    const FEATURES_LEAF: u32 = 7;
    const AMX_TILE: u32 = 1 << 24;
    const AMX_INT8: u32 = 1 << 25;
    let wanted = AMX_TILE | AMX_INT8;
    std::arch::x86_64::__cpuid_count(FEATURES_LEAF, 0).edx & wanted == wanted
}

/// The fastest variant whose instructions this machine has, in the order of ggml's own scores.
#[cfg(target_arch = "aarch64")]
fn best_for_this_machine() -> Option<&'static str> {
    use std::arch::is_aarch64_feature_detected as has;
    if cfg!(target_os = "macos") {
        return has!("i8mm").then_some("apple_m2_m3");
    }
    if cfg!(target_os = "android") {
        return match () {
            () if has!("dotprod") && has!("fp16") && has!("i8mm") => Some("android_armv8.6_1"),
            () if has!("dotprod") => Some("android_armv8.2_1"),
            () => None,
        };
    }
    match () {
        () if has!("dotprod") && has!("fp16") && has!("sve") && has!("i8mm") && has!("sve2") => Some("armv8.6_2"),
        () if has!("dotprod") && has!("fp16") && has!("sve") && has!("i8mm") => Some("armv8.6_1"),
        () if has!("dotprod") && has!("fp16") && has!("sve") => Some("armv8.2_3"),
        () if has!("dotprod") && has!("fp16") => Some("armv8.2_2"),
        () if has!("dotprod") => Some("armv8.2_1"),
        () => None,
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn best_for_this_machine() -> Option<&'static str> {
    None
}

/// Unpacks the pinned package and returns the folder of ggml in it.
fn vendor_source(manifest_directory: &Path, target_directory: &Path, version: &str) -> Outcome<PathBuf> {
    let vendored = target_directory.join("ggml-source");
    let source = vendored
        .join(format!("{PACKAGE}-{version}"))
        .join("llama.cpp")
        .join("ggml");
    if source.join("CMakeLists.txt").is_file() {
        return Ok(source);
    }
    let mut command = Command::new(variable("CARGO")?);
    command
        .arg("vendor")
        .arg("--locked")
        .arg("--versioned-dirs")
        .arg("--manifest-path");
    command
        .arg(manifest_directory.join("source/Cargo.toml"))
        .arg(&vendored)
        .stdout(Stdio::null());
    run(command).map_err(|error| {
        Failure(format!(
            "the source of ggml (package {PACKAGE} {version}) could not be unpacked: {error}\n\
             It is downloaded once from the crate registry. Without a network, run this before on a machine that has \
             one and copy cargo's registry cache: cargo fetch --locked --manifest-path crates/ggml-sys/source/Cargo.toml"
        ))
    })?;
    if !source.join("CMakeLists.txt").is_file() {
        return Err(Failure(format!(
            "the package {PACKAGE} {version} holds no ggml in {}",
            source.display()
        ))
        .into());
    }
    Ok(source)
}

/// Configures with CMake and builds the base library and the wanted variants into `libraries`.
fn compile(
    manifest_directory: &Path,
    source: &Path,
    build: &Path,
    libraries: &Path,
    variants: &[String],
) -> Outcome<()> {
    // A broken-off build leaves half-written files: start over.
    for path in [build, libraries] {
        if path.exists() {
            fs::remove_dir_all(path)?;
        }
    }
    let cmake = env::var_os("CMAKE").unwrap_or_else(|| "cmake".into());
    let mut configure = Command::new(&cmake);
    configure
        .arg("-S")
        .arg(manifest_directory.join("native"))
        .arg("-B")
        .arg(build)
        .args(OPTIONS);
    configure
        .arg(definition("SHOAL_GGML_SOURCE", source))
        .arg(definition("SHOAL_GGML_OUTPUT", libraries));
    // Ninja is quicker and has one configuration only, but plain make or Visual Studio do as well.
    if env::var_os("CMAKE_GENERATOR").is_none() && Command::new("ninja").arg("--version").output().is_ok() {
        configure.arg("-G").arg("Ninja");
    }
    configure.stdout(Stdio::null());
    run(configure).map_err(|error| {
        Failure(format!(
            "ggml could not be configured: {error}\nCMake 3.18 or newer and a C++17 compiler are needed \
             (Debian: apt install cmake g++; macOS: xcode-select --install and brew install cmake; \
             Windows: Visual Studio with the C++ workload)."
        ))
    })?;

    let mut make = Command::new(&cmake);
    make.arg("--build")
        .arg(build)
        .arg("--config")
        .arg("Release")
        .arg("--parallel")
        .arg(jobs());
    // ggml's registry library is not used (its target would also pull in every variant), unless all are wanted.
    if !variants.is_empty() {
        make.arg("--target")
            .arg("ggml-base")
            .args(variants.iter().map(|name| format!("ggml-cpu-{name}")));
    }
    make.stdout(Stdio::null());
    run(make).map_err(|error| Failure(format!("ggml could not be compiled: {error}")))?;
    Ok(())
}

fn definition(name: &str, path: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(format!("-D{name}="));
    // CMake reads backslashes as escapes.
    argument.push(path.to_string_lossy().replace('\\', "/"));
    argument
}

/// Cargo's job count, at least two: a compiler waits for its files about as often as it computes.
fn jobs() -> String {
    let jobs = env::var("NUM_JOBS")
        .ok()
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or(2);
    jobs.max(2).to_string()
}

fn run(mut command: Command) -> Outcome<()> {
    let name = Path::new(command.get_program())
        .file_name()
        .unwrap_or(OsStr::new("?"))
        .to_string_lossy()
        .into_owned();
    let status = command
        .status()
        .map_err(|error| Failure(format!("{name} could not be started: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure(format!("{name} ended with {status}")).into())
    }
}
