//! What a client asks of the authorization endpoint, read and checked, before anybody signs in.
//!
//! Until its redirect URI is known to be good, a refusal is only shown on a page; from then on it is
//! brought to the client.

use super::{
    directory::Directory,
    form::Form,
    oauth_error::OAuthError,
    outstanding::{Purpose, SignIn},
    pkce::Challenge,
    realm::Realm,
    redirect::{Redirect, ReplyTo, ResponseMode},
    wish::Wish,
};

/// What the code will be bound to, and where it goes.
#[derive(Clone, Debug)]
pub(super) struct Authorization {
    pub(super) reply_to: ReplyTo,
    pub(super) challenge: Option<Challenge>,
    /// What the identity token must repeat.
    pub(super) nonce: Option<String>,
}

/// Why nobody can sign in.
pub(super) enum Refusal {
    /// Whoever sent this can't be answered: the user is told.
    OnPage(OAuthError),
    /// The client is told.
    ToClient(Box<ReplyTo>, OAuthError),
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        Self::OnPage(error)
    }
}

/// What the user is asked, of old by the words in `prompt`.
const PROMPTS: [&str; 6] = [
    "login",
    "consent",
    "select_account",
    "create",
    "admin_consent",
    "none",
];

/// Reads what a client asks under the address of this tenant.
pub(super) fn read(directory: &Directory, segment: &str, query: &[u8]) -> Result<SignIn, Refusal> {
    let form = Form::read(query)?;
    let realm = Realm::find(segment, directory)?;
    let id = form.need("client_id")?;
    let client = directory
        .find_client(id)
        .ok_or_else(|| OAuthError::unknown_client(id))?;
    let written = form.need("redirect_uri")?;
    let redirect = Redirect::accept(written, client)
        .ok_or_else(|| OAuthError::foreign_redirect(written, &client.name))?;
    let mode = form.find("response_mode");
    let reply_to = ReplyTo {
        client_name: client.name.clone(),
        redirect,
        mode: mode
            .and_then(ResponseMode::read)
            .unwrap_or(ResponseMode::Query),
        state: form.find("state").map(str::to_owned),
    };
    let sign_in = read_wish(&form, mode).map(|(wish, challenge)| SignIn {
        realm,
        client: client.id.clone(),
        wish,
        hint: hint(&form),
        purpose: Purpose::Code(Authorization {
            reply_to: reply_to.clone(),
            challenge,
            nonce: form.find("nonce").map(str::to_owned),
        }),
    });
    sign_in.map_err(|error| Refusal::ToClient(Box::new(reply_to), error))
}

fn read_wish(form: &Form, mode: Option<&str>) -> Result<(Wish, Option<Challenge>), OAuthError> {
    if let Some(name) = mode.filter(|name| ResponseMode::read(name).is_none()) {
        return Err(OAuthError::unsupported_value("response_mode", name));
    }
    match form.need("response_type")? {
        "code" => {}
        other => return Err(OAuthError::unsupported_response(other)),
    }
    for name in ["request", "request_uri"] {
        if form.find(name).is_some() {
            return Err(OAuthError::no_request_objects(name));
        }
    }
    let wish = Wish::read(form.need("scope")?)?;
    check_prompt(form.find("prompt").unwrap_or_default())?;
    Ok((wish, challenge(form)?))
}

/// Nobody stays signed in here, so that there is always a page, and a client that wants none is told.
fn check_prompt(prompt: &str) -> Result<(), OAuthError> {
    let words = || prompt.split_ascii_whitespace();
    if let Some(other) = words().find(|word| !PROMPTS.contains(word)) {
        return Err(OAuthError::unsupported_value("prompt", other));
    }
    match words().filter(|word| *word == "none").count() {
        0 => Ok(()),
        _ if words().count() == 1 => Err(OAuthError::nobody_is_signed_in()),
        _ => Err(OAuthError::unsupported_value("prompt", prompt)),
    }
}

fn challenge(form: &Form) -> Result<Option<Challenge>, OAuthError> {
    let method = form.find("code_challenge_method");
    match (form.find("code_challenge"), method) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(OAuthError::missing("code_challenge")),
        (Some(text), _) => match Challenge::read(text, method) {
            Some(challenge) => Ok(Some(challenge)),
            None => Err(OAuthError::bad_challenge()),
        },
    }
}

/// Who wants the account chosen is not led to one.
fn hint(form: &Form) -> Option<String> {
    let prompt = form.find("prompt").unwrap_or_default();
    let is_choice = prompt
        .split_ascii_whitespace()
        .any(|word| word == "select_account");
    let hint = form.find("login_hint").filter(|_| !is_choice);
    hint.map(str::to_owned)
}
