//! A way to a server that can be made slow, or silent, as networks and machines are.

use std::{path::Path, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UnixStream},
    sync::watch,
    task::JoinSet,
};

/// How what is sent comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Open,
    /// Each part so much later.
    Slow(Duration),
    /// Not until it is another.
    Shut,
}

/// The way to one server.
pub(super) struct Relay {
    port: u16,
    passage: watch::Sender<Passage>,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Opens a way to the server whose socket is in this directory.
    pub(super) async fn to(server: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (passage, seen) = watch::channel(Passage::Open);
        let socket = server.join(".s.PGSQL.5432");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut streams = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = UnixStream::connect(&socket).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                streams.spawn(carry(from_client, to_server, seen.clone()));
                streams.spawn(carry(from_server, to_client, seen.clone()));
            }
        });
        Self {
            port,
            passage,
            _tasks: tasks,
        }
    }

    /// The address of a database by this way.
    pub(super) fn url(&self, name: &str) -> String {
        format!("postgres://hangar@127.0.0.1:{}/{name}", self.port)
    }

    pub(super) fn make(&self, passage: Passage) {
        self.passage.send_replace(passage);
    }
}

async fn carry(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    mut passage: watch::Receiver<Passage>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer).await
        && count > 0
    {
        let slowness = *passage.borrow_and_update();
        if let Passage::Slow(delay) = slowness {
            tokio::time::sleep(delay).await;
        }
        let opened = passage
            .wait_for(|passage| *passage != Passage::Shut)
            .await
            .is_ok();
        if !opened || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
