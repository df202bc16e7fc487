//! Byte streams that never block: sockets, TLS over sockets, and memory.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use rustix::fd::{AsFd, BorrowedFd};

use crate::signal::{Signal, lock};
use crate::tls::{Fingerprint, peer_fingerprint};

/// A second handle of a socket, for waiting on it without the stream's lock.
#[derive(Debug)]
pub(crate) enum PollHandle {
    #[cfg(unix)]
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl PollHandle {
    pub(crate) fn handle(&self) -> BorrowedFd<'_> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => socket.as_fd(),
            Self::Tcp(socket) => socket.as_fd(),
        }
    }
}

/// A connected byte stream in non-blocking mode.
#[derive(Debug)]
pub(crate) enum Stream {
    #[cfg(unix)]
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(Box<TlsStream>),
    Memory(MemoryStream),
}

impl Stream {
    #[cfg(unix)]
    pub(crate) fn unix(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self::Unix(socket))
    }

    pub(crate) fn tcp(socket: TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // Steps are latency bound and frames are written whole: Nagle's algorithm can only hurt.
        socket.set_nodelay(true)?;
        Ok(Self::Tcp(socket))
    }

    pub(crate) fn tls(socket: TcpStream, connection: rustls::Connection) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        Ok(Self::Tls(Box::new(TlsStream { socket, connection })))
    }

    /// Reads what is there; 0 is the end of the stream, `WouldBlock` means nothing yet.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let result = match self {
                #[cfg(unix)]
                Self::Unix(socket) => socket.read(buffer),
                Self::Tcp(socket) => socket.read(buffer),
                Self::Tls(stream) => stream.read(buffer),
                Self::Memory(stream) => stream.read(buffer),
            };
            match result {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Writes what fits of two buffers, the header's and the payload's.
    pub(crate) fn write(&mut self, first: &[u8], second: &[u8]) -> io::Result<usize> {
        let slices = [IoSlice::new(first), IoSlice::new(second)];
        let slices = if first.is_empty() { &slices[1..] } else { &slices[..] };
        loop {
            let result = match self {
                #[cfg(unix)]
                Self::Unix(socket) => write_quietly(socket, slices),
                Self::Tcp(socket) => write_quietly(socket, slices),
                Self::Tls(stream) => stream.write(slices),
                Self::Memory(stream) => stream.write(slices),
            };
            match result {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Moves bytes that the stream itself holds back to the network; `true` when none are left.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Tls(stream) => stream.flush(),
            _ => Ok(true),
        }
    }

    /// Whether a read that did not fill its buffer has taken all there is.
    pub(crate) fn short_read_is_last(&self) -> bool {
        !matches!(self, Self::Tls(_))
    }

    pub(crate) fn poll_handle(&self) -> io::Result<Option<PollHandle>> {
        Ok(match self {
            #[cfg(unix)]
            Self::Unix(socket) => Some(PollHandle::Unix(socket.try_clone()?)),
            Self::Tcp(socket) => Some(PollHandle::Tcp(socket.try_clone()?)),
            Self::Tls(stream) => Some(PollHandle::Tcp(stream.socket.try_clone()?)),
            Self::Memory(_) => None,
        })
    }

    /// The certificate that the other side has proved to own, once the handshake is over.
    pub(crate) fn peer_fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Tls(stream) => peer_fingerprint(&stream.connection),
            _ => None,
        }
    }

    /// Tells the other side that nothing more will be sent.
    pub(crate) fn finish(&mut self) {
        // The other side may already be gone, which serves the same purpose.
        let _ = match self {
            #[cfg(unix)]
            Self::Unix(socket) => socket.shutdown(Shutdown::Write),
            Self::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Self::Tls(stream) => {
                stream.connection.send_close_notify();
                let _ = stream.flush();
                stream.socket.shutdown(Shutdown::Write)
            }
            Self::Memory(stream) => {
                stream.outgoing.close();
                Ok(())
            }
        };
    }
}

/// Writes to a socket without ever raising SIGPIPE. The host program's disposition of that signal is not ours to set,
/// and by default a peer that closes would end the whole process.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn write_quietly(socket: &mut (impl Write + AsFd), slices: &[IoSlice<'_>]) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
    Ok(sendmsg(
        socket,
        slices,
        &mut SendAncillaryBuffer::default(),
        SendFlags::NOSIGNAL,
    )?)
}

/// Elsewhere there is no such signal, or the standard library has turned it off for each socket.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn write_quietly(socket: &mut (impl Write + AsFd), slices: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.write_vectored(slices)
}

/// A socket as a writer that uses [`write_quietly`].
struct Quiet<'socket>(&'socket mut TcpStream);

impl Write for Quiet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_quietly(self.0, &[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        write_quietly(self.0, slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// TLS over a socket, driven by whoever reads or writes.
#[derive(Debug)]
pub(crate) struct TlsStream {
    socket: TcpStream,
    connection: rustls::Connection,
}

impl TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result,
            }
            let received = self.connection.read_tls(&mut self.socket)?;
            let processed = self.connection.process_new_packets();
            // An alert or the next handshake message may be due, also after a failure, so that the peer learns of it.
            let flushed = self.flush();
            processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            flushed?;
            if received == 0 {
                return Ok(0);
            }
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.flush()?;
        let written = self.connection.writer().write_vectored(slices)?;
        self.flush()?;
        if written == 0 && slices.iter().any(|slice| !slice.is_empty()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<bool> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Quiet(&mut self.socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// One direction of a connection within the process.
#[derive(Debug)]
pub(crate) struct MemoryPipe {
    state: Mutex<MemoryState>,
    /// Threads of the reading side.
    reader: Arc<Signal>,
    /// Threads of the writing side.
    writer: Arc<Signal>,
}

#[derive(Debug, Default)]
struct MemoryState {
    bytes: VecDeque<u8>,
    closed: bool,
}

/// As much as a socket holds on many systems, so that tests see partial writes.
const MEMORY_PIPE_BYTES: usize = 256 << 10;

impl MemoryPipe {
    fn close(&self) {
        lock(&self.state).closed = true;
        self.reader.wake_waiters();
        self.writer.wake_waiters();
    }
}

/// One end of a connection within the process.
#[derive(Debug)]
pub(crate) struct MemoryStream {
    incoming: Arc<MemoryPipe>,
    outgoing: Arc<MemoryPipe>,
}

impl MemoryStream {
    /// Two ends; each is woken through its own signal.
    pub(crate) fn pair(first: &Arc<Signal>, second: &Arc<Signal>) -> (Self, Self) {
        let pipe = |reader: &Arc<Signal>, writer: &Arc<Signal>| {
            Arc::new(MemoryPipe {
                state: Mutex::default(),
                reader: reader.clone(),
                writer: writer.clone(),
            })
        };
        let (forth, back) = (pipe(second, first), pipe(first, second));
        (
            Self {
                incoming: back.clone(),
                outgoing: forth.clone(),
            },
            Self {
                incoming: forth,
                outgoing: back,
            },
        )
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = lock(&self.incoming.state);
        if state.bytes.is_empty() {
            return if state.closed {
                Ok(0)
            } else {
                Err(ErrorKind::WouldBlock.into())
            };
        }
        let count = state.bytes.read(buffer)?;
        drop(state);
        self.incoming.writer.wake_waiters();
        Ok(count)
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = lock(&self.outgoing.state);
        if state.closed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let mut written = 0;
        for slice in slices {
            let count = slice.len().min(MEMORY_PIPE_BYTES - state.bytes.len());
            state.bytes.extend(&slice[..count]);
            written += count;
        }
        drop(state);
        if written == 0 && slices.iter().any(|slice| !slice.is_empty()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.outgoing.reader.wake_waiters();
        Ok(written)
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        self.incoming.close();
        self.outgoing.close();
    }
}
