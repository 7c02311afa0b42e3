//! Signing out. Nobody stays signed in here, so there is nothing to end but the visit.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use url::Url;

use super::{
    directory::Directory,
    form::Form,
    page::{Page, escape, see_other},
    redirect::Redirect,
};

/// Leads back to where the client asks, if it may; tells the user otherwise.
pub(super) fn sign_out(directory: &Directory, form: &Form) -> Response<Body> {
    let asked = form.find("post_logout_redirect_uri");
    let refused = match asked.map(|asked| (asked, followed(directory, asked))) {
        Some((_, Some(mut url))) => {
            if let Some(state) = form.find("state") {
                url.query_pairs_mut().append_pair("state", state);
            }
            return see_other(url.as_str());
        }
        Some((asked, None)) => format!(
            "<p role=\"alert\">The program wants you to go on to <code>{}</code>, which no client \
             registers in the users file.</p>\n",
            escape(asked)
        ),
        None => String::new(),
    };
    let page = Page {
        title: "You are signed out",
        content: format!(
            "<p>This authority keeps nobody signed in. You can close this page.</p>\n{refused}"
        ),
        form_target: None,
    };
    page.into_response(StatusCode::OK)
}

/// The address, if it is this machine's or some client's own.
fn followed(directory: &Directory, asked: &str) -> Option<Url> {
    let mut clients = directory.clients.iter();
    clients.find_map(|client| Redirect::accept(asked, client).map(Redirect::into_url))
}
