//! Constraints on answers: JSON schemas, regular expressions and grammars, as masks of tokens.
//!
//! The work is done by the `llguidance` library. This crate gives it the tokens of a model, and gives the engine
//! [`TokenMaskFactory`]s of four kinds:
//!
//! | kind | specification |
//! |---|---|
//! | `json-schema` | a JSON schema; what the library cannot keep of it is refused |
//! | `regex` | a regular expression for the whole answer |
//! | `lark` | a grammar in the library's variant of Lark |
//! | `composed` | a grammar in Lark with parts of the other kinds ([`composed`]) |

mod beside;
mod composed;
mod vocabulary;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use llguidance::api::{GrammarWithLexer, TopLevelGrammar};
use llguidance::{Matcher, ParserFactory};
use shoal_engine::{TokenMask, TokenMaskFactories, TokenMaskFactory};
use toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};

use composed::Composed;
pub use vocabulary::Vocabulary;

/// How documents are laid out: on one line. A model that may choose adds white space, some for ever.
fn json_layout() -> serde_json::Value {
    serde_json::json!({ "whitespace_flexible": false, "item_separator": ", ", "key_separator": ": " })
}

/// Kinds of constraints.
#[derive(Debug, Clone, Copy)]
enum Kind {
    JsonSchema,
    Regex,
    Lark,
}

const KINDS: [(&str, Kind); 3] = [
    ("json-schema", Kind::JsonSchema),
    ("regex", Kind::Regex),
    ("lark", Kind::Lark),
];

/// Name of the kind that is made of the others.
const COMPOSED: &str = "composed";

/// The engine's built-in constraints and those of this crate, for the model in a folder. Its tokenizer is read when the
/// first constraint asks for it.
pub fn token_masks(model_directory: &Path) -> TokenMaskFactories {
    let tokens = Arc::new(ModelTokens {
        directory: model_directory.to_owned(),
        parsers: Mutex::default(),
        composed: Mutex::default(),
    });
    let composed = ComposedFactory {
        tokens: Arc::clone(&tokens),
    };
    KINDS
        .iter()
        .fold(TokenMaskFactories::built_in(), |factories, (name, kind)| {
            let factory = GrammarFactory {
                tokens: Arc::clone(&tokens),
                kind: *kind,
            };
            factories.with(name, Arc::new(factory))
        })
        .with(COMPOSED, Arc::new(composed))
}

/// What all constraints on one model share.
struct ModelTokens {
    directory: PathBuf,
    /// By the number of logits; models have one.
    parsers: Mutex<BTreeMap<u32, Arc<ParserFactory>>>,
    /// Composed grammars at their beginning, the one that was used last at the end. A conversation asks for the same one
    /// with each turn, and the tools of a request may take half a second to be made a grammar of.
    composed: Mutex<VecDeque<(u32, String, Matcher)>>,
}

/// Most grammars that are kept for the next request.
const MOST_KEPT: usize = 8;

impl ModelTokens {
    /// A copy of a grammar that was made before.
    fn kept(&self, specification: &str, vocabulary: u32) -> Option<Matcher> {
        let mut composed = self.composed.lock().unwrap_or_else(PoisonError::into_inner);
        let index = composed
            .iter()
            .position(|(count, known, _)| *count == vocabulary && known == specification)?;
        let found = composed.remove(index)?;
        let copy = found.2.deep_clone();
        composed.push_back(found);
        Some(copy)
    }

    fn keep(&self, specification: &str, vocabulary: u32, matcher: &Matcher) {
        let kept = (vocabulary, specification.to_owned(), matcher.deep_clone());
        let mut composed = self.composed.lock().unwrap_or_else(PoisonError::into_inner);
        composed.push_back(kept);
        if composed.len() > MOST_KEPT {
            composed.pop_front();
        }
    }

    fn parsers(&self, vocabulary: u32) -> Result<Arc<ParserFactory>, String> {
        let mut parsers = self.parsers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = parsers.get(&vocabulary) {
            return Ok(Arc::clone(found));
        }
        let made = Arc::new(contained(|| {
            parser_factory(Vocabulary::read(&self.directory, vocabulary)?)
        })?);
        parsers.insert(vocabulary, Arc::clone(&made));
        Ok(made)
    }
}

fn parser_factory(Vocabulary { tokens, ends }: Vocabulary) -> Result<ParserFactory, String> {
    let count = u32::try_from(tokens.len()).map_err(|error| error.to_string())?;
    let first = *ends.first().ok_or("there is no end-of-text token")?;
    let trie = TokTrie::from(&TokRxInfo::new(count, first), &tokens).with_eos_tokens(&ends);
    let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
    let mut factory = ParserFactory::new_simple(&environment).map_err(|error| error.to_string())?;
    factory.quiet();
    // An error is for who asked: it names the problem, not the state of the parser.
    factory.limits_mut().verbose_errors = false;
    Ok(factory)
}

struct GrammarFactory {
    tokens: Arc<ModelTokens>,
    kind: Kind,
}

impl TokenMaskFactory for GrammarFactory {
    fn create(&self, specification: &str, vocabulary: u32) -> Result<Box<dyn TokenMask>, String> {
        let grammar = self.kind.grammar(specification)?;
        let parsers = self.tokens.parsers(vocabulary)?;
        matcher_of(&parsers, TopLevelGrammar::from_grammar(grammar)).map(mask_of)
    }
}

struct ComposedFactory {
    tokens: Arc<ModelTokens>,
}

impl TokenMaskFactory for ComposedFactory {
    fn create(&self, specification: &str, vocabulary: u32) -> Result<Box<dyn TokenMask>, String> {
        if let Some(matcher) = self.tokens.kept(specification, vocabulary) {
            return Ok(mask_of(matcher));
        }
        let matcher = self.make(specification, vocabulary)?;
        self.tokens.keep(specification, vocabulary, &matcher);
        Ok(mask_of(matcher))
    }
}

impl ComposedFactory {
    fn make(&self, specification: &str, vocabulary: u32) -> Result<Matcher, String> {
        let mut composed = Composed::parse(specification)?;
        let parsers = self.tokens.parsers(vocabulary)?;
        let made = composed.grammar().and_then(|grammar| matcher_of(&parsers, grammar));
        let Err(problem) = made else { return made };
        if !composed.fall_back(|grammar| matcher_of(&parsers, grammar).is_ok()) {
            return Err(problem);
        }
        matcher_of(&parsers, composed.grammar()?)
    }
}

fn matcher_of(parsers: &ParserFactory, grammar: TopLevelGrammar) -> Result<Matcher, String> {
    contained(|| {
        let matcher = Matcher::new(parsers.create_parser(grammar));
        match matcher.get_error() {
            Some(problem) => Err(problem),
            None => Ok(matcher),
        }
    })
}

fn mask_of(matcher: Matcher) -> Box<dyn TokenMask> {
    Box::new(beside::MaskBeside::new(matcher))
}

/// What the library rules out must not end the process: specifications and tokenizers are strangers'.
fn contained<Made>(make: impl FnOnce() -> Result<Made, String>) -> Result<Made, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(make))
        .unwrap_or_else(|_| Err("the grammar library failed at it".to_owned()))
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    fn grammar(self, specification: &str) -> Result<GrammarWithLexer, String> {
        match self {
            Self::JsonSchema => {
                let mut schema: serde_json::Value = serde_json::from_str(specification)
                    .map_err(|error| format!("it must be a JSON schema ({error})"))?;
                if schema == serde_json::Value::Bool(true) {
                    schema = serde_json::json!({});
                }
                let Some(fields) = schema.as_object_mut() else {
                    return Err("it must be a JSON schema: an object".to_owned());
                };
                fields.entry("x-guidance").or_insert_with(json_layout);
                Ok(GrammarWithLexer::from_json_schema(schema))
            }
            Self::Regex => Ok(GrammarWithLexer::from_regex(specification)),
            Self::Lark => Ok(GrammarWithLexer::from_lark(specification.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use shoal_engine::TokenSet;

    use super::*;

    fn model() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/shoal-tiny-chat")
    }

    fn vocabulary() -> u32 {
        let text = std::fs::read(model().join("config.json")).unwrap();
        let configuration: serde_json::Value = serde_json::from_slice(&text).unwrap();
        u32::try_from(configuration["vocab_size"].as_u64().unwrap()).unwrap()
    }

    fn factory(kind: Kind) -> GrammarFactory {
        let tokens = Arc::new(ModelTokens {
            directory: model(),
            parsers: Mutex::default(),
            composed: Mutex::default(),
        });
        GrammarFactory { tokens, kind }
    }

    /// A small generator: the walk only has to be another one for each seed.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % limit
        }
    }

    /// Draws among the allowed tokens until the answer ends; undefined when it does not within the limit.
    fn walk(mask: &mut dyn TokenMask, tokens: &Vocabulary, random: &mut Random, range: Range<u32>) -> Option<String> {
        let mut bytes = Vec::new();
        for _ in 0..4000 {
            let mut allowed = TokenSet::empty(range.clone());
            mask.allow(&mut allowed);
            let choices: Vec<u32> = range.clone().filter(|token| allowed.contains(*token)).collect();
            assert!(!choices.is_empty(), "after {:?}", String::from_utf8_lossy(&bytes));
            let end = choices.iter().find(|token| tokens.ends.contains(token));
            // Where it may end it soon does.
            let token = match end {
                Some(end) if random.below(3) == 0 => *end,
                _ => choices[random.below(choices.len())],
            };
            if tokens.ends.contains(&token) {
                return Some(String::from_utf8(bytes).unwrap());
            }
            bytes.extend_from_slice(&tokens.tokens[token as usize]);
            mask.accept(token);
        }
        None
    }

    #[test]
    fn answers_follow_their_grammar() {
        let count = vocabulary();
        let tokens = Vocabulary::read(&model(), count).unwrap();
        let schema = r#"{"type": "object", "properties": {
            "name": {"type": "string", "maxLength": 8}, "ages": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
            "kind": {"enum": ["cat", "dog"]}}, "required": ["name", "kind"], "additionalProperties": false}"#;
        let mut ended = 0;
        for seed in 0..40 {
            let mut random = Random(seed);
            let mut mask = factory(Kind::JsonSchema).create(schema, count).unwrap();
            let Some(text) = walk(mask.as_mut(), &tokens, &mut random, 0..count) else {
                continue;
            };
            ended += 1;
            let value: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            let name = value["name"].as_str().unwrap();
            assert!(name.chars().count() <= 8, "{text}");
            assert!(["cat", "dog"].contains(&value["kind"].as_str().unwrap()), "{text}");
            let fields = value.as_object().unwrap();
            assert!(
                fields
                    .keys()
                    .all(|key| ["name", "ages", "kind"].contains(&key.as_str())),
                "{text}"
            );
            if let Some(ages) = fields.get("ages") {
                assert!(
                    ages.as_array()
                        .unwrap()
                        .iter()
                        .all(|age| age.is_i64() || age.is_u64() || age.is_f64()),
                    "{text}"
                );
            }
        }
        assert!(ended >= 30, "{ended} of 40 ended");
        for seed in 0..20 {
            let mut mask = factory(Kind::Regex).create("(yes|no), [0-9]{2}", count).unwrap();
            let text = walk(mask.as_mut(), &tokens, &mut Random(seed), 0..count).unwrap();
            let (word, digits) = text.split_once(", ").unwrap();
            assert!(["yes", "no"].contains(&word) && digits.len() == 2, "{text}");
        }
        let grammar = "start: (\"a\" | \"b\" start \"c\")";
        for seed in 0..20 {
            let mut mask = factory(Kind::Lark).create(grammar, count).unwrap();
            let Some(text) = walk(mask.as_mut(), &tokens, &mut Random(seed), 0..count) else {
                continue;
            };
            let depth = text.len() / 2;
            assert_eq!(text, format!("{}a{}", "b".repeat(depth), "c".repeat(depth)));
        }
    }

    /// A mask that is asked for each half of the vocabulary, and one that is made anew and told the tokens again.
    #[test]
    fn masks_agree_however_they_are_asked() {
        let count = vocabulary();
        let tokens = Vocabulary::read(&model(), count).unwrap();
        let make = || {
            factory(Kind::JsonSchema)
                .create(r#"{"type": "array", "items": {"type": "boolean"}}"#, count)
                .unwrap()
        };
        let (mut whole, mut left, mut right) = (make(), make(), make());
        let mut random = Random(3);
        let mut told = Vec::new();
        for _ in 0..12 {
            let middle = count / 3;
            let mut sets = [
                TokenSet::empty(0..count),
                TokenSet::empty(0..middle),
                TokenSet::empty(middle..count),
            ];
            whole.allow(&mut sets[0]);
            left.allow(&mut sets[1]);
            right.allow(&mut sets[2]);
            let mut again = make();
            told.iter().for_each(|token| again.accept(*token));
            let mut anew = TokenSet::empty(0..count);
            again.allow(&mut anew);
            assert_eq!(sets[0], anew);
            for token in 0..count {
                assert_eq!(
                    sets[0].contains(token),
                    sets[1].contains(token) || sets[2].contains(token)
                );
            }
            let choices: Vec<u32> = (0..count).filter(|token| sets[0].contains(*token)).collect();
            let token = choices[random.below(choices.len())];
            if tokens.ends.contains(&token) {
                return;
            }
            for mask in [&mut whole, &mut left, &mut right] {
                mask.accept(token);
            }
            told.push(token);
        }
    }

    #[test]
    fn wrong_specifications_are_refused_with_the_reason() {
        let count = vocabulary();
        for (kind, specification, reason) in [
            (Kind::JsonSchema, "{", "must be a JSON schema"),
            (Kind::JsonSchema, "3", "must be a JSON schema"),
            (Kind::JsonSchema, r#"{"type": "thing"}"#, "thing"),
            (Kind::JsonSchema, r#"{"not": {"type": "string"}}"#, "not"),
            (Kind::Regex, "(", ""),
            (Kind::Lark, "start: unknown_rule", "unknown_rule"),
            (Kind::Lark, "", ""),
        ] {
            let problem = factory(kind).create(specification, count).map(|_| ()).unwrap_err();
            assert!(problem.contains(reason), "{kind:?} {specification}: {problem}");
        }
        let elsewhere = GrammarFactory {
            tokens: Arc::new(ModelTokens {
                directory: PathBuf::from("/nonexistent"),
                parsers: Mutex::default(),
                composed: Mutex::default(),
            }),
            kind: Kind::Regex,
        };
        assert!(
            elsewhere
                .create("a", count)
                .map(|_| ())
                .unwrap_err()
                .contains("tokenizer.json")
        );
    }
}
