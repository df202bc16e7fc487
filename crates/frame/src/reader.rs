//! A cursor over bytes from the wire that cannot read past their end.

use crate::FrameError;

pub(crate) struct Reader<'bytes> {
    bytes: &'bytes [u8],
    offset: usize,
}

impl<'bytes> Reader<'bytes> {
    pub(crate) fn new(bytes: &'bytes [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let rest = &self.bytes[self.offset..];
        let Some(found) = rest.first_chunk::<N>() else {
            return Err(FrameError::Truncated {
                needed: self.offset + N,
                available: self.bytes.len(),
            });
        };
        self.offset += N;
        Ok(*found)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FrameError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FrameError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Refuses a list whose count exceeds `limit` or whose elements cannot fit in the bytes that are left, so that the
    /// caller may allocate for it.
    pub(crate) fn count(
        &mut self,
        field: &'static str,
        limit: usize,
        element_bytes: usize,
    ) -> Result<usize, FrameError> {
        let count = self.u32()? as usize;
        if count > limit {
            return Err(FrameError::TooLarge {
                field,
                value: count as u64,
                limit: limit as u64,
            });
        }
        let needed = count.saturating_mul(element_bytes);
        if needed > self.remaining() {
            return Err(FrameError::Truncated {
                needed: self.offset.saturating_add(needed),
                available: self.bytes.len(),
            });
        }
        Ok(count)
    }

    pub(crate) fn finish(self) -> Result<(), FrameError> {
        match self.remaining() {
            0 => Ok(()),
            count => Err(FrameError::TrailingBytes { count }),
        }
    }
}
