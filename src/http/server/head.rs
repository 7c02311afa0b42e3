//! Judges a request's head before hyper sees it.
//!
//! hyper answers a head that it does not like with an empty body, and one that says twice how long
//! its body is it quietly repairs. Here every such head is recognised first, by the same parser, so
//! that the answer can be Graph's.

use std::mem::MaybeUninit;

use http::{Method, Uri};

use super::framing::Framing;
use crate::http::layers::limits::{HEADER_LIMIT, HeadFault, HeadLimits};

/// What the request line has beside its target: a method, a version and spaces.
const REQUEST_LINE_SURPLUS_BYTES: usize = 64;
/// The least that hyper takes for a buffer.
const LEAST_BUFFER_BYTES: usize = 8 * 1024;

/// A head as far as it has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Its end has not come.
    Partial,
    /// It ends after `bytes`; `body` says what follows.
    Complete { bytes: usize, body: Framing },
}

/// How much a buffer must hold so that no acceptable head is too large for it.
pub(super) fn buffer_bytes(limits: &HeadLimits) -> usize {
    let largest = limits.target_bytes + REQUEST_LINE_SURPLUS_BYTES + limits.headers_bytes;
    (2 * largest).max(LEAST_BUFFER_BYTES)
}

/// Judges the head at the start of `bytes`, the first `seen` of which were judged before and held
/// no complete head.
pub(super) fn judge(bytes: &[u8], seen: usize, limits: &HeadLimits) -> Result<Head, HeadFault> {
    // A slow head is parsed at its beginning and at its end, not at every byte in between.
    if seen > 0 && !may_end_after(bytes, seen) {
        measure(bytes, limits)?;
        return Ok(Head::Partial);
    }
    let mut headers = [MaybeUninit::uninit(); HEADER_LIMIT];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => {
            measure(bytes, limits)?;
            return Ok(Head::Partial);
        }
        Err(httparse::Error::TooManyHeaders) => return Err(HeadFault::HeadersTooLarge),
        Err(_) => return Err(HeadFault::Malformed),
    };
    measure(bytes.get(..length).unwrap_or(bytes), limits)?;
    let target = request.path.unwrap_or_default();
    if target.len() > limits.target_bytes {
        return Err(HeadFault::TargetTooLong);
    }
    let method = request.method.unwrap_or_default();
    if Method::from_bytes(method.as_bytes()).is_err() || Uri::try_from(target).is_err() {
        return Err(HeadFault::Malformed);
    }
    let body = body_of(request.headers, request.version)?;
    Ok(Head::Complete {
        bytes: length,
        body,
    })
}

/// True if an empty line may end within the bytes that are new.
fn may_end_after(bytes: &[u8], seen: usize) -> bool {
    let tail = bytes.get(seen.saturating_sub(3)..).unwrap_or_default();
    let followed_by =
        |at: usize, end: &[u8]| tail.get(at + 1..).is_some_and(|rest| rest.starts_with(end));
    tail.iter()
        .enumerate()
        .any(|(at, byte)| *byte == b'\n' && (followed_by(at, b"\n") || followed_by(at, b"\r\n")))
}

/// Bounds a head's two parts, whether it is complete or not.
fn measure(bytes: &[u8], limits: &HeadLimits) -> Result<(), HeadFault> {
    let line = bytes.iter().position(|byte| *byte == b'\n');
    let line_bytes = line.unwrap_or(bytes.len());
    if line_bytes > limits.target_bytes + REQUEST_LINE_SURPLUS_BYTES {
        return Err(HeadFault::TargetTooLong);
    }
    if bytes.len() - line_bytes > limits.headers_bytes {
        return Err(HeadFault::HeadersTooLarge);
    }
    Ok(())
}

/// Reads where the body ends, and refuses a head that leaves room for two opinions about it.
fn body_of(headers: &[httparse::Header<'_>], version: Option<u8>) -> Result<Framing, HeadFault> {
    let values = |name: &'static str| {
        headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.trim_ascii())
    };
    if values("host").count() > 1 {
        return Err(HeadFault::Malformed);
    }
    let mut lengths = values("content-length");
    let mut codings = values("transfer-encoding");
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(Framing::none()),
        (Some(_), Some(_)) => Err(HeadFault::AmbiguousLength),
        (Some(length), None) => {
            if lengths.any(|other| other != length) {
                return Err(HeadFault::AmbiguousLength);
            }
            read_length(length)
                .map(Framing::length)
                .ok_or(HeadFault::Malformed)
        }
        (None, Some(coding)) => {
            // Other transfer codings are not understood, and HTTP/1.0 knows none.
            let plain = coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
            if plain && version == Some(1) {
                Ok(Framing::chunked())
            } else {
                Err(HeadFault::Malformed)
            }
        }
    }
}

/// Digits only: a sign or a list means different lengths to different readers. hyper keeps the two
/// highest numbers for its own purposes.
fn read_length(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let length = std::str::from_utf8(value).ok()?.parse().ok()?;
    (digits && length < u64::MAX - 1).then_some(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged(head: &str) -> Result<Head, HeadFault> {
        judge(head.as_bytes(), 0, &HeadLimits::default())
    }

    #[test]
    fn a_complete_head_says_what_follows() {
        let cases = [
            ("GET / HTTP/1.1\r\n\r\n", Framing::none()),
            ("GET / HTTP/1.0\n\n", Framing::none()),
            (
                "POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
                Framing::none(),
            ),
            (
                "POST /x HTTP/1.1\r\ncontent-length: 5\r\n\r\n",
                Framing::length(5),
            ),
            (
                "POST /x HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n",
                Framing::length(5),
            ),
            (
                "POST /x HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n",
                Framing::chunked(),
            ),
        ];
        for (head, body) in cases {
            let bytes = head.len();
            assert_eq!(judged(head), Ok(Head::Complete { bytes, body }), "{head}");
        }
        assert_eq!(judged("GET / HTTP/1.1\r\nHost: a\r\n"), Ok(Head::Partial));
    }

    #[test]
    fn a_bad_head_is_named() {
        use HeadFault::{AmbiguousLength, HeadersTooLarge, Malformed, TargetTooLong};
        let post = |lines: &str| format!("POST / HTTP/1.1\r\n{lines}\r\n\r\n");
        let cases = [
            ("GET\r\n\r\n".to_owned(), Malformed),
            ("GET / HTTP/2.0\r\n\r\n".to_owned(), Malformed),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), Malformed),
            ("\u{16}\u{3}\u{1}\u{2}".to_owned(), Malformed),
            ("GET /a b HTTP/1.1\r\n\r\n".to_owned(), Malformed),
            (post("No colon"), Malformed),
            (post("Host: a\r\nHost: b"), Malformed),
            (post("Content-Length: -1"), Malformed),
            (post("Content-Length: +1"), Malformed),
            (post("Content-Length: 1, 1"), Malformed),
            (post("Content-Length: 18446744073709551615"), Malformed),
            (
                post("Content-Length: 1\r\nContent-Length: 2"),
                AmbiguousLength,
            ),
            (
                post("Content-Length: 1\r\nTransfer-Encoding: chunked"),
                AmbiguousLength,
            ),
            (
                post("Transfer-Encoding: chunked\r\nContent-Length: 1"),
                AmbiguousLength,
            ),
            (post("Transfer-Encoding: gzip, chunked"), Malformed),
            (
                post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
                Malformed,
            ),
            (
                "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
                Malformed,
            ),
            (
                format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(16 << 10)),
                TargetTooLong,
            ),
            (format!("GET /{}", "x".repeat(17 << 10)), TargetTooLong),
            (
                post(&format!("X: {}", "x".repeat(64 << 10))),
                HeadersTooLarge,
            ),
            (
                format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(64 << 10)),
                HeadersTooLarge,
            ),
            (post(&["X: 1"; 101].join("\r\n")), HeadersTooLarge),
        ];
        for (head, fault) in cases {
            assert_eq!(judged(&head), Err(fault), "{head:.60}");
        }
        assert!(judged(&post(&["X: 1"; 100].join("\r\n"))).is_ok());
        let target = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat((16 << 10) - 1));
        assert!(judged(&target).is_ok());
    }

    proptest! {
        /// However a head is cut into pieces, the judgement is the same.
        #[test]
        fn pieces_do_not_matter(cut in 1_usize..60, line_end in "\r?\n") {
            let whole = format!("POST /x HTTP/1.1{line_end}Host: a{line_end}Content-Length: 3{line_end}{line_end}");
            let whole = whole.as_bytes();
            let limits = HeadLimits::default();
            let mut seen = 0;
            let mut end = cut.min(whole.len());
            while let Head::Partial = judge(&whole[..end], seen, &limits).unwrap() {
                prop_assert!(end < whole.len());
                seen = end;
                end = (end + cut).min(whole.len());
            }
            let complete = Head::Complete { bytes: whole.len(), body: Framing::length(3) };
            prop_assert_eq!(judge(&whole[..end], seen, &limits), Ok(complete));
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), seen in 0_usize..200) {
            let _ = judge(&bytes, seen.min(bytes.len()), &HeadLimits::default());
        }
    }
}
