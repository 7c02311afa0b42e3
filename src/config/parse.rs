//! From text to what it means. Each error completes the sentence "*the text* …", and names a value
//! that would do.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use jiff::SignedDuration;
use secrecy::SecretString;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};
use url::Url;
use uuid::Uuid;

use crate::domain::{
    assignment::{GroupId, GroupRule},
    tag_pattern::TagPattern,
    tenant::TenantId,
};

pub(super) fn text(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("is empty; leave the setting out instead".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

pub(super) fn path(path: &str) -> Result<PathBuf, String> {
    text(path).map(PathBuf::from)
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "is not an IP address with a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned()
    })
}

pub(super) fn origin(text: &str) -> Result<Url, String> {
    const EXAMPLE: &str = "such as https://hangar.example.com";
    let url = Url::parse(text).map_err(|error| format!("is not an address {EXAMPLE}: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!("is not an http or https address {EXAMPLE}"));
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.path() != "/"
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(format!(
            "says more than scheme, host and port; write an address {EXAMPLE}"
        ));
    }
    Ok(url)
}

pub(super) fn tenant(text: &str) -> Result<TenantId, String> {
    text.parse().map_err(|_| {
        "is not a tenant's id, such as 11111111-2222-3333-4444-555555555555".to_owned()
    })
}

pub(super) fn group_rule(text: &str) -> Result<GroupRule, String> {
    let rule = text
        .split_once('=')
        .and_then(|(group, tag)| Some((Uuid::try_parse(group.trim()).ok()?, tag.trim())));
    match rule {
        Some((group, tag)) => Ok(GroupRule {
            group: GroupId(group),
            tag: TagPattern::new(tag),
        }),
        None => Err(
            "is not a group's id, an equals sign and a group tag, such as \
             22222222-3333-4444-5555-666666666666=Sales*"
                .to_owned(),
        ),
    }
}

pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().map(|network: IpNet| network.trunc());
    network
        .or_else(|_| {
            text.parse()
                .map(|address: IpAddr| IpNet::from(address.to_canonical()))
        })
        .map_err(|_| {
            "is neither an IP address nor a network, such as 10.1.2.3 or 10.0.0.0/8".to_owned()
        })
}

pub(super) fn database_url(text: &str) -> Result<SecretString, String> {
    let schemes = ["sqlite://", "postgres://", "postgresql://"];
    let place = schemes
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or_default();
    if place.is_empty() {
        return Err("is neither sqlite://PATH nor postgres://USER@HOST/DATABASE".to_owned());
    }
    Ok(SecretString::from(text))
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    const HELP: &str = "write off, error, warn, info, debug or trace, or a filter such as \
                        info,hangar::store=debug";
    let text = self::text(text)?;
    // The filter takes a bare word that is no level for a part of the program, so that a misspelt
    // level would turn nearly everything off without a word.
    for word in text.split(',').map(str::trim) {
        let is_level = word.parse::<LevelFilter>().is_ok();
        if !word.contains(['=', '[']) && !is_level {
            return Err(format!("has {word:?} for a level; {HELP}"));
        }
    }
    match EnvFilter::builder().parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(format!("cannot be read ({error}); {HELP}")),
    }
}

pub(super) fn duration(text: &str, least: u64, most: u64) -> Result<Duration, String> {
    let duration = text
        .parse::<SignedDuration>()
        .map_err(|_| "is not a span of time, such as 30s, 5m or 24h".to_owned())?;
    let bounds = Duration::from_secs(least)..=Duration::from_secs(most);
    Duration::try_from(duration)
        .ok()
        .filter(|duration| bounds.contains(duration))
        // All upper bounds are whole hours, and read better so.
        .ok_or_else(|| format!("is not between {least}s and {}h", most / (60 * 60)))
}

pub(super) fn count(text: &str, least: u64, most: u64) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| format!("is not a whole number from {least} to {most}"))
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| "is not a number above 0 and at most 1, such as 0.25".to_owned())
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| "is neither true nor false".to_owned())
}

pub(super) fn choice<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let chosen = words.iter().find(|(word, _)| *word == text);
    chosen.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("is none of: {}", words.join(", "))
    })
}
