//! How the authority's pages look: HTML without scripts, with everything that somebody sent escaped.
//!
//! What stands on which page is in `sign_in_page` and `device_page`.

use std::sync::LazyLock;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// The look of every page. The policy allows this very text and no other.
const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:#f3f3f3;color:#1b1b1b}\
main{box-sizing:border-box;max-width:28rem;margin:4rem auto;padding:2rem;background:#fff;border:1px solid #bbb}\
h1{font-size:1.5rem;margin-top:0}label{display:block;margin-top:1rem}\
input{box-sizing:border-box;width:100%;padding:.5rem;font:inherit;border:1px solid #555}\
button{margin:1.5rem .5rem 0 0;padding:.5rem 1.5rem;font:inherit;border:1px solid #1b1b1b;background:#fff;color:inherit}\
button.first{background:#0b4a8f;border-color:#0b4a8f;color:#fff}\
:focus-visible{outline:3px solid #b36b00;outline-offset:2px}\
[role=alert]{padding:.5rem 1rem;border-left:.4rem solid #a4262c;background:#fdf0f0}\
small,dd,code{overflow-wrap:anywhere}";

/// A page's text, and where its form leads besides this server.
pub(super) struct Page<'a> {
    /// Its title and heading.
    pub(super) title: &'a str,
    /// What is in it, in HTML.
    pub(super) content: String,
    /// A source for the policy's `form-action`.
    pub(super) form_target: Option<&'a str>,
}

impl Page<'_> {
    /// The whole answer.
    pub(super) fn into_response(self, status: StatusCode) -> Response<Body> {
        let title = escape(self.title);
        let content = self.content;
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <h1>{title}</h1>\n{content}</main>\n</body>\n</html>\n"
        );
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let fixed = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            // Without any, a browser would send the page's own form with the origin `null`.
            (header::REFERRER_POLICY, "same-origin"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Ok(policy) = HeaderValue::try_from(policy(self.form_target)) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        not_kept(response)
    }
}

/// Text as it may stand in HTML, between tags and in quotes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No parser of HTML keeps it.
            '\0' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A field that is sent along unseen.
pub(super) fn hidden(name: &str, value: &str) -> String {
    let (name, value) = (escape(name), escape(value));
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n")
}

/// The page whose form brings an answer to the client. Without scripts the user sends it on.
pub(super) fn continuation<'a>(
    action: &str,
    source: &str,
    client_name: &str,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
) -> Response<Body> {
    let fields: String = fields.map(|(name, value)| hidden(name, value)).collect();
    let (action, client) = (escape(action), escape(client_name));
    let content = format!(
        "<p>{client} waits for the answer to your sign-in.</p>\n\
         <form method=\"post\" action=\"{action}\">\n{fields}\
         <button class=\"first\" autofocus>Continue</button>\n</form>\n"
    );
    let page = Page {
        title: "Back to the program",
        content,
        form_target: Some(source),
    };
    page.into_response(StatusCode::OK)
}

/// Leads a browser elsewhere, by a GET.
pub(super) fn see_other(address: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    // A parsed address has only characters that a header takes.
    if let Ok(address) = HeaderValue::try_from(address) {
        headers.insert(header::LOCATION, address);
    }
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    not_kept(response)
}

/// Codes and tokens must not be kept on the way, and nothing else here is worth it.
pub(super) fn not_kept(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Nothing runs, nothing is loaded, nobody frames the page, and its form leads only where it must.
fn policy(form_target: Option<&str>) -> String {
    static STYLE_DIGEST: LazyLock<String> =
        LazyLock::new(|| STANDARD.encode(Sha256::digest(STYLE)));
    let digest = STYLE_DIGEST.as_str();
    let target = form_target.map(|target| format!(" {target}"));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'{}",
        target.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_sent_is_read_as_html() {
        let sent = "<script>\"'&\0";
        assert_eq!(escape(sent), "&lt;script&gt;&quot;&#39;&amp;\u{fffd}");
        assert!(
            hidden("\"><b>", sent)
                .starts_with("<input type=\"hidden\" name=\"&quot;&gt;&lt;b&gt;\"")
        );
    }

    #[test]
    fn the_policy_allows_no_script() {
        let policy = policy(Some("http://localhost:1"));
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(policy.ends_with("frame-ancestors 'none'; form-action 'self' http://localhost:1"));
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
    }
}
