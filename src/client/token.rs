//! Where tokens come from, and getting another when the server no longer takes one.

use std::{path::PathBuf, process::Stdio, time::Duration};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{process::Command, sync::Mutex};

use super::ClientError;

/// How long a command may take to print a token. People may have to type something.
const COMMAND_LIMIT: Duration = Duration::from_mins(5);

/// Where a token is to be had.
pub enum TokenSource {
    /// It was given.
    Given(SecretString),
    /// A file holds it, and is read again when the server refuses what it held.
    File(PathBuf),
    /// A command prints it, and is run again when the server refuses what it printed.
    Command(String),
}

/// A token that can be sent.
#[derive(Clone)]
pub(super) struct Token {
    header: HeaderValue,
    number: u64,
}

impl Token {
    /// The value of the header `Authorization`.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

/// The token in use. Requests share it, and one of them renews it for all.
pub struct Tokens {
    source: TokenSource,
    current: Mutex<Option<Token>>,
}

impl Tokens {
    /// Tokens from this source; nothing is read yet.
    pub fn new(source: TokenSource) -> Self {
        Self {
            source,
            current: Mutex::new(None),
        }
    }

    /// The token in use.
    pub(super) async fn current(&self) -> Result<Token, ClientError> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(token) => Ok(token.clone()),
            None => Ok(current.insert(self.obtain(0).await?).clone()),
        }
    }

    /// Another token than the one that was refused, if there can be one.
    pub(super) async fn renew(&self, refused: &Token) -> Result<Option<Token>, ClientError> {
        let mut current = self.current.lock().await;
        if let Some(token) = current
            .as_ref()
            .filter(|token| token.number > refused.number)
        {
            return Ok(Some(token.clone()));
        }
        if matches!(self.source, TokenSource::Given(_)) {
            return Ok(None);
        }
        let token = self.obtain(refused.number + 1).await?;
        if token.header == refused.header {
            return Ok(None);
        }
        *current = Some(token.clone());
        Ok(Some(token))
    }

    /// What to do when no token is taken.
    pub(super) fn advice(&self) -> &'static str {
        match self.source {
            TokenSource::Given(_) => {
                "Get a new token and start again; with --token-command a new one is fetched as often as needed."
            }
            TokenSource::File(_) => "Put a new token into the file and start again.",
            TokenSource::Command(_) => "See what the token command prints.",
        }
    }

    async fn obtain(&self, number: u64) -> Result<Token, ClientError> {
        let text = match &self.source {
            TokenSource::Given(token) => token.clone(),
            TokenSource::File(path) => read_file(path)?,
            TokenSource::Command(command) => ask(command).await?,
        };
        Ok(Token {
            header: header(&text)?,
            number,
        })
    }
}

fn read_file(path: &std::path::Path) -> Result<SecretString, ClientError> {
    let shown = path.display();
    std::fs::read_to_string(path)
        .map(SecretString::from)
        .map_err(|error| ClientError::NoToken(format!("the file {shown} can't be read: {error}")))
}

/// Runs the command by the system's shell. What it has to say goes to our standard error.
async fn ask(command: &str) -> Result<SecretString, ClientError> {
    let failed = |what: String| ClientError::NoToken(format!("the token command {what}"));
    let mut shell = if cfg!(windows) {
        let mut shell = Command::new("cmd");
        shell.arg("/C");
        shell
    } else {
        let mut shell = Command::new("sh");
        shell.arg("-c");
        shell
    };
    shell
        .arg(command)
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let run = shell
        .spawn()
        .map_err(|error| failed(format!("can't be run: {error}")))?
        .wait_with_output();
    let output = tokio::time::timeout(COMMAND_LIMIT, run)
        .await
        .map_err(|_| failed("does not end".to_owned()))?
        .map_err(|error| failed(format!("failed: {error}")))?;
    if !output.status.success() {
        return Err(failed(format!("failed ({})", output.status)));
    }
    String::from_utf8(output.stdout)
        .map(SecretString::from)
        .map_err(|_| failed("printed no text".to_owned()))
}

/// The header of a token. People paste the word `Bearer` along with it.
fn header(text: &SecretString) -> Result<HeaderValue, ClientError> {
    let text = text.expose_secret().trim();
    let token = match text.split_once(' ') {
        Some((word, rest)) if word.eq_ignore_ascii_case("bearer") => rest.trim_start(),
        _ => text,
    };
    let no_token = |what: &str| ClientError::NoToken(what.to_owned());
    if token.is_empty() {
        return Err(no_token("what was given is empty"));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(no_token(
            "what was given holds spaces, line breaks or other characters that no token has",
        ));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| no_token("what was given can't be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> Result<String, String> {
        header(&SecretString::from(text.to_owned()))
            .map(|value| value.to_str().unwrap().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn tokens_are_trimmed_and_checked() {
        assert_eq!(sent(" a.b.c\n").as_deref(), Ok("Bearer a.b.c"));
        assert_eq!(sent("bearer a.b.c").as_deref(), Ok("Bearer a.b.c"));
        assert!(sent(" \n").unwrap_err().contains("empty"));
        assert!(sent("a\nb").unwrap_err().contains("line breaks"));
        assert!(
            !sent("se cret").unwrap_err().contains("cret"),
            "a token is not shown"
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_command_is_asked_again_and_one_request_asks_for_all() {
        let directory = tempfile::tempdir().unwrap();
        let counter = directory.path().join("n");
        let command = format!("echo x >> '{0}'; wc -l < '{0}'", counter.display());
        let tokens = Tokens::new(TokenSource::Command(command));
        let first = tokens.current().await.unwrap();
        assert_eq!(first.header().to_str().unwrap(), "Bearer 1");
        let second = tokens.renew(&first).await.unwrap().unwrap();
        assert_eq!(second.header().to_str().unwrap(), "Bearer 2");
        let late = tokens.renew(&first).await.unwrap().unwrap();
        assert_eq!(late.header(), second.header());
    }

    #[tokio::test]
    async fn a_given_token_has_no_successor() {
        let tokens = Tokens::new(TokenSource::Given("a".to_owned().into()));
        let token = tokens.current().await.unwrap();
        assert!(tokens.renew(&token).await.unwrap().is_none());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn commands_that_fail_are_told() {
        for (command, part) in [("exit 3", "exit status: 3"), ("true", "empty")] {
            let tokens = Tokens::new(TokenSource::Command(command.to_owned()));
            let sentence = tokens.current().await.err().unwrap().to_string();
            assert!(sentence.contains(part), "{sentence}");
        }
    }
}
