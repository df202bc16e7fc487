//! Checkpoint reading: safetensors index, byte ranges, weight expressions.
//!
//! A [`Checkpoint`] maps the files of a folder into memory after checking every header; nothing is read before it is
//! asked for. [`ProgramWeights`] resolves the weight expressions of a member program to strided views of tensors and
//! gives their rows in any storage type: bytes that are stored as they are wanted are copied, all else goes through
//! F32. Only the pages that the asked rows touch are read, so a member reads its share and no more.

mod blocks;
mod checkpoint;
mod convert;
mod error;
mod fill;
mod quantize;
mod round;
mod safetensors;
mod source;
mod view;
mod writer;

pub use checkpoint::{Checkpoint, Tensor};
pub use convert::{Conversion, convert_checkpoint};
pub use error::{ErrorCode, WeightError};
pub use quantize::{decode_row, encode_row};
pub use round::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};
pub use safetensors::{ElementType, LARGEST_HEADER_BYTES};
pub use source::ProgramWeights;
pub use writer::{SafetensorsWriter, TensorDeclaration};
