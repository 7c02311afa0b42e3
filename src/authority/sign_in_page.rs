//! The page on which a person signs in with a name and a password, and what comes of it: a code for
//! the client, or the approval of a device code.
//!
//! Its form carries a secret that is good for this page alone, so that nobody else can send it, and
//! once. Nobody stays signed in: there is no cookie.

use axum::{
    body::Body,
    http::{HeaderMap, Response, StatusCode},
};
use uuid::Uuid;

use super::{
    authorization::{self, Authorization, Refusal},
    device_codes::Approval,
    directory::User,
    endpoints::Endpoints,
    form::Form,
    grants::{person, user_by_password},
    issue::MintError,
    oauth_error::OAuthError,
    outstanding::{Code, Purpose, SignIn},
    page::{Page, escape, hidden},
    redirect::ReplyTo,
};

/// The authorization endpoint: shows the page, or tells whoever can be told why not.
pub(super) fn authorize(
    endpoints: &Endpoints,
    segment: &str,
    query: &[u8],
    headers: &HeaderMap,
) -> Response<Body> {
    let directory = endpoints.authority.directory();
    match authorization::read(&directory, segment, query) {
        Ok(sign_in) => {
            open(endpoints, &sign_in).unwrap_or_else(|error| endpoints.page(error, headers))
        }
        Err(Refusal::OnPage(error)) => endpoints.page(error, headers),
        Err(Refusal::ToClient(reply_to, error)) => tell(endpoints, &reply_to, error, headers),
    }
}

/// Begins a sign-in and shows its page.
pub(super) fn open(endpoints: &Endpoints, sign_in: &SignIn) -> Result<Response<Body>, OAuthError> {
    let now = endpoints.clock.now();
    let secret = {
        let mut outstanding = endpoints.authority.outstanding();
        outstanding.sign_ins.add(sign_in.clone(), now)
    };
    let secret = secret.map_err(MintError::from)?;
    let name = sign_in.hint.clone().unwrap_or_default();
    Ok(show(endpoints, sign_in, &secret, &name, None))
}

/// What the page's form is sent to.
pub(super) fn submit(
    endpoints: &Endpoints,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Response<Body>, OAuthError> {
    let secret = form.find("flow").ok_or_else(OAuthError::page_is_over)?;
    let now = endpoints.clock.now();
    let sign_in = {
        let mut outstanding = endpoints.authority.outstanding();
        let found = outstanding.sign_ins.find(secret, now);
        found.map_err(|_| OAuthError::page_is_over())?.clone()
    };
    let is_cancelled = form.find("action") == Some("cancel");
    let name = form.find("username").unwrap_or_default();
    let user = if is_cancelled {
        None
    } else {
        match signed_in(endpoints, &sign_in, name, form.find("password")) {
            Ok(user) => Some(user),
            Err(complaint) => {
                return Ok(show(endpoints, &sign_in, secret, name, Some(&complaint)));
            }
        }
    };
    {
        let mut outstanding = endpoints.authority.outstanding();
        let taken = outstanding.sign_ins.take(secret, now);
        // Of two who send the page at once, one comes too late.
        taken.map_err(|_| OAuthError::page_is_over())?;
    }
    match (&sign_in.purpose, user) {
        (Purpose::Code(authorization), Some(user)) => {
            bring_code(endpoints, &sign_in, authorization, &user)
        }
        (Purpose::Code(authorization), None) => {
            let error = OAuthError::cancelled();
            Ok(tell(endpoints, &authorization.reply_to, error, headers))
        }
        (Purpose::Device(user_code), user) => {
            let approval = user.map_or(Approval::Declined, |user| Approval::Given(person(&user)));
            settle_device(endpoints, user_code, approval)
        }
    }
}

/// Who signed in, or what to say about it on the page.
fn signed_in(
    endpoints: &Endpoints,
    sign_in: &SignIn,
    name: &str,
    password: Option<&str>,
) -> Result<User, String> {
    let (false, Some(password)) = (name.is_empty(), password) else {
        return Err("Enter a user name and a password.".to_owned());
    };
    let Some(user) = user_by_password(endpoints, name, password) else {
        return Err("The user name or the password is wrong.".to_owned());
    };
    if !sign_in.realm.admits(user.tenant) {
        let error = OAuthError::foreign_tenant(&user.principal_name);
        return Err(error.sentence().to_owned());
    }
    let granted = endpoints.authority.grantable(&user, &sign_in.wish.scopes());
    match granted {
        Ok(_) => Ok(user),
        Err(error) => Err(format!(
            "{} can't sign in here: {error}.",
            user.principal_name
        )),
    }
}

fn bring_code(
    endpoints: &Endpoints,
    sign_in: &SignIn,
    authorization: &Authorization,
    user: &User,
) -> Result<Response<Body>, OAuthError> {
    let code = Code {
        client: sign_in.client.clone(),
        redirect_uri: authorization.reply_to.redirect.written.clone(),
        challenge: authorization.challenge.clone(),
        nonce: authorization.nonce.clone(),
        wish: sign_in.wish.clone(),
        person: person(user),
        family: Uuid::new_v4(),
        is_spent: false,
    };
    let secret = {
        let mut outstanding = endpoints.authority.outstanding();
        outstanding.codes.add(code, endpoints.clock.now())
    };
    let secret = secret.map_err(MintError::from)?;
    Ok(authorization.reply_to.send(&[("code", &secret)]))
}

fn settle_device(
    endpoints: &Endpoints,
    user_code: &str,
    approval: Approval,
) -> Result<Response<Body>, OAuthError> {
    let is_declined = approval == Approval::Declined;
    {
        let mut outstanding = endpoints.authority.outstanding();
        let now = endpoints.clock.now();
        let codes = &mut outstanding.device_codes;
        let code = codes.search(now, |code| code.awaits(user_code));
        code.ok_or_else(OAuthError::unknown_user_code)?.approval = approval;
    }
    let (title, text) = if is_declined {
        ("Declined", "The program gets no access.")
    } else {
        ("You have signed in", "The program goes on by itself.")
    };
    let page = Page {
        title,
        content: format!("<p>{text} You can close this page.</p>\n"),
        form_target: None,
    };
    Ok(page.into_response(StatusCode::OK))
}

/// Brings a refusal to the client.
fn tell(
    endpoints: &Endpoints,
    reply_to: &ReplyTo,
    error: OAuthError,
    headers: &HeaderMap,
) -> Response<Body> {
    let named = error.named(headers, endpoints.clock.now());
    let description = named.description();
    reply_to.send(&[("error", named.word()), ("error_description", &description)])
}

fn show(
    endpoints: &Endpoints,
    sign_in: &SignIn,
    secret: &str,
    name: &str,
    complaint: Option<&str>,
) -> Response<Body> {
    let directory = endpoints.authority.directory();
    let client = directory.find_client(&sign_in.client);
    let client = escape(client.map_or("", |client| &client.name));
    let name = escape(name);
    let mut people = String::new();
    for user in &directory.users {
        if sign_in.realm.admits(user.tenant) {
            people += "<option value=\"";
            people += &escape(&user.principal_name);
            people += "\">\n";
        }
    }
    let (alert, described) = match complaint {
        Some(complaint) => (
            format!("<p role=\"alert\" id=\"alert\">{}</p>\n", escape(complaint)),
            " aria-invalid=\"true\" aria-describedby=\"alert\"",
        ),
        None => (String::new(), ""),
    };
    let (name_focus, password_focus) = if name.is_empty() {
        (" autofocus", "")
    } else {
        ("", " autofocus")
    };
    let flow = hidden("flow", secret);
    let content = format!(
        "<p>to go on to <strong>{client}</strong></p>\n{alert}\
         <form method=\"post\" action=\"sign-in\">\n{flow}\
         <label for=\"username\">User name</label>\n\
         <input id=\"username\" name=\"username\" value=\"{name}\" list=\"people\" \
         autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required{described}{name_focus}>\n\
         <datalist id=\"people\">\n{people}</datalist>\n\
         <label for=\"password\">Password</label>\n\
         <input id=\"password\" name=\"password\" type=\"password\" \
         autocomplete=\"current-password\" required{described}{password_focus}>\n\
         <button class=\"first\" name=\"action\" value=\"sign-in\">Sign in</button>\n\
         <button name=\"action\" value=\"cancel\" formnovalidate>Cancel</button>\n</form>\n\
         <p><small>This is Hangar's development authority. It knows the users of the file users.toml \
         in the directory authority of its data; their passwords stand there too.</small></p>\n"
    );
    let form_target = match &sign_in.purpose {
        Purpose::Code(authorization) => Some(authorization.reply_to.redirect.policy_source()),
        Purpose::Device(_) => None,
    };
    let page = Page {
        title: if complaint.is_some() {
            "Sign in again"
        } else {
            "Sign in"
        },
        content,
        form_target: form_target.as_deref(),
    };
    page.into_response(StatusCode::OK)
}
