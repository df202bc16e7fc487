//! Accepting and making connections; what comes out of here has not been authenticated yet.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;

use rustix::fd::{AsFd, BorrowedFd};

use crate::address::Address;
use crate::error::FabricError;
use crate::stream::Stream;
use crate::tls::{Fingerprint, TlsIdentity};

/// A bound address at which the other members of a mesh can connect.
///
/// It is bound before the mesh is established, so that its [`Listener::address`] and fingerprint can travel to the
/// peers first.
#[derive(Debug)]
pub struct Listener {
    socket: ListeningSocket,
    address: Address,
    identity: Option<TlsIdentity>,
}

#[derive(Debug)]
enum ListeningSocket {
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
    Tcp(TcpListener),
}

impl Listener {
    /// Binds an address. Port 0 takes any free port. An address of the kind `tls` needs an identity.
    ///
    /// # Errors
    /// The address is in use, not of this machine, or of a kind that this platform does not have.
    pub fn bind(address: &Address, identity: Option<&TlsIdentity>) -> Result<Self, FabricError> {
        let failed = |error: io::Error| FabricError::input_output(format!("listening at {address}"), &error);
        match address {
            #[cfg(unix)]
            Address::Unix(path) => {
                let socket = bind_unix(path).map_err(failed)?;
                socket.set_nonblocking(true).map_err(failed)?;
                let socket = ListeningSocket::Unix(socket, path.clone());
                Ok(Self {
                    socket,
                    address: address.clone(),
                    identity: None,
                })
            }
            #[cfg(not(unix))]
            Address::Unix(_) => Err(no_unix_sockets(address)),
            Address::Tcp(socket_address) => {
                let (socket, found) = bind_tcp(socket_address).map_err(failed)?;
                Ok(Self {
                    socket,
                    address: Address::Tcp(found),
                    identity: None,
                })
            }
            Address::Tls(socket_address) => {
                let identity = identity.ok_or_else(|| needs_identity(address))?;
                let (socket, found) = bind_tcp(socket_address).map_err(failed)?;
                Ok(Self {
                    socket,
                    address: Address::Tls(found),
                    identity: Some(identity.clone()),
                })
            }
        }
    }

    /// The address with the port that was really taken.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What peers must be told to accept this listener, where it speaks TLS.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.identity.as_ref().map(TlsIdentity::fingerprint)
    }

    /// Takes a waiting connection, if there is one, with the text of where it came from.
    pub(crate) fn accept(&self, pinned: &[Fingerprint]) -> Result<Option<(Stream, String)>, FabricError> {
        let failed = |error: io::Error| FabricError::input_output(format!("accepting at {}", self.address), &error);
        match &self.socket {
            #[cfg(unix)]
            ListeningSocket::Unix(socket, path) => match socket.accept() {
                Ok((socket, _)) => {
                    let stream = Stream::unix(socket).map_err(failed)?;
                    Ok(Some((stream, format!("unix:{}", path.display()))))
                }
                Err(error) if is_transient(&error) => Ok(None),
                Err(error) => Err(failed(error)),
            },
            ListeningSocket::Tcp(socket) => match socket.accept() {
                Ok((socket, from)) => match &self.identity {
                    None => Ok(Some((Stream::tcp(socket).map_err(failed)?, format!("tcp:{from}")))),
                    Some(identity) => {
                        let stream = Stream::tls(socket, identity.accept(pinned)?).map_err(failed)?;
                        Ok(Some((stream, format!("tls:{from}"))))
                    }
                },
                Err(error) if is_transient(&error) => Ok(None),
                Err(error) => Err(failed(error)),
            },
        }
    }

    pub(crate) fn handle(&self) -> BorrowedFd<'_> {
        match &self.socket {
            #[cfg(unix)]
            ListeningSocket::Unix(socket, _) => socket.as_fd(),
            ListeningSocket::Tcp(socket) => socket.as_fd(),
        }
    }
}

#[cfg(unix)]
impl Drop for Listener {
    fn drop(&mut self) {
        if let ListeningSocket::Unix(_, path) = &self.socket {
            // It may have been removed together with its folder.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Connects once. `pinned` is the certificate that a `tls` address must show.
pub(crate) fn connect_once(
    address: &Address,
    identity: Option<&TlsIdentity>,
    pinned: Option<Fingerprint>,
    limit: Duration,
) -> Result<Stream, FabricError> {
    let failed = |error: io::Error| FabricError::input_output(format!("connecting to {address}"), &error);
    match address {
        #[cfg(unix)]
        Address::Unix(path) => UnixStream::connect(path).and_then(Stream::unix).map_err(failed),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(no_unix_sockets(address)),
        Address::Tcp(socket_address) => TcpStream::connect_timeout(socket_address, limit)
            .and_then(Stream::tcp)
            .map_err(failed),
        Address::Tls(socket_address) => {
            let identity = identity.ok_or_else(|| needs_identity(address))?;
            let pinned = pinned.ok_or_else(|| FabricError::InvalidArgument {
                reason: format!("no certificate fingerprint is known for {address}"),
            })?;
            let session = identity.connect(pinned)?;
            let socket = TcpStream::connect_timeout(socket_address, limit).map_err(failed)?;
            Stream::tls(socket, session).map_err(failed)
        }
    }
}

fn bind_tcp(address: &SocketAddr) -> io::Result<(ListeningSocket, SocketAddr)> {
    let socket = TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    let found = socket.local_addr()?;
    Ok((ListeningSocket::Tcp(socket), found))
}

#[cfg(unix)]
fn bind_unix(path: &std::path::Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    match UnixListener::bind(path) {
        // A socket file outlives a killed process. If nobody answers there, it is such a remnant.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && UnixStream::connect(path).is_err() => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        result => result,
    }
    .and_then(|socket| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(socket)
    })
}

/// Nothing is waiting, or what waited has gone away again.
fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock
            | io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

fn needs_identity(address: &Address) -> FabricError {
    FabricError::InvalidArgument {
        reason: format!("{address} needs a TLS identity"),
    }
}

#[cfg(not(unix))]
fn no_unix_sockets(address: &Address) -> FabricError {
    FabricError::InvalidAddress {
        address: address.to_string(),
        reason: "this platform has no Unix sockets, use tcp:127.0.0.1:PORT".to_owned(),
    }
}
