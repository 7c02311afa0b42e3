//! A visit by a browser, as far as the pages need one: forms are read from the page and sent as they
//! stand there.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use url::form_urlencoded;

use super::*;

/// The authority, a clock that can be set, and whoever visits it.
pub(super) struct Visit {
    pub(super) router: Router,
    pub(super) clock: Arc<SetClock>,
}

/// An answer that a browser got.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

pub(super) type Fields = BTreeMap<String, String>;

impl Visit {
    pub(super) fn to(directory: Directory) -> Self {
        let clock = Arc::new(SetClock::default());
        let authority = Arc::new(Authority::in_memory(directory).unwrap());
        Self {
            router: authority.router(BASE, Arc::<SetClock>::clone(&clock)),
            clock,
        }
    }

    pub(super) fn new() -> Self {
        Self::to(Directory::ready_made().unwrap())
    }

    /// Lets time go by.
    pub(super) fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(super) async fn get(&self, address: &str) -> Seen {
        self.browse(Request::get(address).body(Body::empty()).unwrap())
            .await
    }

    pub(super) async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Seen {
        let body = encoded(fields);
        self.browse(Request::post(address).body(Body::from(body)).unwrap())
            .await
    }

    /// Sends the page's form with these fields filled in or pressed.
    pub(super) async fn send(&self, page: &Seen, fields: &[(&str, &str)]) -> Seen {
        let hidden = page.hidden();
        let mut all: Vec<_> = hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        all.extend(fields);
        let address = format!("/common/oauth2/v2.0/{}", page.action());
        self.post(&address, &all).await
    }

    /// Sends the page's form with a name and a password.
    pub(super) async fn sign_in(&self, page: &Seen, name: &str, password: &str) -> Seen {
        let fields = [
            ("username", name),
            ("password", password),
            ("action", "sign-in"),
        ];
        self.send(page, &fields).await
    }

    /// Asks the token endpoint.
    pub(super) async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let (status, body) = ask(&self.router, "/common/oauth2/v2.0/token", &encoded(fields)).await;
        (status.as_u16(), body)
    }

    async fn browse(&self, request: Request) -> Seen {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        assert_eq!(headers["cache-control"], "no-store");
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        if !text.is_empty() {
            let policy = headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("frame-ancestors 'none'"));
            assert!(!policy.contains("script-src") && !text.contains("<script"));
            assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        }
        Seen {
            status,
            headers,
            text,
        }
    }
}

impl Seen {
    /// Where the browser is led.
    pub(super) fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        self.headers["location"].to_str().unwrap()
    }

    /// What the client is told in the address.
    pub(super) fn told(&self) -> Fields {
        let url = url::Url::parse(self.location()).unwrap();
        url.query_pairs().into_owned().collect()
    }

    /// What is said to be wrong.
    pub(super) fn alert(&self) -> &str {
        let (_, rest) = self.text.split_once("role=\"alert\"").expect("an alert");
        let (_, rest) = rest.split_once('>').unwrap();
        rest.split_once('<').unwrap().0
    }

    pub(super) fn hidden(&self) -> Fields {
        let inputs = self.text.split("<input type=\"hidden\" name=\"").skip(1);
        let pairs = inputs.map(|input| {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            (name.to_owned(), rest.split_once('"').unwrap().0.to_owned())
        });
        pairs.collect()
    }

    pub(super) fn action(&self) -> &str {
        let (_, rest) = self.text.split_once("action=\"").expect("a form");
        rest.split_once('"').unwrap().0
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).finish()
}

/// The address of the authorization endpoint with these parameters.
pub(super) fn authorize(realm: &str, fields: &[(&str, &str)]) -> String {
    format!("/{realm}/oauth2/v2.0/authorize?{}", encoded(fields))
}
