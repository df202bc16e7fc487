//! The environment variable that names the folder, seen from a process of its own: a test must not change its
//! environment while others run.

#![allow(clippy::unwrap_used)] // tests

use std::process::Command;

use shoal_ggml_sys::{BUILD_DIRECTORY, DIRECTORY_VARIABLE, library_directory};

fn run_child(directory: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "child"])
        .env(DIRECTORY_VARIABLE, directory)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_environment_names_the_folder() {
    assert!(run_child(BUILD_DIRECTORY).contains(&format!("found {BUILD_DIRECTORY}")));
    assert!(run_child("/no/such/folder").contains("in none of these folders: /no/such/folder;"));
}

#[test]
#[ignore = "run by the test above with the variable set"]
fn child() {
    match library_directory(None) {
        Ok(directory) => eprintln!("found {}", directory.display()),
        Err(error) => eprintln!("{error}"),
    }
}
