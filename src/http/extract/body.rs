//! Reads a request's body into memory, within bounds: size, time, and what all bodies hold together.
//!
//! A handler calls [`read`] after it knows the caller; until then not a byte of a body is read.
//! What the bytes mean is read elsewhere.

use std::{io::Read, ops::Deref, sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::http::error::ApiError;

/// How much is decompressed at one go.
const SLICE_BYTES: usize = 16 * 1024;
/// From which size on a body is kept in the buffer in which it came. A smaller one is copied: that
/// buffer is its connection's, of 8 or 16 KB, and the budget does not count it.
const WORTH_KEEPING_BYTES: usize = 2 * 1024;
/// By how much gzip may make a body larger: its frame, and what cannot be compressed.
const GZIP_SURPLUS_BYTES: usize = 16 * 1024;
/// When a caller may come back who found the budget spent.
const RETRY_BUSY: Duration = Duration::from_secs(2);

/// The memory that the bodies of all requests may hold together.
#[derive(Clone, Debug)]
pub struct BodyBudget(Arc<Semaphore>);

impl BodyBudget {
    /// A budget of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Gives bytes that are in memory their share; 503 if there is no room for them.
    pub fn hold(&self, bytes: Bytes) -> Result<HeldBody, ApiError> {
        let mut share = Share {
            budget: Arc::clone(&self.0),
            permit: None,
        };
        share.grow(bytes.len())?;
        Ok(HeldBody {
            bytes,
            _share: share,
        })
    }

    /// What is left, in bytes.
    pub fn available_bytes(&self) -> usize {
        self.0.available_permits()
    }
}

/// A body that has been read. Its share of the budget is given back when it is dropped.
#[derive(Debug)]
pub struct HeldBody {
    bytes: Bytes,
    _share: Share,
}

impl HeldBody {
    /// The bytes. A clone of them outlives the share, so keep none for long.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl Deref for HeldBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads and decompresses a body of at most `limit_bytes`, until `deadline`.
///
/// The errors are 413, 415, 408, 400 for a body that breaks off or is not what it says, and 503 at
/// once when the budget is spent.
pub async fn read(
    body: Body,
    headers: &HeaderMap,
    limit_bytes: usize,
    budget: &BodyBudget,
    deadline: Instant,
) -> Result<HeldBody, ApiError> {
    let coding = Coding::named(headers)?;
    let wire_limit_bytes = match coding {
        Coding::Identity => limit_bytes,
        // An endless body that decompresses to nothing must end, too.
        Coding::Gzip => limit_bytes + GZIP_SURPLUS_BYTES,
    };
    // Refused by its announced length, a body is not asked for: no `100 Continue` goes out.
    if body.size_hint().lower() > wire_limit_bytes as u64 {
        return Err(ApiError::too_large(limit_bytes));
    }
    let received = timeout_at(
        deadline,
        receive(body, wire_limit_bytes, limit_bytes, budget),
    )
    .await
    .map_err(|_| ApiError::timeout())??;
    match coding {
        Coding::Identity => Ok(received),
        Coding::Gzip => decompress(&received, limit_bytes, budget).await,
    }
}

/// How a body is encoded.
#[derive(Clone, Copy)]
enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    fn named(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(value) = values.next() else {
            return Ok(Self::Identity);
        };
        let value = value.to_str().unwrap_or("?").trim().to_ascii_lowercase();
        // Several codings, on one line or on several, only serve to multiply what a bomb yields.
        match (value.as_str(), values.next()) {
            ("" | "identity", None) => Ok(Self::Identity),
            ("gzip" | "x-gzip", None) => Ok(Self::Gzip),
            _ => Err(ApiError::unsupported_encoding()),
        }
    }
}

async fn receive(
    mut body: Body,
    wire_limit_bytes: usize,
    limit_bytes: usize,
    budget: &BodyBudget,
) -> Result<HeldBody, ApiError> {
    let mut buffer = Buffer::new(budget, wire_limit_bytes);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|cause| {
            ApiError::bad_request("The request body is malformed or incomplete.")
                .because(cause)
                .closing()
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > wire_limit_bytes - buffer.bytes.len() {
            return Err(ApiError::too_large(limit_bytes));
        }
        // Most bodies come in one piece, and need not be copied.
        let is_whole = buffer.bytes.is_empty() && body.is_end_stream();
        if is_whole && data.len() >= WORTH_KEEPING_BYTES {
            return budget.hold(data);
        }
        buffer.make_room(data.len())?;
        buffer.bytes.extend_from_slice(&data);
    }
    Ok(buffer.hold())
}

async fn decompress(
    received: &[u8],
    limit_bytes: usize,
    budget: &BodyBudget,
) -> Result<HeldBody, ApiError> {
    let mut decoder = MultiGzDecoder::new(received);
    let mut buffer = Buffer::new(budget, limit_bytes + 1);
    // A body of no bytes is no gzip, but clients do send the header with nothing.
    while !received.is_empty() {
        let slice = SLICE_BYTES.min(limit_bytes + 1 - buffer.bytes.len());
        buffer.make_room(slice)?;
        let read = buffer.fill(&mut decoder, slice).map_err(|cause| {
            ApiError::bad_request("The request body is not valid gzip.").because(cause)
        })?;
        if read == 0 {
            break;
        }
        if buffer.bytes.len() > limit_bytes {
            return Err(ApiError::too_large(limit_bytes));
        }
        // A large body is not worth another connection's turn.
        tokio::task::consume_budget().await;
    }
    Ok(buffer.hold())
}

/// Bytes whose capacity is paid for out of the budget.
struct Buffer {
    bytes: Vec<u8>,
    limit_bytes: usize,
    share: Share,
}

impl Buffer {
    fn new(budget: &BodyBudget, limit_bytes: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit_bytes,
            share: Share {
                budget: Arc::clone(&budget.0),
                permit: None,
            },
        }
    }

    /// Makes room for `more` bytes. Doubling keeps the copying in bounds, as a vector does itself.
    fn make_room(&mut self, more: usize) -> Result<(), ApiError> {
        let needed = self.bytes.len() + more;
        let held = self.bytes.capacity();
        if needed <= held {
            return Ok(());
        }
        let capacity = needed.max((held * 2).min(self.limit_bytes));
        self.share.grow(capacity - held)?;
        self.bytes.reserve_exact(capacity - self.bytes.len());
        Ok(())
    }

    /// Reads at most `slice` bytes to the end of the buffer, which has room for them.
    fn fill(&mut self, source: &mut impl Read, slice: usize) -> std::io::Result<usize> {
        let filled = self.bytes.len();
        self.bytes.resize(filled + slice, 0);
        let read = source.read(&mut self.bytes[filled..]);
        self.bytes
            .truncate(filled + read.as_ref().copied().unwrap_or(0));
        read
    }

    fn hold(self) -> HeldBody {
        HeldBody {
            bytes: self.bytes.into(),
            _share: self.share,
        }
    }
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
struct Share {
    budget: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Share {
    fn grow(&mut self, bytes: usize) -> Result<(), ApiError> {
        let more = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| Arc::clone(&self.budget).try_acquire_many_owned(bytes).ok())
            .ok_or_else(|| ApiError::busy(RETRY_BUSY))?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn encoded(coding: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, coding.parse().unwrap());
        headers
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    async fn status(
        body: impl Into<Body>,
        headers: &HeaderMap,
        limit_bytes: usize,
    ) -> Result<Vec<u8>, u16> {
        let budget = BodyBudget::new(1 << 20);
        let result = read(body.into(), headers, limit_bytes, &budget, soon()).await;
        let outcome = result
            .map(|body| body.to_vec())
            .map_err(|error| error.status().as_u16());
        assert_eq!(
            budget.available_bytes(),
            1 << 20,
            "everything is given back"
        );
        outcome
    }

    #[tokio::test]
    async fn a_body_may_be_as_large_as_its_limit() {
        let plain = HeaderMap::new();
        assert_eq!(status(vec![7; 100], &plain, 100).await, Ok(vec![7; 100]));
        assert_eq!(status(vec![7; 101], &plain, 100).await, Err(413));
        assert_eq!(status("", &plain, 0).await, Ok(vec![]));
        let body = gzip(&[7; 100]);
        let headers = encoded("gzip");
        assert_eq!(status(body.clone(), &headers, 100).await, Ok(vec![7; 100]));
        assert_eq!(status(body, &headers, 99).await, Err(413));
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_kept_as_it_came_and_counted() {
        for (length, is_kept) in [(4 * 1024, true), (100, false)] {
            let (sent, budget) = (Bytes::from(vec![7; length]), BodyBudget::new(4 * 1024));
            let body = Body::from(sent.clone());
            let held = read(body, &HeaderMap::new(), length, &budget, soon()).await;
            let held = held.unwrap();
            assert_eq!(held.bytes().as_ptr() == sent.as_ptr(), is_kept);
            assert_eq!(held.bytes(), &sent);
            assert_eq!(budget.available_bytes(), 4 * 1024 - length);
        }
        for (limit, budget, status) in [(4095, 4096, 413), (4096, 4095, 503)] {
            let body = Body::from(vec![7; 4096]);
            let (headers, budget) = (HeaderMap::new(), BodyBudget::new(budget));
            let refused = read(body, &headers, limit, &budget, soon());
            assert_eq!(refused.await.unwrap_err().status().as_u16(), status);
        }
    }

    #[tokio::test]
    async fn a_bomb_is_cut_at_the_limit() {
        let bomb = gzip(&vec![0; 100 << 20]);
        assert!(bomb.len() < 200 << 10);
        let outcome = status(bomb, &encoded("gzip"), 256 << 10).await;
        assert_eq!(outcome, Err(413));
    }

    #[tokio::test]
    async fn a_body_of_many_empty_members_ends() {
        let empty = gzip(b"");
        let body = empty.repeat(1000);
        let outcome = status(body.clone(), &encoded("gzip"), 64 << 10).await;
        assert_eq!(outcome, Ok(vec![]));
        let outcome = status(body, &encoded("gzip"), 1 << 10).await;
        assert_eq!(outcome, Err(413));
    }

    #[tokio::test]
    async fn only_gzip_is_decompressed_and_only_once() {
        let cases = [
            ("gzip", Ok(b"{}".to_vec())),
            ("X-GZIP", Ok(b"{}".to_vec())),
            ("deflate", Err(415)),
            ("br", Err(415)),
            ("gzip, gzip", Err(415)),
            ("gzip,identity", Err(415)),
        ];
        for (coding, expected) in cases {
            assert_eq!(
                status(gzip(b"{}"), &encoded(coding), 100).await,
                expected,
                "{coding}"
            );
        }
        let mut twice = encoded("gzip");
        twice.append(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        let outcome = status(gzip(b"{}"), &twice, 100).await;
        assert_eq!(outcome, Err(415));
    }

    #[tokio::test]
    async fn broken_gzip_is_the_callers_fault() {
        let whole = gzip(b"some text");
        let cut = whole[..whole.len() - 3].to_vec();
        let mut flipped = whole.clone();
        let checksum = flipped.len() - 5;
        flipped[checksum] ^= 1;
        let trailing = [whole.as_slice(), b"x"].concat();
        for body in [cut, flipped, trailing, b"not gzip".to_vec()] {
            let outcome = status(body, &encoded("gzip"), 100).await;
            assert_eq!(outcome, Err(400));
        }
    }

    #[tokio::test]
    async fn a_spent_budget_refuses_at_once_and_recovers() {
        let budget = BodyBudget::new(150);
        let plain = HeaderMap::new();
        let first = read(Body::from(vec![1; 100]), &plain, 100, &budget, soon())
            .await
            .unwrap();
        let second = read(Body::from(vec![1; 100]), &plain, 100, &budget, soon()).await;
        assert_eq!(second.unwrap_err().status(), 503);
        drop(first);
        assert_eq!(budget.available_bytes(), 150);
    }

    #[test]
    fn what_is_in_memory_already_takes_its_share() {
        let budget = BodyBudget::new(100);
        let held = budget.hold(Bytes::from_static(&[7; 60])).unwrap();
        assert_eq!(budget.available_bytes(), 40);
        let refused = budget.hold(Bytes::from_static(&[7; 60]));
        assert_eq!(refused.unwrap_err().status(), 503);
        drop(held);
        assert_eq!(budget.available_bytes(), 100);
        assert!(budget.hold(Bytes::new()).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_body_times_out() {
        let frames = futures_util::stream::once(async {
            Ok::<_, axum::Error>(Frame::data(Bytes::from("x")))
        });
        let endless = futures_util::StreamExt::chain(frames, futures_util::stream::pending());
        let outcome = status(Body::new(StreamBody::new(endless)), &HeaderMap::new(), 100).await;
        assert_eq!(outcome, Err(408));
    }
}
