//! Why a server could not be asked, in sentences for the person at the terminal.

use std::{fmt, time::Duration};

/// A request could not be made, or its answer not be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error("`{}` will not do as the server's address: {what}", shown(text))]
    BadAddress {
        /// What was given.
        text: String,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// The certificates to trust can't be read.
    #[error("the certificates given with --ca are no PEM certificates: {0}")]
    Authorities(String),
    /// No client can be made.
    #[error("no connection can be prepared: {0}")]
    Setup(String),
    /// No token can be had.
    #[error("no token: {0}")]
    NoToken(String),
    /// The server does not take the token.
    #[error("{address} refuses the token: {why} {advice}")]
    TokenRefused {
        /// The server.
        address: String,
        /// Its words.
        why: String,
        /// What to do.
        advice: &'static str,
    },
    /// Something else than Graph answers.
    #[error(
        "{address} is not a Graph server: it answered {what}. Check the address given with --url"
    )]
    NotGraph {
        /// The server.
        address: String,
        /// What it answered, as the end of a sentence.
        what: String,
    },
    /// The server refused a request.
    #[error("the server refused: {0}")]
    Refused(Refusal),
    /// Nothing answers.
    #[error("{address} can't be reached: {reason}. Check the address given with --url")]
    Unreachable {
        /// The server.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// The server did not come round in time.
    #[error("{address} could not be used: {reason}; gave up after {}", seconds(*tried_for))]
    GaveUp {
        /// The server.
        address: String,
        /// What went wrong last.
        reason: String,
        /// How long it was tried.
        tried_for: Duration,
    },
    /// A link leads to another server, which must not see the token.
    #[error("the server's link to the next page leads elsewhere, to `{}`: nothing was sent there", shown(.0))]
    ForeignLink(String),
}

/// What a server said when it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of its answer.
    pub status: u16,
    /// Graph's word for the kind of error; empty where the server has none.
    pub code: String,
    /// Its sentence.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = shown(&self.message);
        match self.code.as_str() {
            "" => write!(formatter, "{message} (status {})", self.status),
            code => write!(
                formatter,
                "{message} (status {}, {})",
                self.status,
                shown(code)
            ),
        }
    }
}

/// A server's text, made safe to show: one line, no control characters, not endless.
pub(super) fn shown(text: &str) -> String {
    const MOST_CHARACTERS: usize = 400;
    text.chars()
        .take(MOST_CHARACTERS)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

/// The error with all its causes: the outermost alone says only that something failed.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        1 => "a second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}
