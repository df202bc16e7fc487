//! Grammars of several languages: one in Lark that says how they follow each other, and the others by name.

use llguidance::api::{GrammarWithLexer, TopLevelGrammar};
use serde_json::Value;

use crate::Kind;

/// Most parts of one grammar: a request has up to 1024 tools.
const MAXIMUM_PARTS: usize = 1100;

/// A specification `{"grammar": "start: … @answer", "parts": [{"name": "answer", "kind": "json-schema",
/// "specification": "…", "otherwise": "…"}]}`.
#[derive(Debug)]
pub struct Composed {
    grammar: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    name: String,
    kind: Kind,
    specification: String,
    /// Of the same kind; taken where the specification has something that cannot be kept.
    otherwise: Option<String>,
}

impl Composed {
    pub fn parse(specification: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(specification).map_err(|error| format!("it must be JSON with its parts ({error})"))?;
        let grammar = text(&value, "grammar")?;
        let listed = value["parts"].as_array().ok_or("it has no list of parts")?;
        if listed.len() > MAXIMUM_PARTS {
            return Err(format!("it has more than {MAXIMUM_PARTS} parts"));
        }
        let parts = listed.iter().map(Part::parse).collect::<Result<_, _>>()?;
        Ok(Self { grammar, parts })
    }

    pub fn grammar(&self) -> Result<TopLevelGrammar, String> {
        let mut grammars = vec![GrammarWithLexer::from_lark(self.grammar.clone())];
        for part in &self.parts {
            let mut grammar = part.grammar()?;
            grammar.name = Some(part.name.clone());
            grammars.push(grammar);
        }
        Ok(TopLevelGrammar {
            grammars,
            max_tokens: None,
        })
    }

    /// Takes the other specification of each part that does not hold alone. Whether there was one.
    pub fn fall_back(&mut self, holds: impl Fn(TopLevelGrammar) -> bool) -> bool {
        let mut changed = false;
        for part in &mut self.parts {
            if part.otherwise.is_none()
                || part
                    .grammar()
                    .is_ok_and(|grammar| holds(TopLevelGrammar::from_grammar(grammar)))
            {
                continue;
            }
            part.specification = part.otherwise.take().unwrap_or_default();
            changed = true;
        }
        changed
    }
}

impl Part {
    fn parse(value: &Value) -> Result<Self, String> {
        let name = text(value, "name")?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(format!("{name:?} is not a name of a part"));
        }
        let kind = text(value, "kind")?;
        Ok(Self {
            name,
            kind: Kind::of(&kind).ok_or_else(|| format!("there are no parts of kind '{kind}'"))?,
            specification: text(value, "specification")?,
            otherwise: value["otherwise"].as_str().map(str::to_owned),
        })
    }

    fn grammar(&self) -> Result<GrammarWithLexer, String> {
        self.kind.grammar(&self.specification)
    }
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    let text = value[name].as_str().ok_or_else(|| format!("it has no {name}"))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use shoal_engine::{TokenMask, TokenMaskFactory, TokenSet};

    use super::*;
    use crate::{ComposedFactory, ModelTokens, Vocabulary, parser_factory};

    /// Ids of bytes are the bytes.
    const END: u32 = 256;

    fn fixture() -> Value {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/fixtures/answer-grammars.json");
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    }

    fn strings(value: &Value) -> Vec<String> {
        let list = value.as_array().unwrap();
        list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// A tokenizer of bytes and special tokens.
    fn factory(special: &[String]) -> ComposedFactory {
        let mut tokens: Vec<Vec<u8>> = (0..=255_u8).map(|byte| vec![byte]).collect();
        for text in std::iter::once("<end>").chain(special.iter().map(String::as_str)) {
            tokens.push([&[0xff], text.as_bytes()].concat());
        }
        let count = u32::try_from(tokens.len()).unwrap();
        let parsers = parser_factory(Vocabulary {
            tokens,
            ends: vec![END],
        })
        .unwrap();
        let tokens = ModelTokens {
            directory: "/nonexistent".into(),
            parsers: Mutex::new([(count, Arc::new(parsers))].into()),
            composed: Mutex::default(),
        };
        ComposedFactory {
            tokens: Arc::new(tokens),
        }
    }

    fn encode(text: &str, special: &[String], spelled: &[String]) -> Vec<u32> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(byte) = rest.bytes().next() {
            let marker = special
                .iter()
                .position(|marker| rest.starts_with(marker.as_str()) && !spelled.contains(marker));
            let (token, length) = match marker {
                Some(index) => (END + 1 + u32::try_from(index).unwrap(), special[index].len()),
                None => (u32::from(byte), 1),
            };
            tokens.push(token);
            rest = &rest[length..];
        }
        tokens
    }

    /// The place of the first token that is refused; the end of the text is one more.
    fn refused_at(mask: &mut dyn TokenMask, tokens: &[u32], count: u32) -> Option<usize> {
        tokens.iter().chain([&END]).position(|token| {
            let mut allowed = TokenSet::empty(0..count);
            mask.allow(&mut allowed);
            if allowed.contains(*token) && *token != END {
                mask.accept(*token);
            }
            !allowed.contains(*token)
        })
    }

    #[test]
    fn answers_are_taken_and_refused_as_the_formats_want_them() {
        let fixture = fixture();
        let special = strings(&fixture["specialTokens"]);
        let count = END + 1 + u32::try_from(special.len()).unwrap();
        let factory = factory(&special);
        for case in fixture["cases"].as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let specification = case["specification"].as_str().unwrap();
            let spelled = strings(&case["spelled"]);
            let make = || factory.create(specification, count);
            if case["isRefused"] == true {
                assert!(make().is_err(), "{name}");
                continue;
            }
            let place = |text: &str| {
                let mut mask = make().unwrap_or_else(|problem| panic!("{name}: {problem}\n{specification}"));
                refused_at(mask.as_mut(), &encode(text, &special, &spelled), count)
            };
            for text in strings(&case["accepts"]) {
                assert_eq!(place(&text), None, "{name} takes {text}");
            }
            for text in strings(&case["rejects"]) {
                assert!(place(&text).is_some(), "{name} refuses {text}");
            }
        }
    }

    /// What is kept is where an answer begins, wherever the answers before have got to.
    #[test]
    fn a_grammar_that_is_kept_begins_anew() {
        let factory = factory(&[]);
        let specification = |letter: usize| {
            let part =
                serde_json::json!({"name": "a", "kind": "regex", "specification": format!("(xy|z){{{letter}}}")});
            serde_json::json!({"grammar": "start: @a", "parts": [part]}).to_string()
        };
        // More than are kept, and each twice.
        for round in 0..3 {
            for count in 1..=crate::MOST_KEPT + 2 {
                let text = if round == 0 { "xy" } else { "z" }.repeat(count);
                let mut mask = factory.create(&specification(count), END + 1).unwrap();
                let place = refused_at(mask.as_mut(), &encode(&text, &[], &[]), END + 1);
                assert_eq!(place, None, "{text}");
                let mut again = factory.create(&specification(count), END + 1).unwrap();
                let place = refused_at(again.as_mut(), &encode("xy", &[], &[]), END + 1);
                assert_eq!(place, (count > 1).then_some(2), "{count} in round {round}");
            }
        }
        assert_eq!(factory.tokens.composed.lock().unwrap().len(), crate::MOST_KEPT);
    }

    #[test]
    fn wrong_compositions_are_refused_with_the_reason() {
        let factory = factory(&[]);
        let part = |name: &str, kind: &str, specification: &str| {
            serde_json::json!({"grammar": "start: @a", "parts": [{"name": name, "kind": kind, "specification": specification}]})
                .to_string()
        };
        for (specification, reason) in [
            ("{".to_owned(), "must be JSON"),
            ("{}".to_owned(), "no grammar"),
            (r#"{"grammar": "start: \"a\""}"#.to_owned(), "no list of parts"),
            (part("a b", "regex", "a"), "not a name"),
            (part("a", "composed", "{}"), "no parts of kind 'composed'"),
            (part("a", "json-schema", "{"), "JSON schema"),
            (part("a", "json-schema", r#"{"type": "thing"}"#), "thing"),
            (part("b", "regex", "a"), ""),
        ] {
            let problem = factory.create(&specification, END + 1).map(|_| ()).unwrap_err();
            assert!(problem.contains(reason), "{specification}: {problem}");
        }
        assert!(factory.create(&part("a", "regex", "a+"), END + 1).is_ok());
    }
}
