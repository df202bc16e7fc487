//! Socket files that killed processes left behind.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};

/// A younger file may be between being bound and being listened to.
const YOUNGEST_STALE: Duration = Duration::from_secs(10);
/// A folder for temporary files may be large; what is missed now is found another time.
const MOST_LOOKED_AT: usize = 4096;

/// Removes the sockets of a folder whose names begin with `prefix`, which nobody listens at any more. A listener removes
/// its own file when it is dropped, but a process that is killed drops nothing. Nothing here can fail: what cannot be
/// told or removed stays.
pub fn remove_stale_sockets(directory: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.take(MOST_LOOKED_AT).flatten() {
        let name = entry.file_name();
        let is_ours = name
            .to_str()
            .is_some_and(|name| name.starts_with(prefix) && name.ends_with(".sock"));
        let path = entry.path();
        if is_ours && is_old_socket(&path).unwrap_or(false) && is_deserted(&path) {
            let _ = fs::remove_file(path);
        }
    }
}

fn is_old_socket(path: &Path) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    let age = metadata.modified()?.elapsed().unwrap_or_default();
    Ok(metadata.file_type().is_socket() && age >= YOUNGEST_STALE)
}

/// Only a refusal says that nobody is there; a listener that is busy, or another user's, is left alone.
fn is_deserted(path: &Path) -> bool {
    let Ok(address) = SocketAddrUnix::new(path) else {
        return false;
    };
    let Ok(probe) = socket(AddressFamily::UNIX, SocketType::STREAM, None) else {
        return false;
    };
    // Never waits for a listener whose queue is full.
    if rustix::io::ioctl_fionbio(&probe, true).is_err() {
        return false;
    }
    matches!(connect(&probe, &address), Err(Errno::CONNREFUSED))
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;
    use std::os::unix::net::UnixListener;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn only_old_deserted_sockets_of_the_name_are_removed() {
        let directory = std::env::temp_dir().join(format!("shoal-stale-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = |name: &str| directory.join(name);
        // A listener of the standard library leaves its file, as a killed process does.
        for name in ["shoal-dead.sock", "shoal-young.sock", "other-dead.sock"] {
            drop(UnixListener::bind(path(name)).unwrap());
        }
        let alive = UnixListener::bind(path("shoal-alive.sock")).unwrap();
        fs::write(path("shoal-file.sock"), "no socket").unwrap();
        for name in [
            "shoal-dead.sock",
            "other-dead.sock",
            "shoal-alive.sock",
            "shoal-file.sock",
        ] {
            make_old(&path(name));
        }
        remove_stale_sockets(&directory, "shoal-");
        let mut left: Vec<_> = fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(
            left,
            [
                "other-dead.sock",
                "shoal-alive.sock",
                "shoal-file.sock",
                "shoal-young.sock"
            ]
        );
        drop(alive);
        remove_stale_sockets(&directory.join("missing"), "shoal-");
        fs::remove_dir_all(&directory).unwrap();
    }

    /// Sockets cannot be opened as files, so that the time is set by path.
    fn make_old(path: &Path) {
        let old = SystemTime::now() - Duration::from_secs(60);
        if let Ok(file) = fs::File::options().write(true).open(path) {
            return file.set_times(FileTimes::new().set_modified(old)).unwrap();
        }
        let since = old.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let timestamp = rustix::fs::Timespec {
            tv_sec: since.as_secs() as i64,
            tv_nsec: 0,
        };
        let times = rustix::fs::Timestamps {
            last_access: timestamp,
            last_modification: timestamp,
        };
        rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::empty()).unwrap();
    }
}
