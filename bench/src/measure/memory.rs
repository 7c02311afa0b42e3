//! What the server keeps in memory: at rest, and after many creates.

use std::time::Duration;

use super::Place;
use crate::{
    body::Content,
    load::{self, Load, Target},
    requests::Creates,
    results::Memory,
    server::Server,
};

/// Measures at rest and, unless it is 0, after so many creates.
pub(crate) fn measure(place: &Place, creates: u64) -> anyhow::Result<Memory> {
    let directory = place.empty()?;
    let paused = ["--registration-delay", "1h"];
    let server = Server::hangar(&place.hangar, directory.path(), &paused)?;
    server.first_answer()?;
    let idle_mib = server.memory_mib()?;
    let mut loaded_mib = None;
    if creates > 0 {
        let load = Load {
            targets: vec![Target {
                address: server.address.clone(),
                tokens: vec![server.token()?],
            }],
            connections: 64,
            time: Duration::MAX,
            requests: creates,
        };
        load::run(&load, Creates::new(Content::Padded, 1)?)?;
        loaded_mib = Some(server.memory_mib()?);
    }
    server.stop()?;
    Ok(Memory {
        idle_mib,
        loaded_mib,
    })
}
