//! What is wrong with a request, before it is queued.

use super::SchedulerLimits;
use crate::error::EngineError;
use crate::options::EngineRequest;

/// Most choices of one request.
const MAXIMUM_CHOICES: u32 = 128;
/// Most stop tokens of one request.
const MAXIMUM_STOP_TOKENS: usize = 1024;

/// `REQUEST_INVALID` and `REQUEST_TOO_LONG`. Whether its constraint can be made is another matter.
pub(crate) fn check(limits: &SchedulerLimits, request: &EngineRequest) -> Result<(), EngineError> {
    let id = request.id;
    if let Some(problem) = problem(limits, request).or_else(|| request.sampling.problem()) {
        return Err(EngineError::request(format!("request {id}: {problem}")));
    }
    // One position must be left for a token.
    let (length, context) = (request.prompt_tokens.len(), limits.context_length);
    if length as u64 >= u64::from(context) {
        let message = format!("request {id}: the prompt has {length} tokens, the context holds {context}");
        return Err(EngineError::new("REQUEST_TOO_LONG", message));
    }
    Ok(())
}

fn problem(limits: &SchedulerLimits, request: &EngineRequest) -> Option<String> {
    let vocabulary = limits.vocabulary;
    let is_unknown = |token: &&u32| **token >= vocabulary;
    let unknown = |token: u32| format!("token {token} is not one of the vocabulary's {vocabulary}");
    if request.prompt_tokens.is_empty() {
        return Some("the prompt is empty".to_owned());
    }
    if request.maximum_tokens == 0 {
        return Some("maximumTokens is 0".to_owned());
    }
    if !(1..=MAXIMUM_CHOICES).contains(&request.choices) {
        return Some(format!(
            "choices is {}, it must be within 1 and {MAXIMUM_CHOICES}",
            request.choices
        ));
    }
    if request.first_choice.checked_add(request.choices).is_none() {
        return Some(format!("firstChoice is {}, which is too much", request.first_choice));
    }
    if request.stop_tokens.len() > MAXIMUM_STOP_TOKENS {
        let count = request.stop_tokens.len();
        return Some(format!(
            "stopTokens has {count} entries, at most are {MAXIMUM_STOP_TOKENS}"
        ));
    }
    if request.resumed_tokens as usize >= request.prompt_tokens.len() {
        let (resumed, length) = (request.resumed_tokens, request.prompt_tokens.len());
        return Some(format!(
            "resumedTokens is {resumed}, which leaves no prompt of {length} tokens"
        ));
    }
    if let Some(token) = request.prompt_tokens.iter().find(is_unknown) {
        return Some(unknown(*token));
    }
    let mut biased = request.sampling.logit_bias.iter().map(|entry| entry.token);
    let token = biased.find(|token| is_unknown(&token))?;
    Some(format!("logitBias: {}", unknown(token)))
}
