//! Bodies for fuzzers: each takes any bytes, and only a fault of ours makes it panic.

use std::sync::LazyLock;

use super::{
    authorization::{self, Refusal},
    client_proof::proven,
    device_codes::as_meant,
    directory::Directory,
    form::Form,
    outstanding::Purpose,
};

/// Reads a query or form as the authority's pages and its token endpoint do. A request that is good
/// leads nowhere but to this machine.
///
/// # Panics
///
/// Where somebody else's address would be followed.
pub fn fuzz_sign_in(bytes: &[u8]) {
    static DIRECTORY: LazyLock<Option<Directory>> = LazyLock::new(|| Directory::ready_made().ok());
    let Some(directory) = &*DIRECTORY else {
        return;
    };
    if let Ok(form) = Form::read(bytes) {
        let _ = proven(directory, &form, &axum::http::HeaderMap::new());
        as_meant(form.find("user_code").unwrap_or_default());
    }
    let reply_to = match authorization::read(directory, "common", bytes) {
        Ok(sign_in) => match sign_in.purpose {
            Purpose::Code(authorization) => authorization.reply_to,
            Purpose::Device(_) => return,
        },
        Err(Refusal::ToClient(reply_to, _)) => *reply_to,
        Err(Refusal::OnPage(_)) => return,
    };
    let response = reply_to.send(&[("code", "x")]);
    if let Some(location) = response.headers().get("location") {
        let url = location
            .to_str()
            .ok()
            .and_then(|text| url::Url::parse(text).ok());
        let host = url
            .as_ref()
            .and_then(url::Url::host_str)
            .unwrap_or_default();
        let is_here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        assert!(is_here, "{location:?}");
    }
}
