//! Signing in on the page: what the client is brought, and what nobody is.

use super::{
    visit::{Seen, Visit, authorize},
    *,
};

const CLIENT: &str = "cccccccc-0000-4000-8000-000000000001";
const BACK: &str = "http://localhost:4321/back";
const ADMINISTRATOR: &str = "administrator@contoso.example";
const SCOPES: &str = "https://graph.microsoft.com/.default openid profile offline_access";
/// Those of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const WISH: [(&str, &str); 8] = [
    ("client_id", CLIENT),
    ("redirect_uri", BACK),
    ("response_type", "code"),
    ("scope", SCOPES),
    ("state", "a <state>"),
    ("nonce", "a nonce"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

const EXCHANGE: [(&str, &str); 5] = [
    ("grant_type", "authorization_code"),
    ("client_id", CLIENT),
    ("redirect_uri", BACK),
    ("code_verifier", VERIFIER),
    ("client_info", "1"),
];

/// The fields with some replaced, added, or, by an empty value, taken away.
fn with<'a>(
    fields: &[(&'a str, &'a str)],
    changed: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let is_kept = |name: &str| changed.iter().all(|(other, _)| *other != name);
    let kept = fields.iter().filter(|(name, _)| is_kept(name));
    let added = changed.iter().filter(|(_, value)| !value.is_empty());
    kept.chain(added).copied().collect()
}

async fn code(visit: &Visit) -> String {
    let page = visit.get(&authorize("common", &WISH)).await;
    let led = visit.sign_in(&page, ADMINISTRATOR, "hangar").await;
    led.told()["code"].clone()
}

#[tokio::test]
async fn a_person_signs_in_and_the_client_gets_every_token() {
    let visit = Visit::new();
    let page = visit.get(&authorize("contoso", &WISH)).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text
            .contains("<strong>Hangar development client</strong>")
    );
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("form-action 'self' http://localhost:4321"));

    let led = visit
        .sign_in(&page, "Administrator@Contoso.example", "hangar")
        .await;
    assert!(
        led.location()
            .starts_with("http://localhost:4321/back?code=")
    );
    let told = led.told();
    assert_eq!(told["state"], "a <state>");

    let exchange = with(&EXCHANGE, &[("code", &told["code"])]);
    let (status, body) = visit.token(&exchange).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(claims(&body)["preferred_username"], ADMINISTRATOR);
    let id = decoded(
        body["id_token"]
            .as_str()
            .unwrap()
            .split('.')
            .nth(1)
            .unwrap(),
    );
    assert_eq!(
        (&id["aud"], &id["nonce"]),
        (&json!(CLIENT), &json!("a nonce"))
    );
    assert_eq!(id["iss"], format!("{BASE}/{CONTOSO}/v2.0"));
    let info = decoded(body["client_info"].as_str().unwrap());
    assert_eq!(info, json!({ "uid": id["oid"], "utid": CONTOSO }));
    let scopes = body["scope"].as_str().unwrap();
    assert!(scopes.contains("https://graph.microsoft.com/.default openid profile"));
    assert!(body["refresh_token"].is_string());
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_wrong_is_said_on_the_page() {
    let visit = Visit::new();
    let mut page = visit.get(&authorize("contoso", &WISH)).await;
    let table = [
        ("", "", "Enter a user name and a password."),
        (
            ADMINISTRATOR,
            "wrong",
            "The user name or the password is wrong.",
        ),
        (
            "\"><script>",
            "hangar",
            "The user name or the password is wrong.",
        ),
        (
            "administrator@fabrikam.example",
            "hangar",
            "User account &#39;administrator@fabrikam.example&#39; does not exist in the tenant that the program asks for.",
        ),
    ];
    for (name, password, alert) in table {
        page = visit.sign_in(&page, name, password).await;
        assert_eq!((page.status, page.alert()), (200, alert));
        assert!(!page.text.contains("<script"));
    }
    // The same page goes on to work, once.
    let led = visit.sign_in(&page, ADMINISTRATOR, "hangar").await;
    assert!(led.told().contains_key("code"));
    let again = visit.sign_in(&page, ADMINISTRATOR, "hangar").await;
    assert_eq!(again.status, 400);
    assert!(
        again
            .alert()
            .starts_with("This sign-in page was used already")
    );

    let wish = with(&WISH, &[("scope", WRITE)]);
    let page = visit.get(&authorize("contoso", &wish)).await;
    let page = visit
        .sign_in(&page, "reader@contoso.example", "hangar")
        .await;
    assert!(
        page.alert().contains("grants none of the scopes"),
        "{}",
        page.alert()
    );
}

#[tokio::test]
async fn only_the_page_that_was_shown_can_be_sent() {
    let visit = Visit::new();
    let page = visit.get(&authorize("common", &WISH)).await;
    for flow in [None, Some(""), Some("x"), Some(CHALLENGE)] {
        let mut fields = vec![("username", ADMINISTRATOR), ("password", "hangar")];
        fields.extend(flow.map(|flow| ("flow", flow)));
        let seen = visit.post("/common/oauth2/v2.0/sign-in", &fields).await;
        assert_eq!(seen.status, 400);
    }
    visit.wait(15 * 60);
    let late = visit.sign_in(&page, ADMINISTRATOR, "hangar").await;
    assert_eq!(late.status, 400);
}

#[tokio::test]
async fn nobody_is_led_to_an_address_that_is_not_known() {
    let visit = Visit::new();
    let foreign = "https://evil.example/<script>";
    // What is changed, then the number and what else must stand on the page.
    let table = [
        (
            vec![("redirect_uri", foreign)],
            "AADSTS50011",
            "https://evil.example/&lt;script&gt;",
        ),
        (vec![("redirect_uri", "")], "AADSTS900144", "redirect_uri"),
        (
            vec![("client_id", "<b>nobody")],
            "AADSTS700016",
            "&lt;b&gt;nobody",
        ),
        (vec![("client_id", "")], "AADSTS900144", "client_id"),
        (
            vec![("prompt", "none"), ("redirect_uri", foreign)],
            "AADSTS50011",
            "evil.example",
        ),
    ];
    for (changed, number, text) in table {
        let wish = with(&WISH, &changed);
        let seen = visit.get(&authorize("common", &wish)).await;
        assert_eq!(seen.status, 400);
        assert!(
            seen.text.contains(number) && seen.text.contains(text),
            "{}",
            seen.text
        );
        assert!(!seen.headers.contains_key("location"));
    }
    let twice = format!("{}&state=b", authorize("common", &WISH));
    assert_eq!(visit.get(&twice).await.status, 400);
    assert_eq!(visit.get(&authorize("nowhere", &WISH)).await.status, 400);
}

#[tokio::test]
async fn a_client_that_is_known_is_told_what_is_wrong() {
    let visit = Visit::new();
    let long = "a ".repeat(3_000);
    let table = [
        (("prompt", "none"), "login_required", "AADSTS50058"),
        (("prompt", "none login"), "invalid_request", "AADSTS70007"),
        (("prompt", "later"), "invalid_request", "AADSTS70007"),
        (
            ("response_type", "token"),
            "unsupported_response_type",
            "AADSTS700054",
        ),
        (
            ("response_mode", "pigeon"),
            "invalid_request",
            "AADSTS70007",
        ),
        (("scope", ""), "invalid_request", "AADSTS900144"),
        (("scope", &long), "invalid_scope", "AADSTS70011"),
        (
            ("code_challenge", "short"),
            "invalid_request",
            "AADSTS501471",
        ),
        (("code_challenge", ""), "invalid_request", "AADSTS900144"),
        (
            ("code_challenge_method", "S512"),
            "invalid_request",
            "AADSTS501471",
        ),
        (("request", "x.y.z"), "request_not_supported", "AADSTS90101"),
    ];
    for (changed, error, number) in table {
        let wish = with(&WISH, &[changed]);
        let told = visit.get(&authorize("common", &wish)).await.told();
        assert_eq!(told["error"], error);
        assert_eq!(told["state"], "a <state>");
        let description = &told["error_description"];
        assert!(
            description.starts_with(&format!("{number}: ")),
            "{description}"
        );
    }
    let page = visit.get(&authorize("common", &WISH)).await;
    let told = visit.send(&page, &[("action", "cancel")]).await.told();
    assert_eq!(told["error"], "access_denied");
}

#[tokio::test]
async fn the_answer_comes_in_the_way_that_the_client_wants() {
    let visit = Visit::new();
    let led = |mode: &'static str| {
        let visit = &visit;
        async move {
            let wish = with(&WISH, &[("response_mode", mode)]);
            let page = visit.get(&authorize("common", &wish)).await;
            visit.sign_in(&page, ADMINISTRATOR, "hangar").await
        }
    };
    let fragment = led("fragment").await;
    assert!(
        fragment
            .location()
            .starts_with("http://localhost:4321/back#code=")
    );
    let form = led("form_post").await;
    assert_eq!((form.status, form.action()), (200, BACK));
    let fields = form.hidden();
    assert_eq!(fields["state"], "a &lt;state&gt;");
    let (status, _) = visit
        .token(&with(&EXCHANGE, &[("code", &fields["code"])]))
        .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn the_name_is_filled_in_unless_the_account_is_to_be_chosen() {
    let visit = Visit::new();
    let shown = |prompt: &'static str, hint: &'static str| {
        let visit = &visit;
        async move {
            let wish = with(&WISH, &[("prompt", prompt), ("login_hint", hint)]);
            visit.get(&authorize("contoso", &wish)).await
        }
    };
    let page: Seen = shown("login", "\"x\" <a>").await;
    assert!(page.text.contains("value=\"&quot;x&quot; &lt;a&gt;\""));
    let page = shown("select_account", ADMINISTRATOR).await;
    assert!(page.text.contains("name=\"username\" value=\"\""));
    // Those whom the tenant has can be picked.
    assert!(
        page.text
            .contains("<option value=\"reader@contoso.example\">")
    );
    assert!(!page.text.contains("fabrikam"));
}

#[tokio::test]
async fn a_code_is_good_once_for_a_while_and_for_who_asked_for_it() {
    let visit = Visit::new();
    let first = code(&visit).await;
    let other = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
    let wrong = "a".repeat(43);
    let table = [
        (("client_id", other), 700_005),
        (("redirect_uri", "http://localhost:4321/other"), 500_112),
        (("redirect_uri", ""), 900_144),
        (("code_verifier", ""), 900_144),
        (("code_verifier", &wrong), 501_481),
        (("code", "unknown"), 70_000),
        (("code", ""), 900_144),
    ];
    for (changed, number) in table {
        let exchange = with(&with(&EXCHANGE, &[("code", &first)]), &[changed]);
        let (status, body) = visit.token(&exchange).await;
        assert_eq!(
            (status, &body["error_codes"][0]),
            (400, &json!(number)),
            "{body}"
        );
    }
    let exchange = with(&EXCHANGE, &[("code", &first)]);
    let (_, tokens) = visit.token(&exchange).await;
    let refresh = refresh(&tokens);
    let (status, body) = visit.token(&exchange).await;
    assert_eq!((status, &body["error_codes"][0]), (400, &json!(54_005)));
    // Whoever showed it the second time may have stolen it, or the first one did.
    let (status, body) = visit
        .token(&[&REFRESH[..], &[("refresh_token", &refresh)]].concat())
        .await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));

    let second = code(&visit).await;
    visit.wait(5 * 60);
    let (_, body) = visit.token(&with(&EXCHANGE, &[("code", &second)])).await;
    assert_eq!(body["error_codes"][0], 70_008);
}

#[tokio::test]
async fn a_code_without_a_challenge_takes_no_verifier() {
    let visit = Visit::new();
    let wish = with(
        &WISH,
        &[("code_challenge", ""), ("code_challenge_method", "")],
    );
    let page = visit.get(&authorize("common", &wish)).await;
    let told = visit.sign_in(&page, ADMINISTRATOR, "hangar").await.told();
    let exchange = with(&EXCHANGE, &[("code", &told["code"])]);
    assert_eq!(visit.token(&exchange).await.1["error_codes"][0], 501_481);
    let exchange = with(&exchange, &[("code_verifier", "")]);
    assert_eq!(visit.token(&exchange).await.0, 200);
}

const REFRESH: [(&str, &str); 2] = [("grant_type", "refresh_token"), ("client_id", CLIENT)];

fn refresh(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_brings_the_next() {
    let visit = Visit::new();
    let exchange = [("code", &*code(&visit).await)];
    let (_, tokens) = visit.token(&with(&EXCHANGE, &exchange)).await;
    let first = refresh(&tokens);
    // Neither another client nor a scope that is not granted costs the token.
    let other = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
    for (changed, number) in [
        (("client_id", other), 700_005),
        (("scope", "Nothing.Read"), 65_001),
    ] {
        let fields = with(&REFRESH, &[("refresh_token", &first), changed]);
        assert_eq!(visit.token(&fields).await.1["error_codes"][0], number);
    }
    let fields = with(
        &REFRESH,
        &[("refresh_token", &first), ("scope", "User.Read")],
    );
    let (status, next) = visit.token(&fields).await;
    assert_eq!(
        (status, &claims(&next)["scp"]),
        (200, &json!("User.Read")),
        "{next}"
    );
    assert_eq!(next["scope"], "User.Read");
    assert_ne!(refresh(&next), first);
    assert_eq!(visit.token(&fields).await.1["error_codes"][0], 70_000);
    // The next one is as good, until it lay idle for ninety days.
    visit.wait(89 * 86_400);
    let next = refresh(&next);
    let (_, third) = visit
        .token(&with(&REFRESH, &[("refresh_token", &next)]))
        .await;
    assert_eq!(claims(&third)["scp"], "User.Read");
    visit.wait(90 * 86_400);
    let third = refresh(&third);
    let (_, body) = visit
        .token(&with(&REFRESH, &[("refresh_token", &third)]))
        .await;
    assert_eq!(body["error_codes"][0], 700_082);
}

#[tokio::test]
async fn a_refresh_token_is_given_only_to_who_asks_for_it() {
    let visit = Visit::new();
    let password = [
        ("grant_type", "password"),
        ("client_id", CLIENT),
        ("username", ADMINISTRATOR),
        ("password", "hangar"),
    ];
    for (scope, id, refresh) in [
        ("User.Read", false, false),
        ("User.Read openid", true, false),
        ("User.Read offline_access", false, true),
    ] {
        let (_, body) = visit.token(&with(&password, &[("scope", scope)])).await;
        assert_eq!(body.get("id_token").is_some(), id, "{scope}");
        assert_eq!(body.get("refresh_token").is_some(), refresh, "{scope}");
        assert!(body.get("client_info").is_none());
    }
}
