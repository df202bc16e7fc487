//! Finds the folder that holds ggml's libraries.

use std::env;
use std::path::{Path, PathBuf};

use crate::BUILD_DIRECTORY;
use crate::load::LoadError;

/// The environment variable that names the folder of the libraries.
pub const DIRECTORY_VARIABLE: &str = "SHOAL_GGML_DIRECTORY";

/// File name of the base library on this system.
pub(crate) fn base_library_name() -> String {
    format!("{}ggml-base{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX)
}

/// The folder to load from. An explicit folder or the one in [`DIRECTORY_VARIABLE`] is final; else the first that
/// holds the base library of: the folder of the shared object that contains this code, that of the executable, the
/// subfolder `ggml` of each, and the folder of the build.
///
/// # Errors
/// [`LoadError::NotFound`] with the folders that were tried.
pub fn library_directory(explicit: Option<&Path>) -> Result<PathBuf, LoadError> {
    let named = explicit
        .map(Path::to_path_buf)
        .or_else(|| env::var_os(DIRECTORY_VARIABLE).map(PathBuf::from));
    let candidates = match named {
        Some(directory) => vec![directory],
        None => default_candidates(),
    };
    let name = base_library_name();
    match candidates.iter().find(|directory| directory.join(&name).is_file()) {
        Some(directory) => Ok(directory.clone()),
        None => Err(LoadError::NotFound {
            name,
            tried: candidates,
        }),
    }
}

fn default_candidates() -> Vec<PathBuf> {
    let mut candidates = Vec::new();
    for file in [current_module(), env::current_exe().ok()].into_iter().flatten() {
        if let Some(directory) = file.parent() {
            candidates.push(directory.to_path_buf());
            candidates.push(directory.join("ggml"));
        }
    }
    // Builds that are passed on do not name it.
    if !BUILD_DIRECTORY.is_empty() {
        candidates.push(PathBuf::from(BUILD_DIRECTORY));
    }
    candidates.dedup();
    candidates
}

/// The file of the shared object (or executable) that contains this function.
#[cfg(unix)]
fn current_module() -> Option<PathBuf> {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;

    let mut information = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let address = current_module as *const () as *const libc::c_void;
    // SAFETY: the address is that of a function, and `information` is large enough for the answer.
    let found = unsafe { libc::dladdr(address, information.as_mut_ptr()) } != 0;
    // SAFETY: zeroed is a valid value, and `dladdr` only writes valid ones.
    let information = unsafe { information.assume_init() };
    if !found || information.dli_fname.is_null() {
        return None;
    }
    // SAFETY: the loader keeps the name as a C string for as long as the object is loaded, which runs this code.
    let name = unsafe { CStr::from_ptr(information.dli_fname) };
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

/// The file of the library (or executable) that contains this function.
#[cfg(windows)]
fn current_module() -> Option<PathBuf> {
    use std::ffi::OsString;
    use std::os::windows::ffi::OsStringExt;
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
        GetModuleHandleExW,
    };

    let mut module = std::ptr::null_mut();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    // SAFETY: with this flag the second argument is an address inside the module, here that of a function.
    let found = unsafe { GetModuleHandleExW(flags, current_module as *const () as *const u16, &mut module) } != 0;
    if !found {
        return None;
    }
    // Windows allows paths of up to 32,767 UTF-16 units.
    let mut name = vec![0_u16; 32_768];
    // SAFETY: the buffer is as long as stated.
    let length = unsafe { GetModuleFileNameW(module, name.as_mut_ptr(), name.len() as u32) } as usize;
    (length > 0 && length < name.len()).then(|| PathBuf::from(OsString::from_wide(&name[..length])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_directory_is_found_by_default() {
        let directory = library_directory(Some(Path::new(BUILD_DIRECTORY))).unwrap();
        assert!(directory.join(base_library_name()).is_file());
    }

    #[test]
    fn an_explicit_directory_is_final() {
        let error = library_directory(Some(Path::new("/no/such/folder"))).unwrap_err();
        let LoadError::NotFound { tried, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(tried, &[PathBuf::from("/no/such/folder")]);
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }

    #[test]
    fn the_file_of_this_code_is_known() {
        assert!(current_module().is_some_and(|path| path.is_file()));
    }
}
