//! The API on a real socket, as `hangar serve` puts it there.

use std::{net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};

use crate::http::{
    api::Api,
    server::{self, Drained, Listener, ServerOptions},
};

/// A server that ends when it is stopped or dropped.
pub struct TestServer {
    /// Where it listens.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinSet<Drained>,
}

impl TestServer {
    #[expect(clippy::expect_used, reason = "a test can't go on without its server")]
    pub(super) async fn start(
        api: Arc<Api>,
        options: ServerOptions,
        listener: impl FnOnce(TcpListener) -> Listener,
    ) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await;
        let tcp = tcp.expect("loopback has a free port");
        let address = tcp.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel();
        let answer = move |request, peer| Arc::clone(&api).answer(request, peer);
        let mut serving = JoinSet::new();
        let listeners = vec![listener(tcp)];
        serving.spawn(server::serve(listeners, answer, options, async {
            // To drop the sender is to ask for the end, too.
            let _ = stopped.await;
        }));
        Self {
            address,
            stop,
            serving,
        }
    }

    /// Asks it to end, and says how it did.
    ///
    /// # Panics
    /// Where it had ended in a panic.
    #[expect(
        clippy::expect_used,
        reason = "a server that panicked is a failed test"
    )]
    pub async fn stop(mut self) -> Drained {
        drop(self.stop);
        let ended = self.serving.join_next().await.expect("it is serving");
        ended.expect("it does not panic")
    }
}
