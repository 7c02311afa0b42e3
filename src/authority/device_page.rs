//! The page on which a person enters the code that a device shows, before signing in for it.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};

use super::{
    device_codes::{Approval, as_meant},
    endpoints::Endpoints,
    form::Form,
    oauth_error::OAuthError,
    outstanding::{Purpose, SignIn},
    page::{Page, escape},
    sign_in_page,
};

/// Asks for the code. A link may bring it along.
pub(super) fn ask(form: &Form) -> Response<Body> {
    show(form.find("user_code").unwrap_or_default(), None)
}

/// Takes the code, and shows the page on which to sign in for it.
pub(super) fn submit(endpoints: &Endpoints, form: &Form) -> Result<Response<Body>, OAuthError> {
    let typed = form.find("user_code").unwrap_or_default();
    let user_code = as_meant(typed);
    let sign_in = {
        let mut outstanding = endpoints.authority.outstanding();
        let now = endpoints.clock.now();
        let codes = &mut outstanding.device_codes;
        codes
            .search(now, |code| code.awaits(&user_code))
            .map(|code| {
                // From here on it waits for the person who came.
                code.approval = Approval::Awaited;
                SignIn {
                    realm: code.realm,
                    client: code.client.clone(),
                    wish: code.wish.clone(),
                    hint: None,
                    purpose: Purpose::Device(user_code.clone()),
                }
            })
    };
    match sign_in {
        Some(sign_in) => sign_in_page::open(endpoints, &sign_in),
        None => Ok(show(
            typed,
            Some(OAuthError::unknown_user_code().sentence()),
        )),
    }
}

fn show(typed: &str, complaint: Option<&str>) -> Response<Body> {
    let typed = escape(typed);
    let (alert, described) = match complaint {
        Some(complaint) => (
            format!("<p role=\"alert\" id=\"alert\">{}</p>\n", escape(complaint)),
            " aria-invalid=\"true\" aria-describedby=\"alert\"",
        ),
        None => (String::new(), ""),
    };
    let content = format!(
        "{alert}<form method=\"post\" action=\"deviceauth\">\n\
         <label for=\"user_code\">The code that the program or device shows</label>\n\
         <input id=\"user_code\" name=\"user_code\" value=\"{typed}\" autocomplete=\"off\" \
         autocapitalize=\"characters\" spellcheck=\"false\" maxlength=\"40\" required autofocus{described}>\n\
         <button class=\"first\">Next</button>\n</form>\n"
    );
    let page = Page {
        title: "Enter a code",
        content,
        form_target: None,
    };
    page.into_response(StatusCode::OK)
}
