//! Uses a channel through its table alone, as an engine of another library would: for the tests of transports.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{BigInt, Object, Uint8Array};
use napi_derive::napi;
use shoal_abi::channel::{ChannelStatistics, ChannelTable, WaitEntry};
use shoal_abi::{ErrorCode, Status};
use shoal_fabric::export_table;

use crate::error::{Code, Failure, border};
use crate::fabric::{MemberAddress, mesh_of};
use crate::promise;

/// One reference to a table.
struct Reference(*const ChannelTable);

// SAFETY: the rules of `ChannelTable` let every function be called from any thread, also at the same time.
unsafe impl Send for Reference {}
// SAFETY: as above.
unsafe impl Sync for Reference {}

impl Drop for Reference {
    fn drop(&mut self) {
        let table = *self.table();
        // SAFETY: gives back the one reference that this value holds.
        unsafe { (table.release)(table.context) };
    }
}

impl Reference {
    fn table(&self) -> &ChannelTable {
        // SAFETY: the reference keeps the table alive.
        unsafe { &*self.0 }
    }

    fn failure(&self, status: Status) -> Failure {
        let table = self.table();
        let mut text = [0_u8; 512];
        // SAFETY: 512 bytes of our own.
        let length = unsafe { (table.last_error)(table.context, text.as_mut_ptr(), text.len() as u64) };
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(text.len());
        let code = status.error().unwrap_or(ErrorCode::UnknownStatus);
        let message = match code {
            ErrorCode::TransportTimeout => "nothing came in time".to_owned(),
            _ => String::from_utf8_lossy(&text[..length]).into_owned(),
        };
        Failure::new(code.name(), message)
    }

    fn checked(&self, status: Status) -> Result<(), Failure> {
        match status {
            Status::OK => Ok(()),
            status => Err(self.failure(status)),
        }
    }

    fn post_receive(&self, tag: u64, bytes: &mut [u8]) -> Result<u64, Failure> {
        let (table, mut operation) = (self.table(), 0);
        // SAFETY: a living table; every caller keeps the memory until the operation is reported or cancelled.
        self.checked(unsafe {
            (table.post_receive)(
                table.context,
                tag,
                bytes.as_mut_ptr(),
                bytes.len() as u64,
                &raw mut operation,
            )
        })?;
        Ok(operation)
    }

    fn cancel(&self, operation: u64) {
        let table = self.table();
        // SAFETY: a living table. An error is that the operation has ended already.
        let _ = unsafe { (table.cancel)(table.context, operation) };
    }

    fn post_send(&self, tag: u64, bytes: &[u8]) -> Result<u64, Failure> {
        let (table, mut operation) = (self.table(), 0);
        // SAFETY: a living table; every caller keeps the memory until the operation is reported or cancelled.
        self.checked(unsafe {
            (table.post_send)(
                table.context,
                tag,
                bytes.as_ptr(),
                bytes.len() as u64,
                &raw mut operation,
            )
        })?;
        Ok(operation)
    }

    /// Waits for one operation and returns its length; one that fails or takes too long is given up.
    fn finish(&self, operation: u64, limit: Duration) -> Result<usize, Failure> {
        wait_any(&[(self, operation)], limit)
            .map(|(_, length)| length)
            .inspect_err(|_| self.cancel(operation))
    }
}

/// Index and length of the first operation that ends well.
fn wait_any(set: &[(&Reference, u64)], limit: Duration) -> Result<(usize, usize), Failure> {
    let entries: Vec<WaitEntry> = set
        .iter()
        .map(|(reference, operation)| WaitEntry {
            table: reference.0,
            operation: *operation,
        })
        .collect();
    let Some((first, _)) = set.first() else {
        return Err(Failure::argument("there is nothing to wait for"));
    };
    let nanoseconds = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX - 1);
    let (mut index, mut length) = (0, 0);
    // SAFETY: living tables and two places to write to.
    first.checked(unsafe {
        (first.table().wait_any)(
            entries.as_ptr(),
            entries.len() as u64,
            nanoseconds,
            &raw mut index,
            &raw mut length,
        )
    })?;
    Ok((
        usize::try_from(index).unwrap_or(usize::MAX),
        usize::try_from(length).unwrap_or(usize::MAX),
    ))
}

/// The other members of a mesh.
#[napi]
pub fn mesh_peers(mesh: BigInt) -> napi::Result<Vec<MemberAddress>, Code> {
    border(|| {
        let mesh = mesh_of(number("mesh", &mesh)?)?;
        Ok(mesh.peers().map(MemberAddress::from).collect())
    })
}

/// A channel in use.
#[napi]
pub struct ChannelProbe {
    reference: Mutex<Option<Arc<Reference>>>,
}

/// What a table says of itself.
#[napi(object)]
pub struct ChannelFacts {
    /// Stage of the peer.
    pub stage: u16,
    /// Rank of the peer within its stage.
    pub member: u16,
    /// Every message arrives, or the channel reports an error.
    pub reliable: bool,
    /// Messages of one tag arrive in order.
    pub ordered: bool,
    /// Longest message.
    pub largest_message_bytes: f64,
}

/// Counters of a channel.
#[napi(object)]
pub struct ChannelCounters {
    /// Bytes handed over, headers included.
    pub sent_bytes: f64,
    /// Bytes taken, headers included.
    pub received_bytes: f64,
    /// Messages sent.
    pub sent_messages: f64,
    /// Messages received.
    pub received_messages: f64,
}

impl ChannelProbe {
    fn reference(&self) -> Result<Arc<Reference>, Failure> {
        let reference = self.reference.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reference.ok_or_else(|| Failure::new("TRANSPORT_CLOSED", "the probe was closed"))
    }

    fn new(reference: Reference) -> Self {
        Self {
            reference: Mutex::new(Some(Arc::new(reference))),
        }
    }
}

#[napi]
impl ChannelProbe {
    /// A probe of the table at an address, which must be live; takes a reference of its own.
    #[napi(factory)]
    pub fn of_table(table: BigInt) -> napi::Result<Self, Code> {
        border(|| {
            let pointer = number("channel", &table)? as usize as *const ChannelTable;
            // SAFETY: the interface demands the address of a live table.
            let table = unsafe { pointer.as_ref() }
                .ok_or_else(|| Failure::new("PLUGIN_VERSION_MISMATCH", "the channel's table is null"))?;
            table
                .check()
                .map_err(|reason| Failure::new("PLUGIN_VERSION_MISMATCH", reason))?;
            // SAFETY: a live table; the reference is given back when the probe is dropped.
            unsafe { (table.retain)(table.context) };
            Ok(Self::new(Reference(pointer)))
        })
    }

    /// A probe of a mesh's channel to one peer.
    #[napi(factory)]
    pub fn of_mesh(mesh: BigInt, peer: MemberAddress) -> napi::Result<Self, Code> {
        border(|| {
            let mesh = mesh_of(number("mesh", &mesh)?)?;
            Ok(Self::new(Reference(export_table(&mesh.channel(peer.index())?))))
        })
    }

    /// What the table says of itself.
    #[napi(getter)]
    pub fn facts(&self) -> napi::Result<ChannelFacts, Code> {
        border(|| {
            let reference = self.reference()?;
            let ChannelTable { peer, capabilities, .. } = reference.table();
            Ok(ChannelFacts {
                stage: peer.stage,
                member: peer.member,
                reliable: capabilities.flags & shoal_abi::channel::CAPABILITY_RELIABLE != 0,
                ordered: capabilities.flags & shoal_abi::channel::CAPABILITY_ORDERED != 0,
                largest_message_bytes: capabilities.largest_message_bytes as f64,
            })
        })
    }

    /// Counters since the channel was opened.
    #[napi]
    pub fn statistics(&self) -> napi::Result<ChannelCounters, Code> {
        border(|| {
            let reference = self.reference()?;
            let (table, mut found) = (reference.table(), ChannelStatistics::default());
            // SAFETY: one place to write to.
            reference.checked(unsafe { (table.statistics)(table.context, &raw mut found) })?;
            Ok(ChannelCounters {
                sent_bytes: found.sent_bytes as f64,
                received_bytes: found.received_bytes as f64,
                sent_messages: found.sent_messages as f64,
                received_messages: found.received_messages as f64,
            })
        })
    }

    /// Sends a message; resolves when the channel has done with its memory. Throws what posting it says.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn send<'env>(
        &self,
        env: &'env Env,
        tag: BigInt,
        bytes: &[u8],
        deadline_milliseconds: u32,
    ) -> napi::Result<Object<'env>, Code> {
        border(|| {
            let (reference, tag, bytes) = (self.reference()?, number("tag", &tag)?, bytes.to_vec());
            let limit = Duration::from_millis(u64::from(deadline_milliseconds));
            // Posting never blocks; done here, calls keep their order.
            let operation = reference.post_send(tag, &bytes)?;
            let wait = move || {
                let outcome = reference.finish(operation, limit);
                // The channel read from this memory until now.
                drop(bytes);
                outcome
            };
            promise::spawn(env, "shoal-probe-send", wait, |_env, _| Ok(()))
        })
    }

    /// Receives the next message of a tag, of at most `capacity` bytes.
    #[napi(ts_return_type = "Promise<Uint8Array>")]
    pub fn receive<'env>(
        &self,
        env: &'env Env,
        tag: BigInt,
        capacity: u32,
        deadline_milliseconds: u32,
    ) -> napi::Result<Object<'env>, Code> {
        border(|| {
            let (reference, tag) = (self.reference()?, number("tag", &tag)?);
            let limit = Duration::from_millis(u64::from(deadline_milliseconds));
            let mut bytes = vec![0; capacity as usize];
            let operation = reference.post_receive(tag, &mut bytes)?;
            let wait = move || {
                let length = reference.finish(operation, limit)?;
                bytes.truncate(length);
                Ok(bytes)
            };
            promise::spawn(env, "shoal-probe-receive", wait, |_env, bytes| {
                Ok(Uint8Array::from(bytes))
            })
        })
    }

    /// Gives the channel up and tells the peer.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn abort<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>, Code> {
        border(|| {
            let reference = self.reference()?;
            let abort = move || {
                let table = reference.table();
                // SAFETY: a living table.
                reference.checked(unsafe { (table.abort)(table.context, ErrorCode::TransportAborted.into()) })
            };
            promise::spawn(env, "shoal-probe-abort", abort, |_env, ()| Ok(()))
        })
    }

    /// Gives the reference back. Idempotent.
    #[napi]
    pub fn close(&self) -> napi::Result<(), Code> {
        border(|| {
            drop(self.reference.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(())
        })
    }
}

/// Which channel of a set a message came from.
#[napi(object)]
pub struct FirstMessage {
    /// Index in the set.
    pub index: u32,
    /// The message.
    pub bytes: Uint8Array,
}

/// Waits for the first message of a tag on any of several channels of one library, by one `wait_any`.
#[napi(ts_return_type = "Promise<FirstMessage>")]
pub fn receive_first<'env>(
    env: &'env Env,
    probes: Vec<&ChannelProbe>,
    tag: BigInt,
    capacity: u32,
    deadline_milliseconds: u32,
) -> napi::Result<Object<'env>, Code> {
    border(|| {
        let tag = number("tag", &tag)?;
        let limit = Duration::from_millis(u64::from(deadline_milliseconds));
        let references = probes
            .iter()
            .map(|probe| probe.reference())
            .collect::<Result<Vec<_>, Failure>>()?;
        let receive = move || {
            let mut memory = vec![vec![0; capacity as usize]; references.len()];
            let mut set = Vec::with_capacity(references.len());
            let mut outcome = Ok((0, 0));
            for (reference, bytes) in references.iter().zip(&mut memory) {
                match reference.post_receive(tag, bytes) {
                    Ok(operation) => set.push((reference.as_ref(), operation)),
                    Err(failure) => outcome = Err(failure),
                }
            }
            let outcome = outcome.and_then(|_| wait_any(&set, limit));
            for (reference, operation) in &set {
                reference.cancel(*operation);
            }
            let (index, length) = outcome?;
            let mut bytes = memory.swap_remove(index);
            bytes.truncate(length);
            Ok((index, bytes))
        };
        promise::spawn(env, "shoal-probe-receive", receive, |_env, (index, bytes)| {
            Ok(FirstMessage {
                index: u32::try_from(index).unwrap_or(u32::MAX),
                bytes: Uint8Array::from(bytes),
            })
        })
    })
}

fn number(what: &str, value: &BigInt) -> Result<u64, Failure> {
    match value.get_u64() {
        (false, number, true) => Ok(number),
        _ => Err(Failure::argument(format!(
            "the {what} must be a bigint of 64 bits from 0"
        ))),
    }
}
