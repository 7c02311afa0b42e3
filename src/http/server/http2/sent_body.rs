//! An answer's body that tells when the peer takes a part of it, down to the last byte: HTTP/2 lets
//! a peer keep one answer waiting while others go on.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::{Buf, Bytes};
use hyper::body::{Frame, SizeHint};

use super::vigil::Sending;

/// A body on its way.
pub(super) struct SentBody {
    body: Body,
    sending: Arc<Sending>,
}

/// A part of a body. It is with hyper until the peer has taken it.
pub(super) struct SentBytes {
    bytes: Bytes,
    sending: Arc<Sending>,
}

impl SentBody {
    pub(super) fn new(body: Body, sending: Arc<Sending>) -> Self {
        Self { body, sending }
    }
}

impl hyper::body::Body for SentBody {
    type Data = SentBytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<SentBytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let sending = &self.sending;
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| {
                frame.map_data(|bytes| SentBytes {
                    bytes,
                    sending: Arc::clone(sending),
                })
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Buf for SentBytes {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.sending.progressed();
        self.bytes.advance(count);
    }
}
