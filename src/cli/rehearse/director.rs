//! The server that is directed, and how its answers are shown.

use std::{fmt::Write as _, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use url::Url;

use crate::{cli::print, config};

/// Where the admin listener is, unless its server was told otherwise.
const USUAL_ADDRESS: &str = "http://127.0.0.1:8081";

/// How long an answer may take. To copy a world takes a while.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Args)]
pub(super) struct DirectorArguments {
    /// The admin listener of the server, `http://127.0.0.1:8081` unless it was told otherwise
    /// [variable: `HANGAR_ADMIN_URL`]
    #[arg(long, value_name = "URL", global = true)]
    admin_url: Option<Url>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    json: bool,
}

/// A server that rehearses.
pub(super) struct Director {
    address: Url,
    client: Client,
    as_json: bool,
}

impl Director {
    /// The server whose admin listener is there.
    pub(super) fn at(address: Url) -> anyhow::Result<Self> {
        let client = Client::builder()
            .no_proxy()
            // The admin listener speaks http. To read the system's certificates takes longer than
            // all else that a command does.
            .tls_certs_only([])
            .timeout(PATIENCE)
            .build()?;
        Ok(Self {
            address,
            client,
            as_json: false,
        })
    }
}

impl DirectorArguments {
    pub(super) fn director(&self) -> anyhow::Result<Director> {
        let variables = config::variables()?;
        let given = variables
            .iter()
            .find(|(name, value)| name == "HANGAR_ADMIN_URL" && !value.is_empty());
        let address = match (&self.admin_url, given) {
            (Some(address), _) => address.clone(),
            (None, Some((name, value))) => {
                value.parse().with_context(|| format!("{name} is no URL"))?
            }
            (None, None) => USUAL_ADDRESS.parse()?,
        };
        Ok(Director {
            as_json: self.json,
            ..Director::at(address)?
        })
    }
}

impl Director {
    /// Asks.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, None).await
    }

    /// Tells.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Hands a file over, as it is.
    pub(super) async fn post_file(&self, path: &str, content: Vec<u8>) -> anyhow::Result<Value> {
        let address = self.address.join(path)?;
        let request = self.client.post(address.clone()).body(content);
        self.answer_of(request, &address).await
    }

    /// Deletes.
    pub(super) async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::DELETE, path, None).await
    }

    /// Whether answers are to be shown as they came.
    pub(super) fn as_json(&self) -> bool {
        self.as_json
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let address = self.address.join(path)?;
        let mut request = self.client.request(method, address.clone());
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer_of(request, &address).await
    }

    async fn answer_of(&self, request: RequestBuilder, address: &Url) -> anyhow::Result<Value> {
        let answer = request.send().await.with_context(|| {
            format!(
                "nobody answers at {}: start `hangar serve --rehearse`, or say where its admin listener is with --admin-url",
                self.address
            )
        })?;
        let status = answer.status();
        let text = answer.text().await?;
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        if let Some(message) = body["error"]["message"].as_str() {
            match body["error"]["field"].as_str() {
                Some(field) => bail!("{field}: {message}"),
                None => bail!("{message}"),
            }
        }
        if status == StatusCode::NOT_FOUND {
            bail!(
                "the server at {} rehearses nothing: start it with --rehearse",
                self.address
            );
        }
        Err(anyhow!("{address} answers {status}"))
    }

    /// Shows the rows of an answer, each in a line, or the answer as it came.
    pub(super) fn show_rows(
        &self,
        answer: &Value,
        rows: &Value,
        line: impl Fn(&Value) -> String,
    ) -> anyhow::Result<()> {
        if self.as_json {
            return self.show(answer);
        }
        let rows = rows.as_array().into_iter().flatten();
        let text: String = rows.map(|row| line(row) + "\n").collect();
        Ok(print(&text)?)
    }

    /// Shows an answer, in lines or as it came.
    pub(super) fn show(&self, answer: &Value) -> anyhow::Result<()> {
        self.show_as(answer, lines)
    }

    /// Shows an answer in these words, or as it came.
    pub(super) fn show_as(
        &self,
        answer: &Value,
        words: impl FnOnce(&Value) -> String,
    ) -> anyhow::Result<()> {
        let text = if self.as_json {
            format!("{answer}\n")
        } else {
            words(answer)
        };
        Ok(print(&text)?)
    }
}

/// The path of what has a name, below another.
pub(super) fn path_to(path: &str, name: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("{path}/{}", name.replace('+', "%20"))
}

/// An answer as lines, a member each.
fn lines(answer: &Value) -> String {
    let mut text = String::new();
    match answer {
        Value::Object(members) => {
            for (name, value) in members {
                let value = plain(value);
                // Writing to a text does not fail.
                let _ = writeln!(text, "{name}: {value}");
            }
        }
        other => {
            let _ = writeln!(text, "{}", plain(other));
        }
    }
    text
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_a_line_a_member() {
        let answer = json!({"now": "2026-01-01T00:00:00Z", "rate": 1.0, "frozen": false});
        assert_eq!(
            lines(&answer),
            "frozen: false\nnow: 2026-01-01T00:00:00Z\nrate: 1.0\n"
        );
        assert_eq!(lines(&json!("done")), "done\n");
    }
}
