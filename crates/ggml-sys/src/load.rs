//! Loads the base library and, for each kind of device, the backend library that suits this machine best.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use libloading::Library;

use crate::directory::library_directory;
use crate::functions::Base;
use crate::types::{GGML_BACKEND_API_VERSION, ggml_backend_init_t, ggml_backend_reg, ggml_backend_score_t};

/// Where to load from, and which variant of the CPU library.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder of the libraries; none searches as [`library_directory`] says.
    pub directory: Option<PathBuf>,
    /// The CPU variant to use, by ggml's name (`haswell`, `zen4`, `x64` …); none takes the one that scores best.
    pub cpu_variant: Option<String>,
}

/// ggml, loaded. The libraries stay loaded until the process ends, because their threads and tables do.
#[derive(Debug)]
pub struct Loaded {
    /// The functions of the base library.
    pub base: Base,
    /// The folder that everything came from.
    pub directory: PathBuf,
    /// The backend libraries in use, CPU first.
    pub registrations: Vec<Registration>,
    /// The backend libraries that are there but not in use.
    pub rejected: Vec<Rejected>,
}

/// A backend library in use.
#[derive(Debug)]
pub struct Registration {
    /// The library's name without prefix and extension, for instance `ggml-cpu-zen4`.
    pub name: String,
    /// ggml's registration.
    pub pointer: *mut ggml_backend_reg,
}

// SAFETY: the registration is a static table inside a library that is never unloaded.
unsafe impl Send for Registration {}
// SAFETY: as above; ggml's registration functions only read it.
unsafe impl Sync for Registration {}

/// A backend library that is there but not in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The library's name without prefix and extension.
    pub name: String,
    /// Why it is not in use.
    pub reason: String,
}

/// Why ggml could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// No folder holds the base library.
    NotFound {
        /// File name of the base library.
        name: String,
        /// The folders that were looked at.
        tried: Vec<PathBuf>,
    },
    /// The folder could not be listed.
    Unreadable {
        /// The folder.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The base library could not be loaded.
    Base {
        /// The file.
        path: PathBuf,
        /// What the system's loader said.
        source: libloading::Error,
    },
    /// The base library lacks a function: it is of another version.
    MissingFunction {
        /// The file.
        path: PathBuf,
        /// The function's name.
        function: &'static str,
        /// What the system's loader said.
        source: libloading::Error,
    },
    /// None of the CPU libraries in the folder runs on this machine.
    NoProcessorLibrary {
        /// The folder.
        directory: PathBuf,
        /// The libraries that were looked at.
        rejected: Vec<Rejected>,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { name, tried } => {
                let tried: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
                write!(
                    formatter,
                    "ggml's base library {name} is in none of these folders: {}; build it with `cargo build -p \
                     shoal-ggml-sys` or set {} to its folder",
                    tried.join(", "),
                    crate::DIRECTORY_VARIABLE
                )
            }
            Self::Unreadable { directory, source } => {
                write!(
                    formatter,
                    "the folder {} cannot be listed: {source}",
                    directory.display()
                )
            }
            Self::Base { path, source } => write!(formatter, "{} cannot be loaded: {source}", path.display()),
            Self::MissingFunction { path, function, source } => write!(
                formatter,
                "{} has no function {function} ({source}): it is not of the version that this program was built for",
                path.display()
            ),
            Self::NoProcessorLibrary { directory, rejected } => {
                write!(
                    formatter,
                    "no CPU library of ggml in {} runs on this machine",
                    directory.display()
                )?;
                for Rejected { name, reason } in rejected {
                    write!(formatter, "; {name}: {reason}")?;
                }
                write!(formatter, "; build all variants with SHOAL_CPU_VARIANTS=all")
            }
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Base { source, .. } | Self::MissingFunction { source, .. } => Some(source),
            Self::NotFound { .. } | Self::NoProcessorLibrary { .. } => None,
        }
    }
}

/// Loads the base library and the best backend library of each kind.
///
/// # Errors
/// See [`LoadError`]. A GPU's library that does not load is no error but an entry of [`Loaded::rejected`].
pub fn load(options: &Options) -> Result<Loaded, LoadError> {
    let directory = library_directory(options.directory.as_deref())?;
    let path = directory.join(crate::directory::base_library_name());
    // SAFETY: ggml's initialisers have no preconditions; the folder is the operator's or the build's.
    let library = unsafe { Library::new(&path) }.map_err(|source| LoadError::Base {
        path: path.clone(),
        source,
    })?;
    // SAFETY: the file is ggml's base library by its name, and it is leaked below, so it stays loaded.
    let base = unsafe { Base::resolve(&library) }.map_err(|(function, source)| LoadError::MissingFunction {
        path: path.clone(),
        function,
        source,
    })?;
    std::mem::forget(library);

    let mut candidates: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
    let mut rejected = Vec::new();
    for (name, path) in backend_libraries(&directory)? {
        // `ggml-cpu-zen4` is a variant of the kind `cpu`.
        let mut parts = name.splitn(3, '-').skip(1);
        let kind = parts.next().unwrap_or_default().to_owned();
        let variant = parts.next().unwrap_or_default();
        if kind == "cpu" && options.cpu_variant.as_deref().is_some_and(|wanted| wanted != variant) {
            rejected.push(Rejected {
                name,
                reason: "another variant was asked for".to_owned(),
            });
            continue;
        }
        match Candidate::open(name, &path) {
            Ok(candidate) => candidates.entry(kind).or_default().push(candidate),
            Err(reason) => rejected.push(reason),
        }
    }

    let mut registrations = Vec::new();
    for (kind, mut group) in candidates {
        group.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.name.cmp(&b.name)));
        let mut chosen: Option<String> = None;
        for candidate in group {
            if let Some(better) = &chosen {
                rejected.push(Rejected {
                    name: candidate.name,
                    reason: format!("{better} suits this machine better"),
                });
                continue;
            }
            match candidate.initialize() {
                Ok(registration) => {
                    chosen = Some(registration.name.clone());
                    // The processor comes first, whatever the alphabet says.
                    let index = if kind == "cpu" { 0 } else { registrations.len() };
                    registrations.insert(index, registration);
                }
                Err(reason) => rejected.push(reason),
            }
        }
        if kind == "cpu" && chosen.is_none() {
            return Err(LoadError::NoProcessorLibrary { directory, rejected });
        }
    }
    if !registrations
        .iter()
        .any(|registration| registration.name.starts_with("ggml-cpu"))
    {
        return Err(LoadError::NoProcessorLibrary { directory, rejected });
    }
    Ok(Loaded {
        base,
        directory,
        registrations,
        rejected,
    })
}

/// Names and files of the backend libraries in a folder, in alphabetical order.
fn backend_libraries(directory: &Path) -> Result<Vec<(String, PathBuf)>, LoadError> {
    let unreadable = |source| LoadError::Unreadable {
        directory: directory.to_path_buf(),
        source,
    };
    // CMake calls loadable modules `.so` on macOS too.
    let extensions: &[&str] = if cfg!(windows) { &["dll"] } else { &["so"] };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let extension = path.extension().and_then(|text| text.to_str()).unwrap_or_default();
        let stem = path.file_stem().and_then(|text| text.to_str()).unwrap_or_default();
        let name = stem.strip_prefix(env::consts::DLL_PREFIX).unwrap_or(stem);
        if extensions.contains(&extension) && name.starts_with("ggml-") && name != "ggml-base" {
            found.push((name.to_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}

/// A backend library that says it can run here.
struct Candidate {
    name: String,
    score: c_int,
    library: Library,
}

impl Candidate {
    fn open(name: String, path: &Path) -> Result<Self, Rejected> {
        // SAFETY: as for the base library; ggml's backend libraries have no initialisers with preconditions.
        let library = match unsafe { Library::new(path) } {
            Ok(library) => library,
            Err(error) => {
                return Err(Rejected {
                    name,
                    reason: format!("it cannot be loaded: {error}"),
                });
            }
        };
        // SAFETY: the symbol's signature is part of ggml's interface for loadable backends.
        let score = match unsafe { library.get::<ggml_backend_score_t>(b"ggml_backend_score\0") } {
            // SAFETY: the function has no preconditions; it is compiled for the baseline of the architecture.
            Ok(score) => unsafe { score() },
            // Libraries without variants have no score.
            Err(_) => 1,
        };
        if score == 0 {
            return Err(Rejected {
                name,
                reason: "this machine lacks instructions or hardware that it needs".to_owned(),
            });
        }
        Ok(Self { name, score, library })
    }

    fn initialize(self) -> Result<Registration, Rejected> {
        let Self { name, library, .. } = self;
        // SAFETY: the symbol's signature is part of ggml's interface for loadable backends.
        let entry = match unsafe { library.get::<ggml_backend_init_t>(b"ggml_backend_init\0") } {
            Ok(entry) => entry,
            Err(error) => {
                return Err(Rejected {
                    name,
                    reason: format!("it has no entry point: {error}"),
                });
            }
        };
        // SAFETY: the entry point has no preconditions.
        let pointer = unsafe { entry() };
        if pointer.is_null() {
            return Err(Rejected {
                name,
                reason: "it found no device".to_owned(),
            });
        }
        // SAFETY: the registration is a static table that begins with its version.
        let version = unsafe { (*pointer).api_version };
        // Once initialised, a library may have threads: it is never unloaded, not even when it is rejected here.
        std::mem::forget(library);
        if version != GGML_BACKEND_API_VERSION {
            let reason = format!("its interface has version {version}, this program needs {GGML_BACKEND_API_VERSION}");
            return Err(Rejected { name, reason });
        }
        Ok(Registration { name, pointer })
    }
}
