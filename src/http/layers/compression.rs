//! Answers in gzip, for clients that take it and bodies that gain by it.

use std::{
    io::Write,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{body::Body, response::Response};
use bytes::{Buf, Bytes};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use hyper::body::{Body as _, Frame};
use tokio::task::coop;

/// Below this a compressed answer does not travel faster.
const WORTHWHILE_BYTES: u64 = 1024;
/// How much is compressed at one go: about a tenth of a millisecond's work.
const SLICE_BYTES: usize = 4 * 1024;
/// How much compressed output is gathered before it is passed on.
const OUTPUT_BYTES: usize = 16 * 1024;

/// True if the client takes gzip at least as gladly as a plain answer.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let mut gzip = None;
    let mut identity = None;
    let mut any = None;
    for element in elements(headers) {
        let (coding, quality) = coding_and_quality(element);
        match coding.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(quality),
            "identity" => identity = Some(quality),
            "*" => any = Some(quality),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0);
    // A plain answer that is not mentioned is acceptable, and never preferred.
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// Compresses the answer if it is large enough and `client_takes_gzip`.
pub fn encode(mut response: Response, client_takes_gzip: bool) -> Response {
    let worthwhile = match response.body().size_hint().exact() {
        Some(bytes) => bytes > WORTHWHILE_BYTES,
        None => true,
    };
    if !worthwhile || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !client_takes_gzip {
        return response;
    }
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.remove(header::CONTENT_LENGTH);
    response.map(|inner| {
        Body::new(GzipBody {
            inner,
            waiting: Bytes::new(),
            // The fast level: most of a list's bytes are hashes, which no level makes smaller.
            encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())),
        })
    })
}

fn elements(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
}

/// The coding's name and its quality in thousandths.
fn coding_and_quality(element: &str) -> (&str, u16) {
    let mut parts = element.split(';').map(str::trim);
    let coding = parts.next().unwrap_or_default();
    let quality = parts
        .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
        .map_or(1000, quality_thousandths);
    (coding, quality)
}

/// Reads a quality as thousandths, so that qualities compare exactly. What is no quality is 0.
pub fn quality_thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(whole, "0" | "1") || !digits || fraction.len() > 3 {
        return 0;
    }
    let whole = if whole == "1" { 1000 } else { 0 };
    let fraction: u16 = format!("{fraction:0<3}").parse().unwrap_or(0);
    (whole + fraction).min(1000)
}

/// Compresses a body as it is taken. Between slices the task yields when its turn is over, so that
/// a long list does not hold up the other connections of this thread.
struct GzipBody {
    inner: Body,
    /// Read from `inner` and not yet compressed.
    waiting: Bytes,
    /// `None` after the end.
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl hyper::body::Body for GzipBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        loop {
            let Some(encoder) = &mut this.encoder else {
                return Poll::Ready(None);
            };
            if encoder.get_ref().len() >= OUTPUT_BYTES {
                let output = std::mem::take(encoder.get_mut());
                return Poll::Ready(Some(Ok(Frame::data(output.into()))));
            }
            if this.waiting.has_remaining() {
                let turn = ready!(coop::poll_proceed(context));
                let slice = this.waiting.split_to(this.waiting.len().min(SLICE_BYTES));
                if let Err(error) = encoder.write_all(&slice) {
                    return Poll::Ready(Some(Err(axum::Error::new(error))));
                }
                turn.made_progress();
                continue;
            }
            match ready!(Pin::new(&mut this.inner).poll_frame(context)) {
                // Trailers are dropped: none of our answers has any.
                Some(Ok(frame)) => this.waiting = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(this.finish().map(|end| end.map(Frame::data))),
            }
        }
    }
}

impl GzipBody {
    fn finish(&mut self) -> Option<Result<Bytes, axum::Error>> {
        let output = self.encoder.take()?.finish();
        Some(output.map(Bytes::from).map_err(axum::Error::new))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn gzip_is_taken_only_where_the_client_says_so() {
        let cases = [
            ("gzip", true),
            ("GZIP", true),
            ("deflate, gzip;q=0.5", true),
            ("*", true),
            ("x-gzip", true),
            ("", false),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip;q=0.000, *", false),
            ("identity, gzip;q=0.5", false),
            ("gzip;q=nonsense", false),
        ];
        for (value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            assert_eq!(takes_gzip(&headers), expected, "{value:?}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn qualities_are_read_exactly() {
        let cases = [
            ("1", 1000),
            ("0.5", 500),
            ("0.001", 1),
            ("1.000", 1000),
            ("0", 0),
            ("2", 0),
            ("0.1234", 0),
            ("", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(quality_thousandths(text), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn a_compressed_answer_reads_the_same() {
        let text = "serialNumber ".repeat(50_000);
        let response = encode(Response::new(Body::from(text.clone())), true);
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert_eq!(response.headers()["vary"], "Accept-Encoding");
        let compressed = response.into_body().collect().await.unwrap().to_bytes();
        assert!(compressed.len() < text.len() / 10);
        let mut read = String::new();
        flate2::read::GzDecoder::new(&compressed[..])
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, text);
    }

    #[test]
    fn small_answers_stay_plain() {
        let response = encode(Response::new(Body::from(vec![b'x'; 1024])), true);
        assert!(response.headers().is_empty());
        let response = encode(Response::new(Body::from(vec![b'x'; 1025])), false);
        assert!(!response.headers().contains_key("content-encoding"));
        assert_eq!(response.headers()["vary"], "Accept-Encoding");
    }
}
