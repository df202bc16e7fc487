//! The emulator as a program: `shoal-wire` serves a network, `shoal-wire enter` runs a program in one of its hosts, and
//! `shoal-wire probe` measures a path.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if !cfg!(target_os = "linux") {
        eprintln!("shoal-wire: network namespaces exist on Linux only");
        return ExitCode::FAILURE;
    }
    linux(&words)
}

#[cfg(not(target_os = "linux"))]
fn linux(_words: &[String]) -> ExitCode {
    ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
fn linux(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        [] => shoal_wire::serve::serve(false).map_err(|failure| failure.message),
        ["--in-user-namespace"] => shoal_wire::serve::serve(true).map_err(|failure| failure.message),
        ["enter", "--network", network, "--", command @ ..] => Err(enter(None, network, command)),
        ["enter", "--user", user, "--network", network, "--", command @ ..] => Err(enter(Some(user), network, command)),
        ["probe", words @ ..] => shoal_wire::probe::run(words).map_err(|error| error.to_string()),
        _ => Err(
            "usage: shoal-wire [--in-user-namespace], shoal-wire enter [--user PATH] --network PATH -- PROGRAM…, shoal-wire probe …".into(),
        ),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("shoal-wire: {message}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn enter(user: Option<&str>, network: &str, command: &[&str]) -> String {
    let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
    let error = shoal_wire::enter::enter(user, network, &command);
    format!("cannot run {} in a host: {error}", command.join(" "))
}
