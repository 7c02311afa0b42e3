//! A socket whose peer must take what is sent to it: one that takes nothing for too long is given
//! up. It lies beneath TLS and HTTP, so that it sees the peer's own doing and no buffer's.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A socket, and how long its peer may take nothing.
pub(super) struct StallGuard<Io> {
    io: Io,
    limit: Duration,
    /// Runs out while the peer takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
    stalled: bool,
}

impl<Io> StallGuard<Io> {
    /// Guards a socket.
    pub(super) fn new(io: Io, limit: Duration) -> Self {
        Self {
            io,
            limit,
            stall: None,
            stalled: false,
        }
    }

    /// Passes the outcome of a write on, unless the peer has taken nothing for too long.
    fn watch(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if outcome.is_ready() {
            self.stall = None;
            return outcome;
        }
        let limit = self.limit;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stall.as_mut().poll(context));
        self.stalled = true;
        Poll::Ready(given_up())
    }
}

fn given_up<T>() -> io::Result<T> {
    Err(io::ErrorKind::TimedOut.into())
}

impl<Io: AsyncRead + Unpin> AsyncRead for StallGuard<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(context, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for StallGuard<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.stalled {
            return Poll::Ready(given_up());
        }
        let outcome = Pin::new(&mut this.io).poll_write(context, bytes);
        this.watch(context, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.stalled {
            return Poll::Ready(given_up());
        }
        let outcome = Pin::new(&mut this.io).poll_write_vectored(context, slices);
        this.watch(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    /// A peer that was given up is not waited for, not even for the end.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.stalled {
            return Poll::Ready(given_up());
        }
        Pin::new(&mut this.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_a_little_now_and_then_is_waited_for() {
        let (mut peer, io) = tokio::io::duplex(1024);
        let mut guard = StallGuard::new(io, LIMIT);
        let reading = async {
            let mut all = Vec::new();
            let mut some = [0; 100];
            while all.len() < 4096 {
                tokio::time::advance(LIMIT / 2).await;
                let read = peer.read(&mut some).await.unwrap();
                all.extend_from_slice(&some[..read]);
            }
        };
        let (sent, ()) = tokio::join!(guard.write_all(&[0; 4096]), reading);
        sent.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up_for_good() {
        let (_peer, io) = tokio::io::duplex(1024);
        let mut guard = StallGuard::new(io, LIMIT);
        let error = guard.write_all(&[0; 4096]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        guard.write_all(b"x").await.unwrap_err();
        guard.shutdown().await.unwrap_err();
    }
}
