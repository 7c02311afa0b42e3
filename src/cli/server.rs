//! Which server a client command speaks to, and as whom.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use jiff::SignedDuration;

use crate::{
    client::{Address, ClearText, ClientOptions, GraphClient, Notice, Patience, TokenSource},
    config,
};

/// The server, and the token for it.
#[derive(Args)]
pub(super) struct ServerArguments {
    /// The server, such as `https://hangar.example`; without a version at its end, /beta is meant
    /// [variable: `HANGAR_URL`]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The token. Others on this machine can see it while the command runs [variable: `HANGAR_TOKEN`]
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["token_file", "token_command"])]
    token: Option<String>,
    /// A file with the token; read again when the server no longer takes it
    #[arg(long, value_name = "FILE", conflicts_with = "token_command")]
    token_file: Option<PathBuf>,
    /// A command that prints a token; run again when the server no longer takes it
    #[arg(long, value_name = "COMMAND")]
    token_command: Option<String>,
    /// Certificates to trust besides the system's, in PEM [variable: `HANGAR_CA`]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Send the token in the clear, to an http:// address that is not this machine
    #[arg(long)]
    allow_http: bool,
    /// How long to go on when the server fails or asks to wait
    #[arg(long, value_name = "TIME", default_value = "5m")]
    retry_for: SignedDuration,
}

impl ServerArguments {
    /// A client of the server. Nothing is sent yet.
    pub(super) fn client(&self, notice: Notice) -> Result<GraphClient> {
        let variables = config::variables()?;
        let variable = |wanted: &str| {
            let mut variables = variables.iter();
            variables
                .find(|(name, value)| name == wanted && !value.is_empty())
                .map(|(_, value)| value.clone())
        };
        let url = self.url.clone().or_else(|| variable("HANGAR_URL"));
        let url = url.ok_or_else(|| {
            anyhow!("say which server is meant: --url https://…, or the variable HANGAR_URL")
        })?;
        let clear_text = if self.allow_http {
            ClearText::Allowed
        } else {
            ClearText::Refused
        };
        let token = match (&self.token, &self.token_file, &self.token_command) {
            (Some(token), _, _) => TokenSource::Given(token.clone().into()),
            (_, Some(path), _) => TokenSource::File(path.clone()),
            (_, _, Some(command)) => TokenSource::Command(command.clone()),
            _ => match variable("HANGAR_TOKEN") {
                Some(token) => TokenSource::Given(token.into()),
                None => bail!(
                    "a token is needed: --token-command, --token-file or --token, or the variable HANGAR_TOKEN"
                ),
            },
        };
        let ca = self.ca.clone();
        let authorities = ca
            .or_else(|| variable("HANGAR_CA").map(PathBuf::from))
            .as_ref()
            .map(|path| {
                fs::read(path).with_context(|| format!("--ca {} can't be read", path.display()))
            })
            .transpose()?;
        Ok(GraphClient::new(ClientOptions {
            address: Address::parse(&url, clear_text)?,
            token,
            authorities,
            patience: Patience::new(duration(self.retry_for)),
            notice,
        })?)
    }
}

/// A time that a person typed; a negative one is none.
pub(super) fn duration(time: SignedDuration) -> Duration {
    Duration::try_from(time).unwrap_or(Duration::ZERO)
}
