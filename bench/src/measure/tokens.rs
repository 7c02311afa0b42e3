//! What a token costs that the server never saw before. On the ceiling, where nothing else does.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use hangar::{
    authority::{Authority, Scopes, Subject, TokenRequest},
    domain::clock::Clock as _,
    lifecycle::SystemClock,
};
use jiff::SignedDuration;

use super::Place;
use crate::{
    body::Content,
    load::{self, Load, Target},
    requests::Creates,
    results::Tokens,
    server::Server,
    summary::median,
};

/// Sends so many requests, each with its own token, and as many with one for all; the medians of
/// the repeats.
pub(crate) fn measure(place: &Place, requests: u32, repeats: u32) -> anyhow::Result<Tokens> {
    let directory = place.empty()?;
    let server = Server::ceiling(&place.hangar, directory.path())?;
    let send = |tokens: Vec<String>| {
        let load = Load {
            targets: vec![Target {
                address: server.address.clone(),
                tokens,
            }],
            connections: 64,
            time: Duration::MAX,
            requests: u64::from(requests),
        };
        load::run(&load, Creates::new(Content::Padded, 1)?)
    };
    let (mut fresh, mut cached) = (Vec::new(), Vec::new());
    for _ in 0..repeats {
        fresh.push(send(mint(directory.path(), requests)?)?.per_second);
        cached.push(send(vec![server.token()?])?.per_second);
    }
    server.stop()?;
    let ratios = fresh
        .iter()
        .zip(&cached)
        .map(|(fresh, cached)| fresh / cached);
    Ok(Tokens {
        ratio: median(ratios),
        fresh_per_second: median(fresh),
        cached_per_second: median(cached),
    })
}

/// So many tokens of the server's authority, no two the same.
fn mint(data_dir: &Path, count: u32) -> anyhow::Result<Vec<String>> {
    let authority = Authority::open_existing(&data_dir.join("authority"), None)?;
    let directory = authority.directory();
    let user = directory.users.first().context("no user")?;
    let mut clients = directory.clients.iter();
    let client = clients.find(|client| client.secret.is_none());
    let request = TokenRequest {
        issuer: authority.remembered_issuer()?.context("no issuer")?,
        tenant: user.tenant,
        subject: Subject::User {
            principal_name: user.principal_name.clone(),
            client: client.context("no client")?.id.clone(),
        },
        scopes: Scopes::Granted,
        lifetime: SignedDuration::from_hours(24),
        issued_at: SystemClock.now(),
    };
    let mint = |_| Ok(authority.mint(&request)?);
    (0..count).map(mint).collect()
}
