//! Where a sign-in may lead: the redirect URIs that a client may name, and how an answer is brought
//! there.

use axum::{body::Body, http::Response};
use url::{Host, Url, form_urlencoded::Serializer};

use super::{directory::Client, page};

/// The longest URI that is looked at.
const LONGEST_BYTES: usize = 2048;

/// Schemes that make a browser run or show what stands in the address itself.
const HARMFUL_SCHEMES: [&str; 6] = ["javascript", "data", "vbscript", "file", "blob", "about"];

/// How the answer travels to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseMode {
    /// In the address.
    Query,
    /// In the part of the address that a browser keeps for itself.
    Fragment,
    /// In a form, which the user sends on.
    FormPost,
}

impl ResponseMode {
    /// The modes by their names on the wire.
    pub(super) const NAMES: [&str; 3] = ["query", "fragment", "form_post"];

    /// Reads a mode.
    pub(super) fn read(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// Where a client waits for its answer, and how it wants it.
#[derive(Clone, Debug)]
pub(super) struct ReplyTo {
    pub(super) client_name: String,
    pub(super) redirect: Redirect,
    pub(super) mode: ResponseMode,
    pub(super) state: Option<String>,
}

/// A redirect URI that may be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    /// As the client wrote it: it must write the same to the token endpoint.
    pub(super) written: String,
    url: Url,
}

impl Redirect {
    /// Reads a URI that `client` names. One of this machine's is good without being registered,
    /// whatever its port and path: clients that run here choose a free port.
    pub(super) fn accept(written: &str, client: &Client) -> Option<Self> {
        let url = readable(written)?;
        let is_registered = client.redirect_uris.iter().any(|own| own == written);
        (is_registered || is_of_this_machine(&url)).then(|| Self {
            written: written.to_owned(),
            url,
        })
    }

    /// The address that a browser is led to.
    pub(super) fn into_url(self) -> Url {
        self.url
    }

    /// The source to be named in a page's policy, so that its form may lead there.
    pub(super) fn policy_source(&self) -> String {
        let origin = self.url.origin().ascii_serialization();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:/-".contains(&byte);
        if self.url.origin().is_tuple() && origin.bytes().all(is_plain) {
            origin
        } else {
            format!("{}:", self.url.scheme())
        }
    }
}

impl ReplyTo {
    /// Brings an answer to the client, with the state that it sent.
    pub(super) fn send(&self, fields: &[(&str, &str)]) -> Response<Body> {
        let state = self.state.as_deref().map(|state| ("state", state));
        let fields = || fields.iter().copied().chain(state);
        let mut url = self.redirect.url.clone();
        match self.mode {
            ResponseMode::Query => {
                url.query_pairs_mut().extend_pairs(fields());
            }
            ResponseMode::Fragment => {
                let mut fragment = Serializer::new(String::new());
                url.set_fragment(Some(&fragment.extend_pairs(fields()).finish()));
            }
            ResponseMode::FormPost => {
                let source = self.redirect.policy_source();
                return page::continuation(url.as_str(), &source, &self.client_name, fields());
            }
        }
        page::see_other(url.as_str())
    }
}

/// Whether a users file may register this URI.
pub(super) fn is_registrable(written: &str) -> bool {
    readable(written).is_some()
}

/// A URI without anything that is read in two ways: blanks, user names, fragments.
fn readable(written: &str) -> Option<Url> {
    let is_visible = written.bytes().all(|byte| byte.is_ascii_graphic());
    let has_backslash = written.contains('\\');
    if !is_visible || has_backslash || written.len() > LONGEST_BYTES {
        return None;
    }
    let url = Url::parse(written).ok()?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    let is_harmful = HARMFUL_SCHEMES.contains(&url.scheme());
    (!has_user && !is_harmful && url.fragment().is_none()).then_some(url)
}

/// Whether a URI leads to a web server on the user's own machine.
fn is_of_this_machine(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn client() -> Client {
        Client {
            id: "client".to_owned(),
            name: "Client".to_owned(),
            secret: None,
            object_id: Uuid::nil(),
            roles: Vec::new(),
            redirect_uris: vec![
                "https://app.example/back?a=1".to_owned(),
                "msalclient://auth".to_owned(),
                "urn:ietf:wg:oauth:2.0:oob".to_owned(),
            ],
        }
    }

    #[test]
    fn only_this_machine_and_what_is_registered_is_followed() {
        let table = [
            ("http://localhost", true),
            ("http://localhost:4321", true),
            ("http://127.0.0.1:1/anything?x=1", true),
            ("https://[::1]:9/", true),
            ("https://app.example/back?a=1", true),
            ("msalclient://auth", true),
            ("https://app.example/back", false),
            ("https://app.example/back?a=1&b=2", false),
            ("https://evil.example/", false),
            ("http://localhost.evil.example/", false),
            ("http://localhost@evil.example/", false),
            ("http://user@localhost/", false),
            ("http://localhost\\@evil.example/", false),
            ("http://localhost/#fragment", false),
            ("http://local\nhost/", false),
            (" http://localhost/", false),
            ("//localhost/", false),
            ("ftp://localhost/", false),
            ("javascript:alert(1)//localhost", false),
            ("data:text/html,x", false),
            ("msalclient://other", false),
            ("", false),
        ];
        for (written, expected) in table {
            let accepted = Redirect::accept(written, &client());
            assert_eq!(accepted.is_some(), expected, "{written}");
        }
        let long = format!("http://localhost/{}", "a".repeat(LONGEST_BYTES));
        assert_eq!(Redirect::accept(&long, &client()), None);
    }

    #[test]
    fn an_answer_goes_where_it_is_asked_to() {
        let location = |written: &str, mode| {
            let reply = ReplyTo {
                client_name: "Client".to_owned(),
                redirect: Redirect::accept(written, &client()).unwrap(),
                mode,
                state: Some("a b&c".to_owned()),
            };
            let response = reply.send(&[("code", "x+y")]);
            response.headers()["location"].to_str().unwrap().to_owned()
        };
        let table = [
            (
                "http://localhost:1",
                ResponseMode::Query,
                "http://localhost:1/?code=x%2By&state=a+b%26c",
            ),
            (
                "https://app.example/back?a=1",
                ResponseMode::Query,
                "https://app.example/back?a=1&code=x%2By&state=a+b%26c",
            ),
            (
                "https://app.example/back?a=1",
                ResponseMode::Fragment,
                "https://app.example/back?a=1#code=x%2By&state=a+b%26c",
            ),
            (
                "msalclient://auth",
                ResponseMode::Query,
                "msalclient://auth?code=x%2By&state=a+b%26c",
            ),
            (
                "urn:ietf:wg:oauth:2.0:oob",
                ResponseMode::Query,
                "urn:ietf:wg:oauth:2.0:oob?code=x%2By&state=a+b%26c",
            ),
        ];
        for (written, mode, expected) in table {
            assert_eq!(location(written, mode), expected);
        }
    }

    #[test]
    fn a_policy_names_no_more_than_the_origin() {
        let table = [
            ("http://localhost:4321/path", "http://localhost:4321"),
            ("http://[::1]:9/", "http:"),
            ("msalclient://auth", "msalclient:"),
        ];
        for (written, expected) in table {
            let redirect = Redirect::accept(written, &client()).unwrap();
            assert_eq!(redirect.policy_source(), expected);
        }
    }
}
