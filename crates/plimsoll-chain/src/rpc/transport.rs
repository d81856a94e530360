//! One HTTP request, and what its failing means.

use crate::abi::short;
use crate::error::ChainError;
use serde_json::Value as Json;
use std::time::Duration;

/// No answer is longer \[bytes\].
const ANSWER_MAX: u64 = 1 << 29;

/// An endpoint.
pub(super) struct Endpoint {
    agent: ureq::Agent,
    url: String,
    /// Without what may be a secret: many endpoints carry a key in their path.
    name: String,
}

/// Why a round trip gave nothing.
pub(super) struct Failure {
    pub(super) error: ChainError,
    /// Whether it may pass.
    pub(super) passes: bool,
    /// How long the endpoint asks to wait.
    pub(super) after: Option<Duration>,
}

impl Failure {
    pub(super) fn passing(error: ChainError) -> Failure {
        Failure { error, passes: true, after: None }
    }

    pub(super) fn lasting(error: ChainError) -> Failure {
        Failure { error, passes: false, after: None }
    }
}

impl Endpoint {
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Endpoint, ChainError> {
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
        let host = host.and_then(|host| host.rsplit('@').next()).filter(|host| !host.is_empty());
        let wrong = || ChainError::BadArgument(short(url), "a URL that begins with http:// or https://");
        let name = host.ok_or_else(wrong)?.to_string();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .user_agent("plimsoll")
            .build();
        Ok(Endpoint { agent: config.new_agent(), url: url.into(), name })
    }

    /// Its host.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn post(&self, body: &Json, of: &str) -> Result<Json, Failure> {
        let unreachable = |error: ureq::Error| {
            Failure::passing(ChainError::Unreachable(self.name.clone(), self.hidden(&error.to_string())))
        };
        let request = self.agent.post(&self.url).header("content-type", "application/json");
        let mut response = request.send(body.to_string()).map_err(unreachable)?;
        let status = response.status().as_u16();
        if status != 200 {
            let after = response.headers().get("retry-after").and_then(|after| after.to_str().ok());
            let after = after.and_then(|after| after.trim().parse().ok()).map(Duration::from_secs);
            // Some nodes put a refusal of the protocol into a bad request.
            if let Ok(text) = response.body_mut().read_to_string()
                && status != 429
                && let Ok(answer) = serde_json::from_str::<Json>(&text)
                && answer.get("error").is_some_and(Json::is_object)
                && answer.get("jsonrpc").is_some()
            {
                return Ok(answer);
            }
            let passes = status == 429 || status == 408 || status >= 500;
            let error = ChainError::Status(self.name.clone(), status, means(status));
            return Err(Failure { error, passes, after });
        }
        let text = response.body_mut().with_config().limit(ANSWER_MAX).read_to_string();
        let text = text.map_err(unreachable)?;
        serde_json::from_str(&text).map_err(|error| {
            let found = format!("{} ({error})", short(&text));
            let expected = "JSON".into();
            Failure::passing(ChainError::Malformed { of: of.into(), found, expected })
        })
    }

    /// A message without the path of the URL.
    fn hidden(&self, message: &str) -> String {
        short(&message.replace(&self.url, &self.name))
    }
}

fn means(status: u16) -> &'static str {
    match status {
        401 | 403 => "it wants a key, or another one, in the URL",
        404 => "there is no JSON-RPC at this path",
        405 => "it takes no JSON-RPC here",
        408 | 504 => "it took too long",
        413 => "the request is too large for it",
        429 => "too many requests: a lower rate (--per-second) passes",
        500..=599 => "something failed there",
        _ => "expected 200",
    }
}
