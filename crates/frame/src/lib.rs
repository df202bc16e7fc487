//! Wire format of the data plane: fixed binary headers, no I/O.
//!
//! A frame is a [`FrameHeader`] of [`HEADER_BYTES`] bytes followed by `header.length` bytes of payload. All integers
//! are little-endian. The only structured payload that this crate defines is the [`StepDescriptor`]; activations,
//! collectives and weight bytes are raw.
//!
//! Every decoder here is total: any byte string gives a value or a [`FrameError`], never a panic and never an
//! allocation that is larger than its stated limit.
//!
//! ```
//! use shoal_frame::{FrameHeader, FrameKind, HEADER_BYTES};
//!
//! let header = FrameHeader { step: 7, length: 3, ..FrameHeader::new(FrameKind::Token) };
//! let bytes: [u8; HEADER_BYTES] = header.encode();
//! assert_eq!(FrameHeader::decode(&bytes, 1024), Ok(header));
//! ```

mod error;
mod header;
mod reader;
mod step;

pub use error::FrameError;
pub use header::{FRAME_MAGIC, FRAME_VERSION, FrameHeader, FrameKind, HEADER_BYTES};
pub use step::{SequenceStep, SlotOperation, StepDescriptor, StepLimits};
