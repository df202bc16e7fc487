//! Tokens on their way from the sampler to the head.
//!
//! One word a row: the token, or [`NOTHING_ALLOWED`]. Then, for each row with a token whose request asks for
//! log-probabilities: the drawn token's, the count of alternatives, and each alternative (token, log-probability).

use super::draw::Drawn;
use super::log_probability::{Alternative, TokenLogProbabilities};

/// In place of a token where the constraint leaves none. No vocabulary is that large.
const NOTHING_ALLOWED: u32 = u32::MAX;

pub(crate) fn encode_tokens(drawn: &[Drawn], into: &mut Vec<u8>) {
    into.clear();
    for drawn in drawn {
        let word = match drawn {
            Drawn::Token { token, .. } => *token,
            Drawn::NothingAllowed => NOTHING_ALLOWED,
        };
        into.extend_from_slice(&word.to_le_bytes());
    }
    for drawn in drawn {
        let Drawn::Token {
            log_probabilities: Some(log_probabilities),
            ..
        } = drawn
        else {
            continue;
        };
        into.extend_from_slice(&log_probabilities.log_probability.to_le_bytes());
        into.extend_from_slice(&(log_probabilities.alternatives.len() as u32).to_le_bytes());
        for alternative in &log_probabilities.alternatives {
            into.extend_from_slice(&alternative.token.to_le_bytes());
            into.extend_from_slice(&alternative.log_probability.to_le_bytes());
        }
    }
}

/// Reads the tokens of rows, of which each asks for that many alternatives (nothing: for no log-probabilities).
/// Nothing for bytes that are not exactly that, or a token that is not one of the vocabulary.
pub(crate) fn decode_tokens(bytes: &[u8], alternatives: &[Option<u32>], vocabulary: u32) -> Option<Vec<Drawn>> {
    let (tokens, mut rest) = bytes.split_at_checked(4 * alternatives.len())?;
    let (tokens, _) = tokens.as_chunks::<4>();
    let mut drawn = Vec::with_capacity(alternatives.len());
    for (token, alternatives) in tokens.iter().zip(alternatives) {
        drawn.push(match u32::from_le_bytes(*token) {
            NOTHING_ALLOWED => Drawn::NothingAllowed,
            token if token >= vocabulary => return None,
            token => Drawn::Token {
                token,
                log_probabilities: match alternatives {
                    Some(limit) => Some(Box::new(decode_log_probabilities(&mut rest, *limit)?)),
                    None => None,
                },
            },
        });
    }
    rest.is_empty().then_some(drawn)
}

fn decode_log_probabilities(rest: &mut &[u8], limit: u32) -> Option<TokenLogProbabilities> {
    let mut word = || {
        let (word, behind) = rest.split_first_chunk::<4>()?;
        *rest = behind;
        Some(u32::from_le_bytes(*word))
    };
    let log_probability = f32::from_bits(word()?);
    let count = word().filter(|count| *count <= limit)?;
    let mut alternative = || {
        Some(Alternative {
            token: word()?,
            log_probability: f32::from_bits(word()?),
        })
    };
    Some(TokenLogProbabilities {
        log_probability,
        alternatives: (0..count).map(|_| alternative()).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(token: u32) -> Drawn {
        Drawn::Token {
            token,
            log_probabilities: None,
        }
    }

    fn explained(token: u32, alternatives: usize) -> Drawn {
        let alternative = Alternative {
            token: 9,
            log_probability: -0.25,
        };
        Drawn::Token {
            token,
            log_probabilities: Some(Box::new(TokenLogProbabilities {
                log_probability: -1.5,
                alternatives: vec![alternative; alternatives],
            })),
        }
    }

    #[test]
    fn tokens_survive_the_wire() {
        let rows = [plain(7), explained(3, 2), Drawn::NothingAllowed, explained(0, 0)];
        let asked = [None, Some(2), Some(5), Some(0)];
        let mut bytes = Vec::new();
        encode_tokens(&rows, &mut bytes);
        assert_eq!(decode_tokens(&bytes, &asked, 8).as_deref(), Some(&rows[..]));
        for length in 0..bytes.len() {
            assert_eq!(decode_tokens(&bytes[..length], &asked, 8), None);
        }
        assert_eq!(decode_tokens(&bytes, &[None, Some(1), Some(5), Some(0)], 8), None);
        assert_eq!(decode_tokens(&bytes, &asked[..3], 8), None);
        assert_eq!(decode_tokens(&bytes, &asked, 7), None, "token 7 of a vocabulary of 7");
        bytes.push(0);
        assert_eq!(decode_tokens(&bytes, &asked, 8), None);
    }
}
