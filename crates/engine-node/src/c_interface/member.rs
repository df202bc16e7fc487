//! Members in C: loading one, asking it for tokens, fetching its events.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use shoal_abi::Status;
use shoal_abi::channel::ChannelTable;
use shoal_engine::{EngineRequest, Member};
use shoal_fabric::AbortFlag;

use super::border::{ErrorText, border, copy_whole, quiet_border, read, slice, write};
use super::device::{Device, device_of};
use super::event_queue::EventQueue;
use super::exit;
use super::fabric::{MeshHandle, mesh_of};
use super::pending::Pending;
use crate::error::Failure;
use crate::fabric::read_json;
use crate::member::{Connection, Load, MemberObjects};
use crate::numbered::Numbered;

/// A member; may still be loading.
pub type MemberHandle = u64;

/// How long closing a member waits for a load that is under way to notice, which it does with the next weight.
const CLOSE_LIMIT: Duration = Duration::from_secs(60);

/// A member, what stops its load, and its events.
struct Owned {
    member: Arc<Pending<Member>>,
    events: Arc<EventQueue>,
    abort: AbortFlag,
}

static MEMBERS: Numbered<Owned> = Numbered::new();

fn owned(number: MemberHandle) -> Result<Arc<Owned>, Failure> {
    MEMBERS.get(number).ok_or_else(|| {
        let message = format!("there is no open member with the number {number}");
        Failure::new("INSTANCE_NOT_FOUND", message)
    })
}

impl Owned {
    fn loaded(&self) -> Result<Arc<Member>, Failure> {
        let member = self.member.wait(Duration::ZERO)?;
        member.ok_or_else(|| {
            let message = "the member is still loading: wait for it with shoal_member_wait";
            Failure::new("INSTANCE_NOT_FOUND", message)
        })
    }

    fn close(&self) {
        self.abort.raise();
        if let Some(member) = self.member.close(CLOSE_LIMIT) {
            member.close();
        }
        self.events.end(Failure::new("ENGINE_ABORTED", "the member was closed"));
    }
}

/// Starts loading a member on threads of its own and returns at once; `shoal_member_wait` tells when it is ready, and
/// `shoal_member_next_event` of its progress.
///
/// `options` is the JSON that `createMember` of `index.d.ts` takes: `credentials`, `self`, `stageSizes`, `program`,
/// `modelDirectory`, `slotCount`, `contextLength`, `stateStorage`, `maximumStepTokens`, and perhaps `queueCapacity` and
/// `stepDeadlineMilliseconds`. `mesh` is 0 for a member on its own and for one with `channels`: tables of any library,
/// one for each other member. Device, mesh and channels may be given up afterwards: the member keeps what it needs.
///
/// # Safety
/// Pointers are null or valid for their lengths; `channels` are live tables.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_member_load(
    device: Device,
    mesh: MeshHandle,
    channels: *const *const ChannelTable,
    channel_count: usize,
    options: *const c_char,
    options_length: usize,
    member: *mut MemberHandle,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        // SAFETY: as above.
        let (options, channels) = unsafe {
            (
                read("options of the member", options, options_length)?,
                slice("channels", channels, channel_count)?,
            )
        };
        let objects = MemberObjects {
            device: device_of(device)?.share()?,
            connection: match mesh {
                // SAFETY: the caller promises live tables.
                0 => unsafe { Connection::from_tables(channels.iter().copied())? },
                mesh => Connection::Mesh(mesh_of(mesh)?),
            },
        };
        let load = Load::parse(options, objects)?;
        // Tried before a thread is started for a result that nobody can be told of.
        // SAFETY: as above.
        unsafe { write("member", member, 0)? };
        exit::prepare();
        let (events, abort) = (Arc::new(EventQueue::default()), AbortFlag::new());
        let (heard, raised) = (events.clone(), abort.clone());
        let pending = Pending::start(&load.thread_name(), move || {
            let told = heard.clone();
            let started = load
                .options(raised, Arc::new(move |event| told.push(event)))
                .and_then(|options| Member::start(options).map_err(Failure::from));
            started.inspect_err(|failure| heard.end(failure.clone()))
        })?;
        let owned = Owned {
            member: pending,
            events,
            abort,
        };
        // SAFETY: as above.
        unsafe { write("member", member, MEMBERS.insert(Arc::new(owned))) }
    })
}

/// Waits for a member at most so long (0 only looks) and writes 1 when it is loaded, 0 when it is not yet. Fails with
/// what the load failed with.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_member_wait(
    member: MemberHandle,
    limit_milliseconds: u32,
    is_loaded: *mut u32,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        let limit = Duration::from_millis(u64::from(limit_milliseconds));
        let loaded = owned(member)?.member.wait(limit)?;
        // SAFETY: as above.
        unsafe { write("answer", is_loaded, u32::from(loaded.is_some())) }
    })
}

/// Starts a generation; its events follow. `request` is the JSON of `EngineRequest` without `promptTokens`: `{"id": 1,
/// "maximumTokens": 16, "stopTokens": [2], "sampling": {"temperature": 0, "seed": 0}}`. For the head only, which is
/// stage 0, member 0.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_member_submit(
    member: MemberHandle,
    request: *const c_char,
    request_length: usize,
    prompt_tokens: *const u32,
    prompt_token_count: usize,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        // SAFETY: as above.
        let (request, prompt_tokens) = unsafe {
            (
                read("request", request, request_length)?,
                slice("prompt", prompt_tokens, prompt_token_count)?,
            )
        };
        let request: EngineRequest = read_json("request", request)?;
        let request = EngineRequest {
            prompt_tokens: prompt_tokens.to_vec(),
            ..request
        };
        owned(member)?.loaded()?.submit(request).map_err(Failure::from)
    })
}

/// Ends a generation within one step; `request-finished` follows, unless it has ended already.
///
/// # Safety
/// `error` is null or points to `error_capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_member_cancel(
    member: MemberHandle,
    request_id: u64,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        owned(member)?.loaded()?.cancel(request_id);
        Ok(())
    })
}

/// Fetches the oldest event that was not fetched, waiting for one at most so long (0 only looks). `EngineEvent` of
/// `@shoal/core` as JSON; `length` 0 when none came. An event that does not fit stays: `ARGUMENT_INVALID`, and `length`
/// says what it needs.
///
/// After the last event of a member that failed, or was closed, this fails with the reason, at once.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_member_next_event(
    member: MemberHandle,
    limit_milliseconds: u32,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        // SAFETY: as above.
        unsafe { write("length", length, 0)? };
        let limit = Duration::from_millis(u64::from(limit_milliseconds));
        owned(member)?.events.next(limit, |event| {
            // SAFETY: as above.
            unsafe { copy_whole("the event", event, buffer, capacity, length) }
        })?;
        Ok(())
    })
}

/// Writes the counters as the JSON of `MemberStatistics` of `@shoal/core`.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_member_statistics(
    member: MemberHandle,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        let json = owned(member)?.loaded()?.statistics().to_json();
        // SAFETY: as above.
        unsafe { copy_whole("the statistics", &json, buffer, capacity, length) }
    })
}

/// Writes the answers that a head works on, and those that ended lately, as a JSON list of `AnswerProgress` of
/// `@shoal/core`: at most 128 KiB. The list of another member is empty.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_member_answers(
    member: MemberHandle,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        let json = owned(member)?.loaded()?.answers();
        // SAFETY: as above.
        unsafe { copy_whole("the list of answers", &json, buffer, capacity, length) }
    })
}

/// Ends a member, or its load: waits for the running step, tells the peers goodbye and frees everything. Who waits for
/// an event of it is woken with `ENGINE_ABORTED`. Closing twice does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn shoal_member_close(member: MemberHandle) {
    quiet_border(|| {
        if let Some(owned) = MEMBERS.remove(member) {
            owned.close();
        }
    });
}

/// Closes all members, for the end of the process.
pub fn close_all() {
    for owned in MEMBERS.take_all() {
        owned.close();
    }
}
