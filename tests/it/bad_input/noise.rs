//! Random bytes and damaged requests on a socket: an answer or an end in bounded time, each accepted
//! import stored once, and a server that serves afterwards.

use std::time::Duration;

use futures_util::future::join_all;
use hangar::{http::server::ServerOptions, testing::TestOptions};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::client::Site;

/// How many connections are open at a time.
const BATCH: usize = 32;
const BATCHES: u32 = 64;
const SHORT: Duration = Duration::from_millis(100);

/// What is done to a good request before it is sent.
#[derive(Clone, Debug)]
enum Damage {
    /// A byte is another one.
    Set(prop::sample::Index, u8),
    /// Bytes are inserted.
    Insert(prop::sample::Index, Vec<u8>),
    /// A part is left out.
    Cut(prop::sample::Index, usize),
    /// A part comes twice.
    Repeat(prop::sample::Index, usize),
}

/// Something to send.
#[derive(Clone, Debug)]
enum Noise {
    Bytes(Vec<u8>),
    Lines(Vec<String>),
    /// Good requests one behind the other, damaged together.
    Damaged(usize, Vec<Damage>),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<prop::sample::Index>();
    let telling = prop::sample::select(vec![
        "\r\n\r\n",
        "\r\n",
        "\n",
        "\0",
        ":",
        " ",
        "{",
        "}",
        "\"",
        "\\ud800",
        "%",
        "\u{feff}",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Encoding: gzip\r\n",
        "Expect: 100-continue\r\n",
        "Connection: close\r\n",
        "Upgrade: h2c\r\n",
    ]);
    let bytes = prop_oneof![
        telling.prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..8),
    ];
    prop_oneof![
        (place.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (place.clone(), bytes).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (place.clone(), 1_usize..200).prop_map(|(at, length)| Damage::Cut(at, length)),
        (place, 1_usize..200).prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

fn noise() -> impl Strategy<Value = Noise> {
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 1..2_000).prop_map(Noise::Bytes),
        1 => prop::collection::vec("[ -~]{0,40}", 1..20).prop_map(Noise::Lines),
        3 => (1_usize..4, prop::collection::vec(damage(), 1..4))
            .prop_map(|(requests, damages)| Noise::Damaged(requests, damages)),
    ]
}

fn bytes_of(noise: &Noise, good: &str) -> Vec<u8> {
    match noise {
        Noise::Bytes(bytes) => bytes.clone(),
        Noise::Lines(lines) => (lines.join("\r\n") + "\r\n\r\n").into_bytes(),
        Noise::Damaged(requests, damages) => {
            let mut bytes = good.repeat(*requests).into_bytes();
            for damage in damages {
                apply(damage, &mut bytes);
            }
            bytes
        }
    }
}

fn apply(damage: &Damage, bytes: &mut Vec<u8>) {
    let part = |at: &prop::sample::Index, length: usize| {
        let start = at.index(bytes.len().max(1)).min(bytes.len());
        start..(start + length).min(bytes.len())
    };
    match damage {
        Damage::Set(at, byte) => {
            let part = part(at, 1);
            bytes[part].fill(*byte);
        }
        Damage::Insert(at, inserted) => {
            let start = part(at, 0).start;
            bytes.splice(start..start, inserted.iter().copied());
        }
        Damage::Cut(at, length) => {
            let part = part(at, *length);
            bytes.drain(part);
        }
        Damage::Repeat(at, length) => {
            let part = part(at, *length);
            let again = bytes[part.clone()].to_vec();
            bytes.splice(part.start..part.start, again);
        }
    }
}

/// The statuses of the answers in what a connection said. No answer repeats a status line.
fn statuses(said: &[u8]) -> Vec<u16> {
    let said = String::from_utf8_lossy(said);
    let lines = said.match_indices("HTTP/1.");
    lines
        .filter_map(|(at, _)| said.get(at + 9..at + 12)?.parse().ok())
        .collect()
}

#[test]
fn noise_is_answered_or_ended_and_the_server_goes_on() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let options = TestOptions {
        body_timeout: SHORT,
        ..TestOptions::default()
    };
    let server = ServerOptions {
        head_timeout: SHORT,
        idle_timeout: SHORT,
        linger_timeout: SHORT,
        ..ServerOptions::default()
    };
    let site = runtime.block_on(Site::open_with(options, server));
    let good = site.good_post();
    let mut runner = TestRunner::new(Config {
        cases: BATCHES,
        failure_persistence: None,
        ..Config::default()
    });
    let batches = prop::collection::vec((noise(), any::<bool>()), BATCH);
    let outcome = runner.run(&batches, |batch| {
        let before = runtime.block_on(site.stored());
        let said = runtime.block_on(join_all(batch.iter().map(|(noise, ends)| {
            let bytes = bytes_of(noise, &good);
            let site = &site;
            async move {
                let mut client = site.connect().await;
                client.send(&bytes).await;
                if *ends {
                    client.half_close().await;
                }
                client.rest().await
            }
        })));
        let all: Vec<u16> = said.iter().flat_map(|said| statuses(said)).collect();
        prop_assert!(
            all.iter().all(|status| (100..500).contains(status)),
            "{:?}",
            all
        );
        let accepted = all.iter().filter(|status| **status == 201).count();
        let stored = runtime.block_on(site.stored()) - before;
        prop_assert_eq!(accepted, stored);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    runtime.block_on(async {
        let stored = site.stored().await;
        assert!(stored > 0, "no damage was ever harmless");
        site.assert_well(stored).await;
    });
}
