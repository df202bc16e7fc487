//! What the head tells the members of the last stage about a new sequence.

use crate::options::{Constraint, SamplingOptions, TokenBias};

/// Version of the layout.
const REGISTRATION_VERSION: u32 = 2;

/// Bounds that a decoder enforces before it allocates, and the head before it sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RegistrationLimits {
    /// Most tokens of a log.
    pub(crate) context_length: u32,
}

/// Most entries of a logit bias.
pub(crate) const MAXIMUM_BIASES: usize = 1024;
/// Longest specification of a constraint, in bytes.
pub(crate) const MAXIMUM_SPECIFICATION_BYTES: usize = 1 << 20;
/// Longest name of a kind of constraint, in bytes.
pub(crate) const MAXIMUM_KIND_BYTES: usize = 64;

/// Sent to every member of the last stage before the first step of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Registration {
    pub(crate) sampling_id: u64,
    /// Forgotten when this slot is freed.
    pub(crate) slot: u32,
    /// Draws of the choices of one request differ by this.
    pub(crate) choice: u32,
    pub(crate) options: SamplingOptions,
    /// Tokens of the log that belong to the prompt.
    pub(crate) prompt_length: u32,
    /// The token log so far; empty where nothing depends on it ([`SamplingOptions::needs_log`]). What comes later is
    /// in the descriptors of the steps.
    pub(crate) log: Vec<u32>,
}

impl Registration {
    /// Little-endian: version, id, slot, choice, a bit for each optional number that is there, the numbers in the order
    /// of [`numbers`] with 0 for those that are not, seed, prompt length; then, each after its count: the log, the
    /// biases (token, bias), the kind of the constraint and its specification (both empty for none).
    pub(crate) fn encode(&self) -> Vec<u8> {
        let options = &self.options;
        let mut bytes = Vec::with_capacity(128 + 4 * self.log.len() + 8 * options.logit_bias.len());
        let numbers = numbers(options);
        let present = numbers.iter().enumerate().map(|(bit, number)| match number {
            Some(_) => 1_u32 << bit,
            None => 0,
        });
        put(&mut bytes, REGISTRATION_VERSION);
        bytes.extend_from_slice(&self.sampling_id.to_le_bytes());
        put(&mut bytes, self.slot);
        put(&mut bytes, self.choice);
        put(&mut bytes, present.sum());
        for number in numbers {
            bytes.extend_from_slice(&number.unwrap_or(0.0).to_le_bytes());
        }
        bytes.extend_from_slice(&options.seed.to_le_bytes());
        put(&mut bytes, self.prompt_length);
        put(&mut bytes, self.log.len() as u32);
        self.log.iter().for_each(|token| put(&mut bytes, *token));
        put(&mut bytes, options.logit_bias.len() as u32);
        for TokenBias { token, bias } in &options.logit_bias {
            put(&mut bytes, *token);
            bytes.extend_from_slice(&bias.to_le_bytes());
        }
        let (kind, specification) = match &options.constraint {
            Some(constraint) => (constraint.kind.as_str(), constraint.specification.as_str()),
            None => ("", ""),
        };
        for text in [kind, specification] {
            put(&mut bytes, text.len() as u32);
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// Nothing for bytes that are not exactly one registration within the limits.
    pub(crate) fn decode(bytes: &[u8], limits: &RegistrationLimits) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        if bytes.word()? != REGISTRATION_VERSION {
            return None;
        }
        let sampling_id = bytes.long()?;
        let (slot, choice, present) = (bytes.word()?, bytes.word()?, bytes.word()?);
        let mut numbers = [None; NUMBERS];
        for (bit, number) in numbers.iter_mut().enumerate() {
            let value = f64::from_bits(bytes.long()?);
            *number = (present & 1 << bit != 0).then_some(value);
        }
        let seed = bytes.long()?;
        let prompt_length = bytes.word()?;
        let log_length = bytes.count(limits.context_length as usize, 4)?;
        let log = (0..log_length).map(|_| bytes.word()).collect::<Option<Vec<u32>>>()?;
        let bias_count = bytes.count(MAXIMUM_BIASES, 8)?;
        let bias = |bytes: &mut Bytes<'_>| {
            Some(TokenBias {
                token: bytes.word()?,
                bias: f32::from_bits(bytes.word()?),
            })
        };
        let logit_bias = (0..bias_count).map(|_| bias(&mut bytes)).collect::<Option<Vec<_>>>()?;
        let kind = bytes.text(MAXIMUM_KIND_BYTES)?;
        let specification = bytes.text(MAXIMUM_SPECIFICATION_BYTES)?;
        let options = SamplingOptions {
            logit_bias,
            constraint: (!kind.is_empty()).then_some(Constraint { kind, specification }),
            seed,
            ..options_of(numbers)?
        };
        let valid = bytes.0.is_empty() && options.problem().is_none() && prompt_length <= limits.context_length;
        valid.then_some(Self {
            sampling_id,
            slot,
            choice,
            options,
            prompt_length,
            log,
        })
    }
}

const NUMBERS: usize = 8;

/// The optional numbers in their order on the wire; all are exact in double precision.
fn numbers(options: &SamplingOptions) -> [Option<f64>; NUMBERS] {
    [
        Some(options.temperature),
        options.top_k.map(f64::from),
        options.top_p,
        options.min_p,
        options.repetition_penalty,
        options.presence_penalty,
        options.frequency_penalty,
        options.log_probabilities.map(f64::from),
    ]
}

fn options_of(numbers: [Option<f64>; NUMBERS]) -> Option<SamplingOptions> {
    let [
        temperature,
        top_k,
        top_p,
        min_p,
        repetition_penalty,
        presence_penalty,
        frequency_penalty,
        log_probabilities,
    ] = numbers;
    // Whole numbers of 32 bits, or nothing at all.
    let whole = |number: Option<f64>| match number {
        Some(number) if number == f64::from(number as u32) => Some(Some(number as u32)),
        Some(_) => None,
        None => Some(None),
    };
    Some(SamplingOptions {
        temperature: temperature?,
        top_k: whole(top_k)?,
        top_p,
        min_p,
        repetition_penalty,
        presence_penalty,
        frequency_penalty,
        log_probabilities: whole(log_probabilities)?,
        ..SamplingOptions::default()
    })
}

fn put(bytes: &mut Vec<u8>, word: u32) {
    bytes.extend_from_slice(&word.to_le_bytes());
}

/// What is left to be read.
struct Bytes<'bytes>(&'bytes [u8]);

impl<'bytes> Bytes<'bytes> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn word(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A count of elements that is within the limit and the bytes that are left.
    fn count(&mut self, limit: usize, element_bytes: usize) -> Option<usize> {
        let count = self.word()? as usize;
        (count <= limit && count <= self.0.len() / element_bytes).then_some(count)
    }

    fn text(&mut self, limit: usize) -> Option<String> {
        let length = self.count(limit, 1)?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::philox::philox_uniform;

    const LIMITS: RegistrationLimits = RegistrationLimits { context_length: 16 };

    fn full() -> Registration {
        Registration {
            sampling_id: 1 << 40,
            slot: 3,
            choice: 2,
            options: SamplingOptions {
                temperature: 0.7,
                top_k: Some(u32::MAX),
                top_p: None,
                min_p: Some(0.05),
                repetition_penalty: Some(1.1),
                presence_penalty: Some(-2.0),
                frequency_penalty: Some(0.5),
                logit_bias: vec![TokenBias { token: 7, bias: -100.0 }, TokenBias { token: 0, bias: 0.5 }],
                constraint: Some(Constraint {
                    kind: "allowed-tokens".to_owned(),
                    specification: "[1, 2]".to_owned(),
                }),
                log_probabilities: Some(5),
                seed: u64::MAX,
            },
            prompt_length: 2,
            log: vec![5, 6, u32::MAX],
        }
    }

    #[test]
    fn registrations_survive_the_wire() {
        let plain = Registration {
            sampling_id: 0,
            slot: 0,
            choice: 0,
            options: SamplingOptions::default(),
            prompt_length: 0,
            log: Vec::new(),
        };
        for registration in [full(), plain] {
            assert_eq!(
                Registration::decode(&registration.encode(), &LIMITS),
                Some(registration)
            );
        }
    }

    #[test]
    fn what_is_beyond_a_limit_or_wrong_is_refused() {
        let mut long = full();
        long.log = vec![1; 17];
        let mut biased = full();
        biased.options.logit_bias = vec![TokenBias { token: 1, bias: 1.0 }; MAXIMUM_BIASES + 1];
        let mut unreal = full();
        unreal.options.temperature = f64::NAN;
        let mut promising = full();
        promising.prompt_length = 17;
        for registration in [long, biased, unreal, promising] {
            assert_eq!(Registration::decode(&registration.encode(), &LIMITS), None);
        }
        let mut versioned = full().encode();
        versioned[0] = 1;
        assert_eq!(Registration::decode(&versioned, &LIMITS), None);
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        let bytes = full().encode();
        for length in 0..bytes.len() {
            assert_eq!(Registration::decode(&bytes[..length], &LIMITS), None, "{length} bytes");
        }
        assert_eq!(Registration::decode(&[bytes.clone(), vec![0]].concat(), &LIMITS), None);
        for round in 0..20_000 {
            let mut mutated = bytes.clone();
            for change in 0..1 + round % 4 {
                let at = (philox_uniform(round, 2 * change) * mutated.len() as f64) as usize;
                mutated[at] = (philox_uniform(round, 2 * change + 1) * 256.0) as u8;
            }
            // What is accepted is within the limits and encodes to the same bytes again.
            if let Some(registration) = Registration::decode(&mutated, &LIMITS) {
                assert!(registration.log.len() <= 16 && registration.options.problem().is_none());
                let again = Registration::decode(&registration.encode(), &LIMITS);
                assert_eq!(again, Some(registration));
            }
        }
    }
}
