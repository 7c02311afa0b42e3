//! What is known about a request before anything in it is read, and the headers of every answer.

use std::{cell::RefCell, time::Instant};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self},
};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use uuid::Uuid;

use crate::http::extract::base_url::BaseUrl;

/// Graph: the server's name for a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// Graph: the client's name for a request.
pub const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
const DIAGNOSTIC: HeaderName = HeaderName::from_static("x-ms-ags-diagnostic");
/// Clients expect this shape; the values are ours and say nothing about the installation.
const DIAGNOSTIC_VALUE: HeaderValue = HeaderValue::from_static(
    r#"{"ServerInfo":{"DataCenter":"Hangar","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"HANGAR"}}"#,
);
const CLIENT_REQUEST_ID_LIMIT_BYTES: usize = 256;

/// What clients that came over TLS are told to do from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportSecurity {
    /// To come over TLS for a year.
    OneYear,
    /// To forget what they were told: the host is other programs' too.
    Withdrawn,
}

impl TransportSecurity {
    fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::OneYear => "max-age=31536000",
            Self::Withdrawn => "max-age=0",
        })
    }
}

/// A request's names, its time, and the address at which the client found us.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The server's name for the request: a random GUID (version 4).
    pub request_id: Uuid,
    /// The client's name for it, or the server's if the client gave none that can be echoed.
    pub client_request_id: String,
    /// When it came, for measuring.
    pub started: Instant,
    /// When it came, by the clock of Autopilot's rules.
    pub received_at: Timestamp,
    /// Scheme, host and port that the client used. Links start with it.
    pub base_url: BaseUrl,
    /// The path as it came, without the query.
    pub path: String,
}

impl RequestContext {
    /// Names a request that has just come.
    pub fn open(
        headers: &HeaderMap,
        path: &str,
        base_url: BaseUrl,
        received_at: Timestamp,
    ) -> Self {
        let request_id = Uuid::new_v4();
        let client_request_id = headers
            .get(&CLIENT_REQUEST_ID)
            .and_then(echoable)
            .map_or_else(|| request_id.hyphenated().to_string(), str::to_owned);
        Self {
            request_id,
            client_request_id,
            started: Instant::now(),
            received_at,
            base_url,
            path: path.to_owned(),
        }
    }

    /// The absolute address of the request, without the query.
    pub fn url(&self) -> String {
        format!("{}{}", self.base_url, self.path)
    }

    /// Puts in the headers that name an answer, be it a batch's part.
    pub fn identify(&self, headers: &mut HeaderMap) {
        let mut text = Uuid::encode_buffer();
        let text = self.request_id.hyphenated().encode_lower(&mut text);
        if let Ok(id) = HeaderValue::from_str(text) {
            headers.insert(REQUEST_ID, id);
        }
        if let Ok(id) = HeaderValue::try_from(&self.client_request_id) {
            headers.insert(CLIENT_REQUEST_ID, id);
        }
        // A description in JSON is of a later version.
        let version = headers.entry(ODATA_VERSION);
        version.or_insert(HeaderValue::from_static("4.0"));
    }

    /// Puts in the headers that every answer has; the last of them only over TLS.
    pub fn sign(
        &self,
        headers: &mut HeaderMap,
        now: Timestamp,
        transport_security: Option<TransportSecurity>,
    ) {
        self.identify(headers);
        // The `Date` is the clock's too, so that a moved clock tells one time everywhere.
        if let Some(date) = date(now) {
            headers.insert(header::DATE, date);
        }
        headers.insert(DIAGNOSTIC, DIAGNOSTIC_VALUE);
        if let Some(security) = transport_security {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, security.value());
        }
    }
}

thread_local! {
    /// The `Date` of the last answer, and its second: most answers share it with the one before.
    static LAST_DATE: RefCell<Option<(i64, HeaderValue)>> = const { RefCell::new(None) };
}

fn date(now: Timestamp) -> Option<HeaderValue> {
    LAST_DATE.with_borrow_mut(|last| match last {
        Some((second, date)) if *second == now.as_second() => Some(date.clone()),
        _ => {
            let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
            let date = HeaderValue::try_from(text.ok()?).ok()?;
            *last = Some((now.as_second(), date.clone()));
            Some(date)
        }
    })
}

/// A value that may be sent back and stand in a JSON body and a log without harm.
fn echoable(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    let fits = (1..=CLIENT_REQUEST_ID_LIMIT_BYTES).contains(&text.len());
    (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(client_request_id: &[u8]) -> RequestContext {
        let mut headers = HeaderMap::new();
        headers.insert(
            CLIENT_REQUEST_ID,
            HeaderValue::from_bytes(client_request_id).unwrap(),
        );
        let base_url = BaseUrl::parse("https://hangar.example").unwrap();
        RequestContext::open(&headers, "/beta/x", base_url, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_clients_id_is_echoed_only_if_it_is_short_and_visible() {
        assert_eq!(opened(b"mine-1").client_request_id, "mine-1");
        assert_eq!(opened(&[b'x'; 256]).client_request_id.len(), 256);
        let too_long = [b'x'; 257];
        for refused in [&b""[..], b"two words", b"caf\xe9", &too_long] {
            let context = opened(refused);
            assert_eq!(context.client_request_id, context.request_id.to_string());
        }
    }

    #[test]
    fn every_answer_is_signed() {
        let mut headers = HeaderMap::new();
        let security = Some(TransportSecurity::OneYear);
        opened(b"mine").sign(&mut headers, Timestamp::UNIX_EPOCH, security);
        assert_eq!(headers["date"], "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(headers["odata-version"], "4.0");
        assert_eq!(headers["client-request-id"], "mine");
        assert_eq!(headers["strict-transport-security"], "max-age=31536000");
        let diagnostic: serde_json::Value =
            serde_json::from_slice(headers["x-ms-ags-diagnostic"].as_bytes()).unwrap();
        assert_eq!(diagnostic["ServerInfo"]["DataCenter"], "Hangar");
    }
}
