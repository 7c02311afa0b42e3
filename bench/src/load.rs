//! Loads a server over a number of connections, each with one request under way at a time.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::LocalSet,
};

use crate::{
    requests::{Requests, Sender},
    server::Server,
};

/// How much is asked of the server, and by whom. What is asked, `Requests` say.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Who is asked: connections go to each in turn.
    pub(crate) targets: Vec<Target>,
    /// How many connections.
    pub(crate) connections: usize,
    /// How long, unless `requests` are done before.
    pub(crate) time: Duration,
    /// How many requests at most.
    pub(crate) requests: u64,
}

/// A server, and in whose name it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Host and port.
    pub(crate) address: String,
    /// Bearer tokens, used in turn.
    pub(crate) tokens: Vec<String>,
}

impl Load {
    /// As many requests as get through in a time, all with one token.
    pub(crate) fn for_a_time(
        server: &Server,
        token: String,
        connections: usize,
        time: Duration,
    ) -> Self {
        Self {
            targets: vec![Target {
                address: server.address.clone(),
                tokens: vec![token],
            }],
            connections,
            time,
            requests: u64::MAX,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Loaded {
    /// Answered requests.
    pub(crate) requests: u64,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Answers a second.
    pub(crate) per_second: f64,
    /// The median time to an answer.
    pub(crate) p50_ms: f64,
    /// What 99 of 100 answers took at most.
    pub(crate) p99_ms: f64,
    /// What the slowest took.
    pub(crate) slowest_ms: f64,
}

struct Shared<R> {
    requests: R,
    sent: u64,
    micros: Vec<u32>,
}

/// Sends requests until the time or their number is over. Every answer must have the status that
/// the requests expect.
pub(crate) fn run<R: Requests>(load: &Load, requests: R) -> anyhow::Result<Loaded> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, run_here(load, requests))
}

async fn run_here<R: Requests>(load: &Load, requests: R) -> anyhow::Result<Loaded> {
    let shared = Rc::new(RefCell::new(Shared {
        requests,
        sent: 0,
        micros: Vec::new(),
    }));
    let mut streams = Vec::new();
    let targets = (0..load.targets.len()).cycle();
    for target in targets.take(load.connections) {
        let stream = TcpStream::connect(&load.targets[target].address).await?;
        stream.set_nodelay(true)?;
        streams.push((target, stream));
    }
    // Shared, because the tokens may be many.
    let load = Rc::new(load.clone());
    let started = Instant::now();
    let clients: Vec<_> = streams
        .into_iter()
        .map(|(target, stream)| {
            let (load, shared) = (Rc::clone(&load), Rc::clone(&shared));
            tokio::task::spawn_local(async move {
                client(&load, &load.targets[target], stream, &shared, started).await
            })
        })
        .collect();
    for client in clients {
        client.await??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let micros = std::mem::take(&mut shared.borrow_mut().micros);
    summary(micros, seconds)
}

async fn client<R: Requests>(
    load: &Load,
    target: &Target,
    mut stream: TcpStream,
    shared: &RefCell<Shared<R>>,
    started: Instant,
) -> anyhow::Result<()> {
    let mut request = Vec::with_capacity(8 * 1024);
    let mut answer = Vec::with_capacity(8 * 1024);
    while started.elapsed() < load.time {
        {
            let mut shared = shared.borrow_mut();
            if shared.sent == load.requests {
                break;
            }
            let turn = usize::try_from(shared.sent)? % target.tokens.len();
            shared.sent += 1;
            let sender = Sender {
                address: &target.address,
                token: &target.tokens[turn],
            };
            request.clear();
            shared.requests.write_next(sender, &mut request);
        }
        let sent = Instant::now();
        stream.write_all(&request).await?;
        read_answer(&mut stream, &mut answer, R::STATUS_LINE).await?;
        let micros = u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX);
        shared.borrow_mut().micros.push(micros);
    }
    Ok(())
}

/// Reads one answer and checks its status.
async fn read_answer(
    stream: &mut TcpStream,
    answer: &mut Vec<u8>,
    status_line: &[u8],
) -> anyhow::Result<()> {
    answer.clear();
    loop {
        if let Some(head) = memmem::find(answer, b"\r\n\r\n") {
            let length = content_length(&answer[..head])?;
            let whole = head + 4 + length;
            while answer.len() < whole {
                ensure!(stream.read_buf(answer).await? > 0, "the server hung up");
            }
            if !answer.starts_with(status_line) {
                bail!(
                    "not {}: {}",
                    String::from_utf8_lossy(status_line),
                    String::from_utf8_lossy(answer)
                );
            }
            return Ok(());
        }
        ensure!(stream.read_buf(answer).await? > 0, "the server hung up");
    }
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    const NAME: &[u8] = b"\r\ncontent-length: ";
    let name = memmem::find(head, NAME).context("an answer without a length")?;
    let value = head[name + NAME.len()..]
        .split(|byte| *byte == b'\r')
        .next();
    Ok(std::str::from_utf8(value.unwrap_or_default())?.parse()?)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests are far below where doubles become coarse"
)]
fn summary(mut micros: Vec<u32>, seconds: f64) -> anyhow::Result<Loaded> {
    micros.sort_unstable();
    let at = |share: usize| micros.get((micros.len() * share / 100).min(micros.len() - 1));
    let (Some(p50), Some(p99), Some(slowest)) = (at(50), at(99), micros.last()) else {
        bail!("nothing was answered");
    };
    let ms = |micros: &u32| f64::from(*micros) / 1000.0;
    Ok(Loaded {
        requests: micros.len() as u64,
        seconds,
        per_second: micros.len() as f64 / seconds,
        p50_ms: ms(p50),
        p99_ms: ms(p99),
        slowest_ms: ms(slowest),
    })
}
