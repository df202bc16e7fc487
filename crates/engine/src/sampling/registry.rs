//! What the members of the last stage know about the sequences that are sampled.

use std::collections::BTreeMap;

use crate::options::SamplingOptions;

/// Bytes of an encoded [`Registration`].
const REGISTRATION_BYTES: usize = 56;

const HAS_TOP_K: u32 = 1;
const HAS_TOP_P: u32 = 2;
const HAS_MIN_P: u32 = 4;

/// Sent to every member of the last stage before the first step of a sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Registration {
    pub(crate) sampling_id: u64,
    /// Forgotten when this slot is freed.
    pub(crate) slot: u32,
    pub(crate) options: SamplingOptions,
}

impl Registration {
    /// Little-endian: id, slot, flags, top-k, 0, temperature, top-p, min-p, seed.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let options = &self.options;
        let flag = |present: bool, bit: u32| if present { bit } else { 0 };
        let flags = flag(options.top_k.is_some(), HAS_TOP_K)
            | flag(options.top_p.is_some(), HAS_TOP_P)
            | flag(options.min_p.is_some(), HAS_MIN_P);
        let mut bytes = Vec::with_capacity(REGISTRATION_BYTES);
        bytes.extend_from_slice(&self.sampling_id.to_le_bytes());
        for word in [self.slot, flags, options.top_k.unwrap_or(0), 0] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        for number in [
            options.temperature,
            options.top_p.unwrap_or(0.0),
            options.min_p.unwrap_or(0.0),
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&options.seed.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; REGISTRATION_BYTES] = bytes.try_into().ok()?;
        let word = |offset: usize| {
            bytes
                .get(offset..)?
                .first_chunk::<4>()
                .map(|bytes| u32::from_le_bytes(*bytes))
        };
        let long = |offset: usize| {
            bytes
                .get(offset..)?
                .first_chunk::<8>()
                .map(|bytes| u64::from_le_bytes(*bytes))
        };
        let number = |offset: usize| long(offset).map(f64::from_bits);
        let flags = word(12)?;
        let options = SamplingOptions {
            temperature: number(24)?,
            top_k: (flags & HAS_TOP_K != 0).then_some(word(16)?),
            top_p: (flags & HAS_TOP_P != 0).then_some(number(32)?),
            min_p: (flags & HAS_MIN_P != 0).then_some(number(40)?),
            seed: long(48)?,
        };
        options.problem().is_none().then_some(Self {
            sampling_id: long(0)?,
            slot: word(8)?,
            options,
        })
    }
}

/// The registrations of sequences that are in slots.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    registrations: BTreeMap<u64, Registration>,
}

impl Registry {
    pub(crate) fn insert(&mut self, registration: Registration) {
        self.registrations.insert(registration.sampling_id, registration);
    }

    pub(crate) fn get(&self, sampling_id: u64) -> Option<&SamplingOptions> {
        self.registrations
            .get(&sampling_id)
            .map(|registration| &registration.options)
    }

    pub(crate) fn free_slot(&mut self, slot: u32) {
        self.registrations.retain(|_, registration| registration.slot != slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registrations_survive_the_wire() {
        let options = SamplingOptions {
            temperature: 0.7,
            top_k: Some(40),
            top_p: None,
            min_p: Some(0.05),
            seed: u64::MAX,
        };
        let registration = Registration {
            sampling_id: 1 << 40,
            slot: 3,
            options,
        };
        assert_eq!(Registration::decode(&registration.encode()), Some(registration));
        let mut registry = Registry::default();
        registry.insert(registration);
        assert_eq!(registry.get(1 << 40), Some(&options));
        registry.free_slot(2);
        assert!(registry.get(1 << 40).is_some());
        registry.free_slot(3);
        assert!(registry.get(1 << 40).is_none());
    }

    #[test]
    fn bad_bytes_give_nothing() {
        let options = SamplingOptions::default();
        let mut bytes = Registration {
            sampling_id: 1,
            slot: 0,
            options,
        }
        .encode();
        assert!(Registration::decode(&bytes[1..]).is_none());
        bytes[24..32].copy_from_slice(&f64::NAN.to_le_bytes());
        assert!(Registration::decode(&bytes).is_none());
    }
}
