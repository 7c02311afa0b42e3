//! Device codes that a person signs in for, on the page that the client names.

use super::{
    visit::{Seen, Visit},
    *,
};

const CLIENT: &str = "cccccccc-0000-4000-8000-000000000001";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PAGE: &str = "/common/oauth2/v2.0/deviceauth";

/// The authority without anybody that codes are approved for.
fn attended() -> Visit {
    let mut directory = Directory::ready_made().unwrap();
    directory.device_code_user = None;
    Visit::to(directory)
}

async fn begun(visit: &Visit) -> Value {
    let form = format!("client_id={CLIENT}&scope=User.Read");
    let (_, code) = ask(&visit.router, "/contoso/oauth2/v2.0/devicecode", &form).await;
    assert_eq!(code["verification_uri"], format!("{BASE}{PAGE}"));
    code
}

async fn collect(visit: &Visit, code: &Value) -> (u16, Value) {
    let secret = code["device_code"].as_str().unwrap();
    let fields = [
        ("grant_type", GRANT),
        ("client_id", CLIENT),
        ("device_code", secret),
    ];
    visit.token(&fields).await
}

async fn page_for(visit: &Visit, code: &Value) -> Seen {
    let typed = code["user_code"].as_str().unwrap().to_lowercase();
    let entry = visit.get(&format!("{PAGE}?user_code={typed}")).await;
    assert!(entry.text.contains(&format!("value=\"{typed}\"")));
    visit.send(&entry, &[("user_code", &typed)]).await
}

#[tokio::test]
async fn a_person_signs_in_for_a_device() {
    let visit = attended();
    let code = begun(&visit).await;
    for _ in 0..3 {
        let (_, pending) = collect(&visit, &code).await;
        assert_eq!(pending["error"], "authorization_pending");
    }
    let page = page_for(&visit, &code).await;
    assert!(
        page.text
            .contains("<strong>Hangar development client</strong>")
    );
    let refused = visit
        .sign_in(&page, "administrator@fabrikam.example", "hangar")
        .await;
    assert!(refused.alert().contains("does not exist in the tenant"));
    let done = visit
        .sign_in(&refused, "reader@contoso.example", "hangar")
        .await;
    assert!(done.text.contains("You have signed in"));
    let (status, tokens) = collect(&visit, &code).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(
        claims(&tokens)["preferred_username"],
        "reader@contoso.example"
    );
    let (_, again) = collect(&visit, &code).await;
    assert_eq!(again["error"], "bad_verification_code");
}

#[tokio::test]
async fn a_person_can_decline() {
    let visit = attended();
    let code = begun(&visit).await;
    let page = page_for(&visit, &code).await;
    let done = visit.send(&page, &[("action", "cancel")]).await;
    assert!(done.text.contains("Declined"));
    let (_, declined) = collect(&visit, &code).await;
    assert_eq!(declined["error"], "authorization_declined");
    // It can't be entered again.
    let again = page_for(&visit, &code).await;
    assert!(again.alert().starts_with("That code is not known"));
}

#[tokio::test]
async fn a_person_may_come_before_a_code_approves_itself() {
    let visit = Visit::new();
    let code = begun(&visit).await;
    collect(&visit, &code).await;
    let late = page_for(&visit, &code).await;
    assert!(late.alert().starts_with("That code is not known"));

    let code = begun(&visit).await;
    let page = page_for(&visit, &code).await;
    for _ in 0..3 {
        let (_, pending) = collect(&visit, &code).await;
        assert_eq!(pending["error"], "authorization_pending");
    }
    visit
        .sign_in(&page, "reader@contoso.example", "hangar")
        .await;
    let (_, tokens) = collect(&visit, &code).await;
    assert_eq!(
        claims(&tokens)["preferred_username"],
        "reader@contoso.example"
    );
}

#[tokio::test]
async fn codes_that_are_unknown_or_too_old_are_refused() {
    let visit = attended();
    let code = begun(&visit).await;
    for typed in ["", "<b>", "BCDFGHJK"] {
        let page = visit.post(PAGE, &[("user_code", typed)]).await;
        assert!(page.alert().starts_with("That code is not known"));
        assert!(!page.text.contains("<b>"));
    }
    let page = page_for(&visit, &code).await;
    visit.wait(15 * 60);
    let late = visit
        .sign_in(&page, "reader@contoso.example", "hangar")
        .await;
    assert_eq!(late.status, 400);
    let (_, expired) = collect(&visit, &code).await;
    assert_eq!(expired["error"], "expired_token");
}
