//! Safe calls through the C tables of other libraries.

use std::ptr::NonNull;

use shoal_abi::channel::{ChannelCapabilities, ChannelPeer, ChannelStatistics, ChannelTable, WaitEntry};
use shoal_abi::{ErrorCode, Status};
use shoal_frame::FrameKind;

use crate::error::FabricError;

/// The single number under which a table carries a kind and a tag.
pub(crate) fn table_tag(kind: FrameKind, tag: u64) -> u64 {
    u64::from(kind.code()) << 56 | tag
}

/// One reference to a channel table of another library.
#[derive(Debug)]
pub struct ForeignTable {
    table: NonNull<ChannelTable>,
}

// SAFETY: the rules of `ChannelTable` let every function be called from any thread, also at the same time.
unsafe impl Send for ForeignTable {}
// SAFETY: as above.
unsafe impl Sync for ForeignTable {}

impl ForeignTable {
    /// Takes over one reference to the table.
    ///
    /// # Safety
    /// `table` points to a filled [`ChannelTable`] that lives until the reference is released, which dropping the
    /// value does.
    ///
    /// # Errors
    /// The pointer is null, or the table is of a version that this build does not know; the reference is not taken.
    pub unsafe fn new(table: *const ChannelTable) -> Result<Self, FabricError> {
        let Some(pointer) = NonNull::new(table.cast_mut()) else {
            return Err(FabricError::InvalidArgument {
                reason: "the channel table is null".to_owned(),
            });
        };
        // SAFETY: the caller promises a filled table; size and version come first in all versions.
        unsafe { pointer.as_ref() }
            .check()
            .map_err(|reason| FabricError::InvalidArgument { reason })?;
        Ok(Self { table: pointer })
    }

    fn get(&self) -> &ChannelTable {
        // SAFETY: the reference that this value holds keeps the table alive.
        unsafe { self.table.as_ref() }
    }
}

/// Calls through a table.
impl ForeignTable {
    pub(crate) fn send(&self, tag: u64, bytes: *const u8, length: usize) -> Result<u64, Status> {
        let mut operation = 0;
        let table = self.get();
        // SAFETY: `context` belongs to the table. The caller keeps the memory until the operation is done or cancelled.
        let status = unsafe { (table.post_send)(table.context, tag, bytes, length as u64, &mut operation) };
        if status == Status::OK {
            Ok(operation)
        } else {
            Err(status)
        }
    }

    pub(crate) fn receive(&self, tag: u64, bytes: *mut u8, capacity: usize) -> Result<u64, Status> {
        let mut operation = 0;
        let table = self.get();
        // SAFETY: `context` belongs to the table. The caller keeps the memory until the operation is done or cancelled.
        let status = unsafe { (table.post_receive)(table.context, tag, bytes, capacity as u64, &mut operation) };
        if status == Status::OK {
            Ok(operation)
        } else {
            Err(status)
        }
    }

    /// The length of the message if the operation is done.
    pub(crate) fn poll(&self, operation: u64) -> Result<Option<usize>, Status> {
        let entry = WaitEntry {
            table: self.table.as_ptr(),
            operation,
        };
        let (mut index, mut length) = (0, 0);
        // SAFETY: one entry of a living table, and two places to write to.
        let status = unsafe { (self.get().wait_any)(&entry, 1, 0, &mut index, &mut length) };
        match status.error() {
            None => Ok(Some(usize::try_from(length).unwrap_or(usize::MAX))),
            Some(ErrorCode::TransportTimeout) => Ok(None),
            Some(_) => Err(status),
        }
    }

    pub(crate) fn cancel(&self, operation: u64) {
        let table = self.get();
        // SAFETY: `context` belongs to the table. A failure means that the operation has already ended.
        let _ = unsafe { (table.cancel)(table.context, operation) };
    }

    pub(crate) fn abort(&self) {
        let table = self.get();
        // SAFETY: `context` belongs to the table. There is nothing left to do where aborting fails.
        let _ = unsafe { (table.abort)(table.context, ErrorCode::TransportAborted.into()) };
    }

    pub(crate) fn capabilities(&self) -> ChannelCapabilities {
        self.get().capabilities
    }

    pub(crate) fn peer(&self) -> ChannelPeer {
        self.get().peer
    }

    pub(crate) fn last_error(&self) -> String {
        let mut text = [0_u8; 512];
        let table = self.get();
        // SAFETY: the library writes at most the stated capacity.
        let length = unsafe { (table.last_error)(table.context, text.as_mut_ptr(), text.len() as u64) };
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(text.len());
        String::from_utf8_lossy(&text[..length]).into_owned()
    }

    pub(crate) fn statistics(&self) -> ChannelStatistics {
        let mut statistics = ChannelStatistics::default();
        let table = self.get();
        // SAFETY: one place to write to. Where it fails, the counters stay 0.
        let _ = unsafe { (table.statistics)(table.context, &mut statistics) };
        statistics
    }
}

impl Drop for ForeignTable {
    fn drop(&mut self) {
        let table = *self.get();
        // SAFETY: this gives back the one reference that `new` took over.
        unsafe { (table.release)(table.context) };
    }
}
