//! What the members of the last stage know about the sequences that are sampled.

use std::collections::BTreeMap;

use super::mask::TokenMaskFactories;
use super::registration::Registration;
use super::sequence::Sequence;
use crate::error::EngineError;

/// The sequences that are in slots, by their sampling ids.
#[derive(Debug)]
pub(crate) struct Registry {
    sequences: BTreeMap<u64, Sequence>,
    masks: TokenMaskFactories,
    vocabulary: u32,
}

impl Registry {
    pub(crate) fn new(masks: TokenMaskFactories, vocabulary: u32) -> Self {
        Self {
            sequences: BTreeMap::new(),
            masks,
            vocabulary,
        }
    }

    pub(crate) fn insert(&mut self, registration: Registration) -> Result<(), EngineError> {
        let sampling_id = registration.sampling_id;
        let sequence = Sequence::new(registration, &self.masks, self.vocabulary)?;
        self.sequences.insert(sampling_id, sequence);
        Ok(())
    }

    pub(crate) fn get(&mut self, sampling_id: u64) -> Option<&mut Sequence> {
        self.sequences.get_mut(&sampling_id)
    }

    pub(crate) fn free_slot(&mut self, slot: u32) {
        self.sequences.retain(|_, sequence| sequence.slot() != slot);
    }

    /// Keeps the first `length` tokens of the sequence in a slot.
    pub(crate) fn truncate_slot(&mut self, slot: u32, length: u32) -> Result<(), EngineError> {
        for sequence in self.sequences.values_mut().filter(|sequence| sequence.slot() == slot) {
            sequence.truncate(length as usize, &self.masks, self.vocabulary)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SamplingOptions;

    #[test]
    fn a_sequence_is_forgotten_with_its_slot() {
        let mut registry = Registry::new(TokenMaskFactories::built_in(), 10);
        for (sampling_id, slot) in [(1 << 40, 3), (2, 1)] {
            let registration = Registration {
                sampling_id,
                slot,
                choice: 0,
                options: SamplingOptions::default(),
                prompt_length: 0,
                log: Vec::new(),
            };
            registry.insert(registration).unwrap();
        }
        registry.free_slot(2);
        assert!(registry.get(1 << 40).is_some());
        registry.free_slot(3);
        assert!(registry.get(1 << 40).is_none() && registry.get(2).is_some());
        registry.truncate_slot(1, 0).unwrap();
    }
}
