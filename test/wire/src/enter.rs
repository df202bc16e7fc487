//! Runs a program in a host.

use crate::system::{enter_network, enter_user};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change};
use rustix::process::Signal;
use rustix::thread::UnshareFlags;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Becomes `command` inside a host. Returns only when that failed.
pub fn enter(user: Option<&str>, network: &str, command: &[String]) -> std::io::Error {
    let Some((program, words)) = command.split_first() else {
        return std::io::Error::other("there is no program to run");
    };
    if let Err(error) = prepare(user, network) {
        return error;
    }
    Command::new(program).args(words).exec()
}

fn prepare(user: Option<&str>, network: &str) -> std::io::Result<()> {
    let parent = rustix::process::getppid();
    // Opened before the user namespace is entered: from inside, other processes' files may be out of sight.
    let network = File::open(network)?;
    if let Some(user) = user {
        enter_user(File::open(user)?)?;
    }
    enter_network(network)?;
    // Programs that look at interfaces in /sys see the host's. Where mounting is not allowed they see the machine's.
    let _ = show_own_interfaces();
    // What runs in a host ends with who started it, so that no namespace stays behind.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() != parent {
        return Err(std::io::Error::other("who started this has ended"));
    }
    Ok(())
}

fn show_own_interfaces() -> std::io::Result<()> {
    // SAFETY: this process has one thread, and no file descriptor table is unshared.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }?;
    mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
    // Control groups are mounted below /sys and must stay in sight.
    let groups = File::open("/sys/fs/cgroup").ok();
    mount("sysfs", "/sys", "sysfs", MountFlags::empty(), None)?;
    if let Some(groups) = groups {
        use std::os::fd::AsRawFd;
        mount_bind_recursive(format!("/proc/self/fd/{}", groups.as_raw_fd()), "/sys/fs/cgroup")?;
    }
    Ok(())
}
