//! The data plane in C: a listener whose endpoint travels to the peers, then a mesh.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use shoal_abi::Status;
use shoal_fabric::Mesh;

use super::border::{ErrorText, border, copy_whole, quiet_border, read, write};
use super::exit;
use super::pending::Pending;
use crate::error::Failure;
use crate::fabric::{MemberListener, establish, peer_states, read_json};
use crate::numbered::Numbered;

/// Bound sockets of one member.
pub type Listener = u64;

/// Authenticated channels of one member to all others; may still be connecting.
pub type MeshHandle = u64;

/// How long closing a mesh waits for a connect that is under way to notice.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// A mesh, and what stops its connecting.
pub struct Connecting {
    mesh: Arc<Pending<Mesh>>,
    listener: Arc<MemberListener>,
}

static LISTENERS: Numbered<MemberListener> = Numbered::new();
static MESHES: Numbered<Connecting> = Numbered::new();

fn listener_of(number: Listener) -> Result<Arc<MemberListener>, Failure> {
    LISTENERS.get(number).ok_or_else(|| {
        let message = format!("there is no open listener with the number {number}");
        Failure::new("TRANSPORT_CLOSED", message)
    })
}

fn connecting_of(number: MeshHandle) -> Result<Arc<Connecting>, Failure> {
    MESHES.get(number).ok_or_else(|| {
        let message = format!("there is no open mesh with the number {number}");
        Failure::new("TRANSPORT_CLOSED", message)
    })
}

/// The mesh with a number, which must be connected.
pub fn mesh_of(number: MeshHandle) -> Result<Arc<Mesh>, Failure> {
    connecting_of(number)?.mesh.wait(Duration::ZERO)?.ok_or_else(|| {
        let message = format!("mesh {number} is still connecting: wait for it with shoal_mesh_wait");
        Failure::new("TRANSPORT_UNAVAILABLE", message)
    })
}

/// Binds the sockets of one member for one mesh. `options` is the JSON of `ListenOptions` of `index.d.ts`.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_listener_bind(
    options: *const c_char,
    options_length: usize,
    listener: *mut Listener,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        // SAFETY: as above.
        let options = unsafe { read("options of the listener", options, options_length)? };
        let bound = MemberListener::bind(read_json("options of the listener", options)?)?;
        let number = LISTENERS.insert(Arc::new(bound));
        // SAFETY: as above.
        unsafe { write("listener", listener, number) }.inspect_err(|_| drop(LISTENERS.remove(number)))
    })
}

/// Writes what the peers must be told, as JSON.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_listener_endpoint(
    listener: Listener,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        let listener = listener_of(listener)?;
        // SAFETY: as above.
        unsafe { copy_whole("the endpoint", listener.endpoint(), buffer, capacity, length) }
    })
}

/// Stops listening and gives up a connect that is under way. Closing twice does nothing; a mesh that is connected goes
/// on.
#[unsafe(no_mangle)]
pub extern "C" fn shoal_listener_close(listener: Listener) {
    quiet_border(|| {
        if let Some(listener) = LISTENERS.remove(listener) {
            listener.close();
        }
    });
}

/// Starts connecting to all peers and returns at once; uses the listener's sockets up. `peers` is the JSON of
/// `MemberEndpoint[]`, in which an entry for this member is ignored.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_mesh_connect(
    listener: Listener,
    peers: *const c_char,
    peers_length: usize,
    deadline_milliseconds: u32,
    mesh: *mut MeshHandle,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        let listener = listener_of(listener)?;
        // SAFETY: as above.
        let peers = unsafe { read("peers", peers, peers_length)? };
        // Tried before sockets are used up for a result that nobody can be told of.
        // SAFETY: as above.
        unsafe { write("mesh", mesh, 0)? };
        exit::prepare();
        let config = listener.mesh_config(peers, Duration::from_millis(u64::from(deadline_milliseconds)))?;
        let connecting = Connecting {
            mesh: Pending::start(&listener.thread_name(), move || establish(config))?,
            listener,
        };
        // SAFETY: as above.
        unsafe { write("mesh", mesh, MESHES.insert(Arc::new(connecting))) }
    })
}

/// Waits for a mesh at most so long (0 only looks) and writes 1 when it is connected, 0 when it is not yet. Fails with
/// what the connect failed with.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_mesh_wait(
    mesh: MeshHandle,
    limit_milliseconds: u32,
    is_connected: *mut u32,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        let limit = Duration::from_millis(u64::from(limit_milliseconds));
        let connected = connecting_of(mesh)?.mesh.wait(limit)?;
        // SAFETY: as above.
        unsafe { write("answer", is_connected, u32::from(connected.is_some())) }
    })
}

/// Writes what is known of all other members now, as the JSON of `PeerState[]`.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_mesh_peer_states(
    mesh: MeshHandle,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        let states = peer_states(&*mesh_of(mesh)?)?;
        let json = serde_json::to_string(&states).map_err(|error| Failure::new("INTERNAL", error.to_string()))?;
        // SAFETY: as above.
        unsafe { copy_whole("the peers' state", &json, buffer, capacity, length) }
    })
}

/// Says goodbye to the peers, or gives up connecting. A member that uses the mesh keeps it until the member closes.
/// Waits for peers a few seconds at most. Closing twice does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn shoal_mesh_close(mesh: MeshHandle) {
    quiet_border(|| {
        if let Some(connecting) = MESHES.remove(mesh) {
            close(&connecting);
        }
    });
}

fn close(connecting: &Connecting) {
    connecting.listener.close();
    drop(connecting.mesh.close(CLOSE_LIMIT));
}

/// Closes everything of this kind, for the end of the process. To the peers this is a loss.
pub fn close_all() {
    for listener in LISTENERS.take_all() {
        listener.close();
    }
    for connecting in MESHES.take_all() {
        connecting.listener.close();
        if let Some(mesh) = connecting.mesh.close(Duration::from_secs(1)) {
            mesh.abort("its process ended");
        }
    }
}
