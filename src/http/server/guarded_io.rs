//! The socket as hyper sees it: only whole, acceptable heads, and no peer that stands still.
//!
//! - A head is handed on when it is complete and `head` finds nothing wrong with it. In place of a
//!   bad or a slow one hyper gets a stand-in, and the service finds the fault in the [`FaultSlot`]:
//!   so that the answer goes the way of every answer, and hyper has nothing to refuse by itself.
//! - Silence between two requests ends the connection without a word.
//!
//! A peer that takes nothing is `stall_guard`'s.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::{Sleep, sleep, timeout},
};

use super::{
    ServerOptions,
    framing::Framing,
    head::{self, Head},
};
use crate::http::layers::limits::{HeadFault, HeadLimits};

/// What hyper gets in place of a head that it must not see.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n";
/// The most that is read at one go. It also bounds what hyper sets aside for a connection's body.
const READ_BYTES: usize = 16 * 1024;

/// Tells the service that the request before it is a stand-in, and for what.
#[derive(Clone, Default)]
pub(super) struct FaultSlot(Arc<Mutex<Option<HeadFault>>>);

impl FaultSlot {
    /// The fault, once.
    pub(super) fn take(&self) -> Option<HeadFault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, fault: HeadFault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }
}

/// A connection's socket under guard.
pub(super) struct GuardedIo<Io> {
    io: Io,
    fault: FaultSlot,
    limits: HeadLimits,
    head_timeout: Duration,
    idle_timeout: Duration,
    phase: Phase,
    /// Read from the socket, and not yet by hyper.
    held: BytesMut,
    /// How many of the held bytes hyper may have.
    cleared: usize,
    /// Runs out for the phases between and within heads; bodies have their own deadline.
    patience: Option<Pin<Box<Sleep>>>,
}

/// Where in its requests a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before the first request.
    New,
    /// Behind a request.
    Between,
    /// Within a head, the first bytes of which were judged.
    Head { judged: usize },
    /// Within a body.
    Body(Framing),
    /// Reading no further, whatever may come.
    Refused,
    /// Nothing more will come.
    Ended,
}

impl<Io> GuardedIo<Io> {
    /// Guards a new connection.
    pub(super) fn new(io: Io, options: &ServerOptions, fault: FaultSlot) -> Self {
        Self {
            io,
            fault,
            limits: options.head,
            head_timeout: options.head_timeout,
            idle_timeout: options.idle_timeout,
            phase: Phase::New,
            held: BytesMut::new(),
            cleared: 0,
            patience: None,
        }
    }

    /// Looks at what is held and clears as much as hyper may have, up to a request's end.
    fn inspect(&mut self) {
        match self.phase {
            Phase::New | Phase::Between => {
                // Empty lines before a request are allowed, and do not begin it.
                let begins = self.held.iter().position(|byte| !b"\r\n".contains(byte));
                self.held.advance(begins.unwrap_or(self.held.len()));
                if !self.held.is_empty() {
                    self.phase = Phase::Head { judged: 0 };
                    self.patience = None;
                    self.inspect_head(0);
                }
            }
            Phase::Head { judged } if judged < self.held.len() => self.inspect_head(judged),
            Phase::Body(mut framing) => {
                self.cleared = framing.advance(&self.held);
                self.phase = if framing.ended() {
                    Phase::Between
                } else if framing.lost() {
                    Phase::Refused
                } else {
                    Phase::Body(framing)
                };
            }
            Phase::Head { .. } | Phase::Refused | Phase::Ended => {}
        }
    }

    fn inspect_head(&mut self, judged: usize) {
        match head::judge(&self.held, judged, &self.limits) {
            Ok(Head::Partial) => {
                self.phase = Phase::Head {
                    judged: self.held.len(),
                };
            }
            Ok(Head::Complete { bytes, body }) => {
                self.cleared = bytes;
                self.patience = None;
                self.phase = if body.ended() {
                    Phase::Between
                } else {
                    Phase::Body(body)
                };
            }
            Err(fault) => self.refuse(fault),
        }
    }

    /// Reads no further, and has the service answer this fault.
    pub(super) fn refuse(&mut self, fault: HeadFault) {
        self.fault.put(fault);
        self.held = BytesMut::from(STAND_IN);
        self.cleared = STAND_IN.len();
        self.patience = None;
        self.phase = Phase::Refused;
    }

    /// Ends a wait that has taken too long.
    fn lose_patience(&mut self, context: &mut Context<'_>) {
        let limit = match self.phase {
            Phase::New | Phase::Head { .. } => self.head_timeout,
            Phase::Between => self.idle_timeout,
            Phase::Body(_) | Phase::Refused | Phase::Ended => return,
        };
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(limit)));
        if patience.as_mut().poll(context).is_pending() {
            return;
        }
        match self.phase {
            Phase::Head { .. } => self.refuse(HeadFault::TooSlow),
            _ => self.phase = Phase::Ended,
        }
    }

    /// Takes note that the peer will send nothing more.
    fn peer_ended(&mut self) {
        match self.phase {
            Phase::Head { .. } => self.refuse(HeadFault::Malformed),
            _ => self.phase = Phase::Ended,
        }
    }

    /// Gives hyper what it may have, as far as it has room.
    fn hand_over(&mut self, buffer: &mut ReadBuf<'_>) {
        let bytes = self.cleared.min(buffer.remaining()).min(READ_BYTES);
        buffer.put_slice(&self.held.split_to(bytes));
        self.cleared -= bytes;
        if self.held.is_empty() {
            // A silent connection holds no memory.
            self.held = BytesMut::new();
        }
    }

    /// True if the peer may still be sending what nobody will read.
    fn within_request(&self) -> bool {
        match self.phase {
            Phase::Head { .. } | Phase::Body(_) | Phase::Refused => true,
            Phase::New | Phase::Between | Phase::Ended => !self.held.is_empty(),
        }
    }
}

impl<Io: AsyncRead + Unpin> GuardedIo<Io> {
    /// Reads from the socket into what is held. No bytes mean that the peer has ended.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.io).poll_read(context, &mut buffer))?;
        self.held.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> GuardedIo<Io> {
    /// Closes the socket. A peer that is still sending is listened to for a while: closing at once
    /// would reset the connection, and could take the answer from it.
    pub(super) async fn close(mut self, linger: Duration) {
        let lingers = self.within_request();
        let listen = async {
            let shut = self.io.shutdown().await.is_ok();
            let mut discarded = BytesMut::with_capacity(READ_BYTES);
            while shut && lingers && matches!(self.io.read_buf(&mut discarded).await, Ok(1..)) {
                discarded.clear();
            }
        };
        // Whether the peer or the time came to an end makes no difference.
        let _ = timeout(linger, listen).await;
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for GuardedIo<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.cleared == 0 {
                this.inspect();
            }
            if this.cleared == 0 {
                this.lose_patience(context);
            }
            if this.cleared > 0 {
                this.hand_over(buffer);
                return Poll::Ready(Ok(()));
            }
            if matches!(this.phase, Phase::Refused | Phase::Ended) {
                return Poll::Ready(Ok(()));
            }
            if ready!(this.poll_fill(context))? == 0 {
                this.peer_ended();
            }
        }
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for GuardedIo<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    /// Only flushes: [`GuardedIo::close`] shuts the socket down, with more patience.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
