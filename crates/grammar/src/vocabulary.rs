//! The bytes of each token, and which tokens end a text, from the files of a model. The same rules as those of
//! `core/src/model/token-pieces.ts`, which turn tokens into text.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Marks the bytes of a special token, which no text has.
const SPECIAL_TOKEN_MARKER: u8 = 0xff;

/// Tokens of a model.
#[derive(Debug)]
pub struct Vocabulary {
    /// Bytes by id; empty for an id that nothing uses.
    pub tokens: Vec<Vec<u8>>,
    /// End-of-text tokens; never empty.
    pub ends: Vec<u32>,
}

impl Vocabulary {
    /// Reads `tokenizer.json` and the configurations beside it. `count` is the number of tokens that have a logit.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn read(directory: &Path, count: u32) -> Result<Self, String> {
        let tokenizer = read_json(directory, "tokenizer.json")?.ok_or("the model has no tokenizer.json")?;
        let tokens = token_bytes(&tokenizer, count)?;
        let ends = end_tokens(directory, &tokens)?;
        if ends.is_empty() {
            return Err("the model's files name no end-of-text token, so that an answer could not end".to_owned());
        }
        Ok(Self { tokens, ends })
    }
}

fn read_json(directory: &Path, name: &str) -> Result<Option<Value>, String> {
    let text = match fs::read(directory.join(name)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{name} cannot be read: {error}")),
    };
    let value = serde_json::from_slice(&text).map_err(|error| format!("{name} is not JSON: {error}"))?;
    Ok(Some(value))
}

fn token_bytes(tokenizer: &Value, count: u32) -> Result<Vec<Vec<u8>>, String> {
    let spelling = Spelling::of(&tokenizer["decoder"])?;
    let mut tokens = vec![Vec::new(); count as usize];
    let vocabulary = tokenizer["model"]["vocab"]
        .as_object()
        .ok_or("tokenizer.json has no vocabulary")?;
    for (token, id) in vocabulary {
        // Ids beyond the logits are never drawn.
        if let Some(place) = id.as_u64().and_then(|id| tokens.get_mut(usize::try_from(id).ok()?)) {
            *place = spelling.bytes(token);
        }
    }
    for added in tokenizer["added_tokens"].as_array().into_iter().flatten() {
        let (Some(id), Some(content)) = (added["id"].as_u64(), added["content"].as_str()) else {
            continue;
        };
        let Some(place) = usize::try_from(id).ok().and_then(|id| tokens.get_mut(id)) else {
            continue;
        };
        let mut bytes = Vec::with_capacity(content.len() + 1);
        if added["special"].as_bool() == Some(true) {
            bytes.push(SPECIAL_TOKEN_MARKER);
        }
        // Added tokens are written as they are, never in the alphabet of bytes.
        bytes.extend_from_slice(content.as_bytes());
        *place = bytes;
    }
    Ok(tokens)
}

/// How a tokenizer writes bytes.
struct Spelling {
    /// Texts that stand for others: `▁` for a space.
    replacements: Vec<(String, String)>,
    kind: SpellingKind,
}

enum SpellingKind {
    Text,
    /// `<0x0A>` is a byte.
    ByteFallback,
    /// Each character is a byte.
    ByteLevel,
}

impl Spelling {
    fn of(decoder: &Value) -> Result<Self, String> {
        let mut spelling = Self {
            replacements: Vec::new(),
            kind: SpellingKind::Text,
        };
        let steps = match decoder["type"].as_str() {
            Some("Sequence") => decoder["decoders"].as_array().map_or(&[][..], Vec::as_slice),
            Some(_) => std::slice::from_ref(decoder),
            None => return Err("tokenizer.json has no decoder".to_owned()),
        };
        for step in steps {
            match step["type"].as_str().unwrap_or_default() {
                "ByteLevel" => spelling.kind = SpellingKind::ByteLevel,
                "ByteFallback" => spelling.kind = SpellingKind::ByteFallback,
                "Metaspace" => {
                    let mark = step["replacement"].as_str().unwrap_or("▁");
                    spelling.replacements.push((mark.to_owned(), " ".to_owned()));
                }
                "Replace" => {
                    let (Some(from), Some(to)) = (step["pattern"]["String"].as_str(), step["content"].as_str()) else {
                        return Err(format!("the decoder {step} is not supported"));
                    };
                    spelling.replacements.push((from.to_owned(), to.to_owned()));
                }
                // They join tokens, and take a space from the beginning of a text.
                "Fuse" | "Strip" => {}
                other => return Err(format!("the decoder {other} is not supported")),
            }
        }
        Ok(spelling)
    }

    fn bytes(&self, token: &str) -> Vec<u8> {
        let mut text = token.to_owned();
        for (from, to) in &self.replacements {
            text = text.replace(from, to);
        }
        match self.kind {
            SpellingKind::Text => text.into_bytes(),
            SpellingKind::ByteFallback => fallback_byte(&text).map_or_else(|| text.into_bytes(), |byte| vec![byte]),
            SpellingKind::ByteLevel => byte_level(&text),
        }
    }
}

fn fallback_byte(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2)
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
}

/// Printable Latin-1 stands for itself, the other bytes are the characters from U+0100 on. What is none of these is
/// written as it is.
fn byte_level(token: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(token.len());
    for character in token.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    let is_printable = |byte: u32| (0x21..=0x7e).contains(&byte) || (0xa1..=0xac).contains(&byte) || byte >= 0xae;
    if code < 0x100 {
        return u8::try_from(code).ok().filter(|_| is_printable(code));
    }
    let number = usize::try_from(code - 0x100).ok()?;
    (0..=0xff_u32)
        .filter(|byte| !is_printable(*byte))
        .nth(number)
        .and_then(|byte| u8::try_from(byte).ok())
}

/// As `core/src/model/generation-config.ts` finds them: generation_config.json, else config.json; and the tokenizer's own.
fn end_tokens(directory: &Path, tokens: &[Vec<u8>]) -> Result<Vec<u32>, String> {
    let mut ends = BTreeSet::new();
    for name in ["generation_config.json", "config.json"] {
        let configuration = read_json(directory, name)?.unwrap_or_default();
        let named = &configuration["eos_token_id"];
        let ids = named.as_array().map_or(std::slice::from_ref(named), Vec::as_slice);
        ends.extend(
            ids.iter()
                .filter_map(Value::as_u64)
                .filter_map(|id| u32::try_from(id).ok()),
        );
        if !ends.is_empty() {
            break;
        }
    }
    let tokenizer = read_json(directory, "tokenizer_config.json")?.unwrap_or_default();
    let end = &tokenizer["eos_token"];
    if let Some(text) = end.as_str().or_else(|| end["content"].as_str()) {
        let is_it = |bytes: &Vec<u8>| bytes.strip_prefix(&[SPECIAL_TOKEN_MARKER]).unwrap_or(bytes) == text.as_bytes();
        let found = tokens.iter().position(|bytes| !bytes.is_empty() && is_it(bytes));
        ends.extend(found.and_then(|id| u32::try_from(id).ok()));
    }
    Ok(ends.into_iter().filter(|id| (*id as usize) < tokens.len()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_spelled_as_tokenizers_do() {
        let level = Spelling::of(&serde_json::json!({"type": "ByteLevel"})).unwrap();
        assert_eq!(level.bytes("Ġa"), b" a");
        assert_eq!(level.bytes("Ċ"), b"\n");
        assert_eq!(level.bytes("Ã©"), "é".as_bytes());
        let sequence = serde_json::json!({"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ]});
        let fallback = Spelling::of(&sequence).unwrap();
        assert_eq!(fallback.bytes("▁▁a"), b"  a");
        assert_eq!(fallback.bytes("<0x0A>"), b"\n");
        assert_eq!(fallback.bytes("<0xZZ>"), b"<0xZZ>");
        assert!(Spelling::of(&serde_json::json!({"type": "WordPiece"})).is_err());
        assert!(Spelling::of(&Value::Null).is_err());
    }

    #[test]
    fn every_byte_has_a_character() {
        let bytes: BTreeSet<u8> = (0..0x200).filter_map(char::from_u32).filter_map(byte_of).collect();
        assert_eq!(bytes.len(), 256);
    }
}
