//! Loading ggml: absence, presence and a second, different wish. One test, because a process loads ggml once.

#![allow(clippy::unwrap_used)] // tests

use std::path::PathBuf;

use shoal_ggml::executor::{OpenOptions, open};
use shoal_ggml::{Library, LoadOptions};

#[test]
fn absence_is_an_error_and_one_library_serves_the_process() {
    let nowhere = LoadOptions {
        directory: Some(PathBuf::from("/no/such/folder")),
        ..LoadOptions::default()
    };
    let error = Library::load(&nowhere).unwrap_err();
    assert_eq!(error.code, "BACKEND_LIBRARY_MISSING");
    assert!(error.message.contains("/no/such/folder"), "{error}");
    let options = OpenOptions {
        library: nowhere.clone(),
        device: "CPU".to_owned(),
        threads: None,
    };
    assert_eq!(open(&options).unwrap_err().code, "BACKEND_LIBRARY_MISSING");

    let library = Library::load(&LoadOptions::default()).unwrap();
    assert!(library.version().starts_with("0."), "{}", library.version());
    let same = LoadOptions {
        directory: Some(library.directory().to_path_buf()),
        ..LoadOptions::default()
    };
    assert!(std::ptr::eq(Library::load(&same).unwrap(), library));

    // What is loaded cannot be exchanged for another one.
    assert_eq!(Library::load(&nowhere).unwrap_err().code, "BACKEND_DEVICE_UNAVAILABLE");
    let variant = LoadOptions {
        cpu_variant: Some("pentium".to_owned()),
        ..LoadOptions::default()
    };
    assert!(Library::load(&variant).unwrap_err().message.contains("already uses"));

    let options = OpenOptions {
        device: "no-such-device".to_owned(),
        ..OpenOptions::default()
    };
    let error = open(&options).unwrap_err();
    assert_eq!(error.code, "BACKEND_DEVICE_UNAVAILABLE");
    assert!(error.message.contains("CPU"), "{error}");
}
