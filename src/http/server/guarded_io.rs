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
    time::{Instant, Sleep, sleep_until, timeout},
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
    /// Read from the socket, and not yet by hyper. Most requests never lie here: what comes whole is
    /// looked at in hyper's own buffer.
    held: BytesMut,
    /// How many of the held bytes hyper may have.
    cleared: usize,
    /// How long a phase between or within heads may last; bodies have their own deadline.
    deadline: Option<Instant>,
    /// Wakes at the deadline, or before it: to set it anew for every request would cost more.
    alarm: Option<Pin<Box<Sleep>>>,
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
            deadline: None,
            alarm: None,
        }
    }

    /// Looks at what is held and clears as much as hyper may have.
    fn inspect_held(&mut self) {
        if matches!(self.phase, Phase::New | Phase::Between) {
            // Empty lines before a request are allowed, and do not begin it.
            let begins = self.held.iter().position(|byte| !is_line_end(*byte));
            self.held.advance(begins.unwrap_or(self.held.len()));
        }
        let held = std::mem::take(&mut self.held);
        match self.inspect(&held) {
            Ok(cleared) => {
                self.held = held;
                self.cleared = cleared;
            }
            Err(fault) => self.refuse(fault),
        }
    }

    /// Looks at bytes that have just been read, where nothing is held: how many hyper may have. The
    /// others are held.
    fn inspect_new(&mut self, bytes: &[u8]) -> usize {
        let between = matches!(self.phase, Phase::New | Phase::Between);
        let inspected = match bytes.first() {
            Some(byte) if between && is_line_end(*byte) => Ok(0),
            _ => self.inspect(bytes),
        };
        match inspected {
            Ok(cleared) => {
                self.held
                    .extend_from_slice(bytes.get(cleared..).unwrap_or_default());
                cleared
            }
            Err(fault) => {
                self.refuse(fault);
                0
            }
        }
    }

    /// How many bytes hyper may have, up to a request's end.
    fn inspect(&mut self, bytes: &[u8]) -> Result<usize, HeadFault> {
        match self.phase {
            Phase::New | Phase::Between if !bytes.is_empty() => {
                self.deadline = None;
                self.inspect_head(bytes, 0)
            }
            Phase::Head { judged } if judged < bytes.len() => self.inspect_head(bytes, judged),
            Phase::Body(framing) => Ok(self.follow(framing, bytes)),
            _ => Ok(0),
        }
    }

    fn inspect_head(&mut self, bytes: &[u8], judged: usize) -> Result<usize, HeadFault> {
        let (head, body) = match head::judge(bytes, judged, &self.limits)? {
            Head::Complete { bytes, body } => (bytes, body),
            Head::Partial => {
                let judged = bytes.len();
                self.phase = Phase::Head { judged };
                return Ok(0);
            }
        };
        self.deadline = None;
        Ok(head + self.follow(body, bytes.get(head..).unwrap_or_default()))
    }

    /// Follows a body through what has come of it, and says how much that is.
    fn follow(&mut self, mut body: Framing, bytes: &[u8]) -> usize {
        let count = body.advance(bytes);
        self.phase = if body.ended() {
            Phase::Between
        } else if body.lost() {
            Phase::Refused
        } else {
            Phase::Body(body)
        };
        count
    }

    /// Reads no further, and has the service answer this fault.
    pub(super) fn refuse(&mut self, fault: HeadFault) {
        self.fault.put(fault);
        self.held = BytesMut::from(STAND_IN);
        self.cleared = STAND_IN.len();
        self.deadline = None;
        self.phase = Phase::Refused;
    }

    /// Ends a wait that has taken too long.
    fn lose_patience(&mut self, context: &mut Context<'_>) {
        let limit = match self.phase {
            Phase::New | Phase::Head { .. } => self.head_timeout,
            Phase::Between => self.idle_timeout,
            Phase::Body(_) | Phase::Refused | Phase::Ended => return,
        };
        let now = Instant::now();
        let deadline = *self.deadline.get_or_insert(now + limit);
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < alarm.deadline() {
            alarm.as_mut().reset(deadline);
        }
        // Who keeps the socket busy leaves the alarm no turn, so the clock is asked as well.
        let mut is_over = deadline <= now;
        while !is_over && alarm.as_mut().poll(context).is_ready() {
            is_over = alarm.deadline() == deadline;
            alarm.as_mut().reset(deadline);
        }
        if is_over {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
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
        buffer.put_slice(self.held.get(..bytes).unwrap_or_default());
        self.held.advance(bytes);
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
    /// Reads from the socket. No bytes mean that the peer has ended. What hyper may have is in its
    /// buffer, or held.
    fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.held.is_empty() && buffer.remaining() <= READ_BYTES {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
            let bytes = buffer.filled().get(before..).unwrap_or_default();
            let (count, cleared) = (bytes.len(), self.inspect_new(bytes));
            buffer.set_filled(before + cleared);
            return Poll::Ready(Ok(count));
        }
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
        let before = buffer.filled().len();
        loop {
            // What is behind a request is looked at when hyper asks for it: a fault is the fault of
            // the request that hyper gets next.
            if buffer.filled().len() > before || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if this.cleared == 0 && !this.held.is_empty() {
                this.inspect_held();
            }
            if this.cleared > 0 {
                this.hand_over(buffer);
                return Poll::Ready(Ok(()));
            }
            if matches!(this.phase, Phase::Refused | Phase::Ended) {
                return Poll::Ready(Ok(()));
            }
            match this.poll_fill(context, buffer) {
                Poll::Ready(Ok(0)) => this.peer_ended(),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    this.lose_patience(context);
                    if !matches!(this.phase, Phase::Refused | Phase::Ended) {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

/// Whether a byte can be part of an empty line.
fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REQUESTS: &str = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\
        POST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
        \r\n\r\nPOST /3 HTTP/1.1\r\nContent-Length: 5\r\n\r\nbytes\
        GET /4 HTTP/1.1\r\n\r\n";

    /// A socket in which so many bytes arrive at a time.
    struct Pieces<'a> {
        left: &'a [u8],
        bytes: usize,
    }

    impl AsyncRead for Pieces<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let count = self.bytes.min(self.left.len()).min(buffer.remaining());
            let (taken, left) = self.left.split_at(count);
            buffer.put_slice(taken);
            self.left = left;
            Poll::Ready(Ok(()))
        }
    }

    fn guarded<Io>(io: Io) -> GuardedIo<Io> {
        GuardedIo::new(io, &ServerOptions::default(), FaultSlot::default())
    }

    /// What hyper gets of bytes that come in such pieces, where its buffer has so much room.
    async fn passed_on(bytes: &str, piece: usize, room: usize) -> String {
        let mut guarded = guarded(Pieces {
            left: bytes.as_bytes(),
            bytes: piece,
        });
        let mut got = Vec::new();
        let mut space = vec![0; room];
        loop {
            match guarded.read(&mut space).await.unwrap() {
                0 => return String::from_utf8(got).unwrap(),
                count => got.extend_from_slice(&space[..count]),
            }
        }
    }

    proptest! {
        /// However requests come, and into whatever room, hyper gets them: without the empty lines
        /// between them, and in place of one that is cut off the stand-in.
        #[test]
        fn pieces_and_room_do_not_matter(
            piece in 1_usize..200,
            room in prop_oneof![1_usize..200, Just(2 * READ_BYTES)],
            cut in 0_usize..12,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let sent = &REQUESTS[..REQUESTS.len() - cut];
            let mut expected = REQUESTS.replacen("\r\n\r\n\r\n\r\nPOST", "\r\n\r\nPOST", 1);
            if cut > 0 {
                let last = expected.find("GET /4").unwrap();
                expected.replace_range(last.., std::str::from_utf8(STAND_IN).unwrap());
            }
            prop_assert_eq!(runtime.block_on(passed_on(sent, piece, room)), expected);
        }
    }

    #[tokio::test]
    async fn garbage_behind_a_request_is_not_its_fault() {
        let request = "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n1";
        let sent = format!("{request}\0\r\n\r\n");
        let mut guarded = guarded(Pieces {
            left: sent.as_bytes(),
            bytes: sent.len(),
        });
        let mut space = [0; 1024];
        let count = guarded.read(&mut space).await.unwrap();
        assert_eq!(&space[..count], request.as_bytes());
        assert_eq!(guarded.fault.take(), None);
        let count = guarded.read(&mut space).await.unwrap();
        assert_eq!(&space[..count], STAND_IN);
        assert_eq!(guarded.fault.take(), Some(HeadFault::Malformed));
    }

    /// A peer who sends empty lines as fast as they are read.
    struct Flood;

    impl AsyncRead for Flood {
        fn poll_read(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            ready!(tokio::task::coop::poll_proceed(context)).made_progress();
            buffer.put_slice(b"\r\n");
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn empty_lines_without_end_are_no_request() {
        let mut guarded = guarded(Flood);
        let mut space = [0; 1024];
        let time_passes = tokio::time::advance(ServerOptions::default().head_timeout);
        let (read, ()) = tokio::join!(guarded.read(&mut space), time_passes);
        assert_eq!(read.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_a_deadline_of_its_own() {
        let options = ServerOptions::default();
        let (mut peer, io) = tokio::io::duplex(1024);
        let mut guarded = guarded(io);
        let mut space = [0; 1024];
        // Together they are longer than any of the waits may be.
        for _ in 0..4 {
            tokio::time::advance(options.idle_timeout * 3 / 4).await;
            peer.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
            let waited = timeout(options.head_timeout * 3 / 4, guarded.read(&mut space)).await;
            assert!(waited.is_err(), "the head is not complete");
            peer.write_all(b"\r\n").await.unwrap();
            assert_eq!(guarded.read(&mut space).await.unwrap(), 18);
            assert_eq!(guarded.read(&mut []).await.unwrap(), 0, "there is no room");
            let waited = timeout(options.idle_timeout / 8, guarded.read(&mut space)).await;
            assert!(waited.is_err(), "nothing more was asked");
        }
        let before = Instant::now();
        assert_eq!(guarded.read(&mut space).await.unwrap(), 0);
        assert_eq!(before.elapsed(), options.idle_timeout * 7 / 8);
        // The shorter deadline comes into force though the longer was there first.
        let (mut peer, io) = tokio::io::duplex(1024);
        let mut guarded = self::guarded(io);
        peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(guarded.read(&mut space).await.unwrap(), 18);
        let waited = timeout(options.idle_timeout / 8, guarded.read(&mut space)).await;
        assert!(waited.is_err(), "nothing more was asked");
        peer.write_all(b"GET / ").await.unwrap();
        let before = Instant::now();
        let count = guarded.read(&mut space).await.unwrap();
        assert_eq!(&space[..count], STAND_IN);
        assert_eq!(before.elapsed(), options.head_timeout);
    }
}
