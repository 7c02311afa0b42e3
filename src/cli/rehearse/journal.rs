//! `hangar rehearse requests`, `assert`, `report` and `explain`: what happened.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::director::Director;
use crate::cli::EXIT_REFUSED;

/// Which requests are meant: those of which all that is given holds.
#[derive(Args)]
pub(super) struct FilterArguments {
    /// The method, such as POST
    #[arg(long)]
    method: Option<String>,
    /// A part of the path
    #[arg(long)]
    path: Option<String>,
    /// The answer's status
    #[arg(long)]
    status: Option<u16>,
    /// The caller's tenant
    #[arg(long, value_name = "GUID")]
    tenant: Option<String>,
    /// The caller's application
    #[arg(long, value_name = "ID")]
    application: Option<String>,
    /// A serial number in the body
    #[arg(long, value_name = "TEXT")]
    serial_number: Option<String>,
    /// A group tag in the body
    #[arg(long, value_name = "TEXT")]
    group_tag: Option<String>,
    /// Those that came after the one of this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
}

#[derive(Args)]
pub(super) struct RequestsArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// How many at most
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Forget them instead
    #[arg(long)]
    forget: bool,
}

#[derive(Args)]
pub(super) struct AssertArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// So many such requests were made
    #[arg(long, value_name = "NUMBER")]
    exactly: Option<u64>,
    /// So many, or more
    #[arg(long, value_name = "NUMBER")]
    at_least: Option<u64>,
    /// So many, or fewer
    #[arg(long, value_name = "NUMBER")]
    at_most: Option<u64>,
    /// Nobody came back sooner than an answer's Retry-After asked for
    #[arg(long)]
    retry_after_honoured: bool,
}

impl FilterArguments {
    fn members(&self) -> Map<String, Value> {
        let texts = [
            ("method", &self.method),
            ("path", &self.path),
            ("tenant", &self.tenant),
            ("application", &self.application),
            ("serial_number", &self.serial_number),
            ("group_tag", &self.group_tag),
        ];
        let texts = texts
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?))));
        let mut members: Map<_, _> = texts.collect();
        members.extend(
            self.status
                .map(|status| ("status".to_owned(), json!(status))),
        );
        members.extend(self.after.map(|after| ("after".to_owned(), json!(after))));
        members
    }
}

/// Shows the requests that were made, a line each.
pub(super) async fn requests(
    director: &Director,
    arguments: RequestsArguments,
) -> anyhow::Result<()> {
    if arguments.forget {
        let answer = director.delete("/rehearsal/requests").await?;
        return director.show(&answer);
    }
    let mut members = arguments.filter.members();
    members.extend(
        arguments
            .limit
            .map(|limit| ("limit".to_owned(), json!(limit))),
    );
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in &members {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        query.append_pair(name, &value);
    }
    let path = format!("/rehearsal/requests?{}", query.finish());
    let answer = director.get(&path).await?;
    director.show_as(&answer, list)
}

/// Holds something to be true; 1 where it is not.
pub(super) async fn assert(
    director: &Director,
    arguments: AssertArguments,
) -> anyhow::Result<ExitCode> {
    let mut body = Map::new();
    let counts = [
        ("exactly", arguments.exactly),
        ("at_least", arguments.at_least),
        ("at_most", arguments.at_most),
    ];
    for (name, count) in counts {
        body.extend(count.map(|count| (name.to_owned(), json!(count))));
    }
    let filter = arguments.filter.members();
    if !body.is_empty() || !filter.is_empty() {
        body.insert("requests".to_owned(), Value::Object(filter));
    }
    if arguments.retry_after_honoured {
        body.insert("retry_after_honoured".to_owned(), json!(true));
    }
    let path = "/rehearsal/requests/assert";
    let answer = director.post(path, &Value::Object(body)).await?;
    director.show_as(&answer, verdict)?;
    Ok(if answer["holds"] == true {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_REFUSED)
    })
}

/// Shows what the callers could do better.
pub(super) async fn report(director: &Director) -> anyhow::Result<()> {
    let answer = director.get("/rehearsal/report").await?;
    director.show_as(&answer, report_text)
}

/// Shows which rule was behind an answer.
pub(super) async fn explain(director: &Director, request: Uuid) -> anyhow::Result<()> {
    let answer = director
        .get(&format!("/rehearsal/explain/{request}"))
        .await?;
    director.show_as(&answer, |answer| {
        format!("{}\n", answer["explanation"].as_str().unwrap_or_default())
    })
}

fn list(answer: &Value) -> String {
    let mut text = String::new();
    for entry in answer["requests"].as_array().into_iter().flatten() {
        let word = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "{:>5}  {}  {:<6} {} {}  {}",
            entry["number"],
            word("at"),
            word("method"),
            entry["status"],
            word("path"),
            entry["explanation"].as_str().unwrap_or_default(),
        );
    }
    text
}

fn verdict(answer: &Value) -> String {
    if answer["holds"] == true {
        return "it holds\n".to_owned();
    }
    let why = answer["why"].as_array().into_iter().flatten();
    let lines: Vec<_> = why.filter_map(Value::as_str).collect();
    format!("it does not hold:\n  {}\n", lines.join("\n  "))
}

/// A report as a person reads it.
pub(in crate::cli) fn report_text(answer: &Value) -> String {
    let mut text = match answer["requests"].as_u64() {
        Some(1) => "1 request was made.\n".to_owned(),
        count => format!("{} requests were made.\n", count.unwrap_or_default()),
    };
    let findings = answer["findings"].as_array();
    let findings = findings.map_or(&[][..], Vec::as_slice);
    if findings.is_empty() {
        text.push_str("Nothing could be done better.\n");
    }
    for finding in findings {
        let word = |name: &str| finding[name].as_str().unwrap_or_default();
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "- {} ({} times, first in request {}): {}",
            word("kind"),
            finding["count"],
            finding["requests"][0],
            word("advice")
        );
    }
    text
}
