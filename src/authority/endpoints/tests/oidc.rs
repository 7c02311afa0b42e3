//! What libraries ask around a sign-in: who a token is of, whether the authority is known, where a
//! user is at home, signing out.

use super::{visit::Visit, *};

async fn who(router: &Router, token: &str) -> (u16, Value) {
    let request = Request::get("/common/openid/userinfo")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    let (status, body) = send(router, request).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn a_users_access_token_tells_who_it_is_of() {
    let visit = Visit::new();
    let form = format!(
        "grant_type=password&{PUBLIC}&username=reader@contoso.example&password=hangar&scope=openid"
    );
    let (_, tokens) = ask(&visit.router, "/common/oauth2/v2.0/token", &form).await;
    let access = tokens["access_token"].as_str().unwrap();
    let (status, user) = who(&visit.router, access).await;
    assert_eq!(status, 200);
    assert_eq!(user["sub"], claims(&tokens)["sub"]);
    assert_eq!(user["preferred_username"], "reader@contoso.example");

    let form = format!("grant_type=client_credentials&{DAEMON}&{DEFAULT_SCOPE}");
    let (_, own) = ask(&visit.router, "/contoso/oauth2/v2.0/token", &form).await;
    let own = own["access_token"].as_str().unwrap();
    for token in [own, tokens["id_token"].as_str().unwrap(), "x.y.z", ""] {
        let (status, body) = who(&visit.router, token).await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_token")));
    }
    visit.wait(3_600);
    assert_eq!(who(&visit.router, access).await.0, 401);
}

#[tokio::test]
async fn the_authority_knows_itself_alone() {
    let router = authority();
    let instance = "/common/discovery/instance?api-version=1.1&authorization_endpoint=";
    let own = "http://localhost/contoso/oauth2/v2.0/authorize";
    let (status, body) = get_json(&router, &format!("{instance}{own}")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        body["tenant_discovery_endpoint"],
        format!("{BASE}/contoso/v2.0/.well-known/openid-configuration")
    );
    assert_eq!(body["metadata"][0]["aliases"], json!(["localhost:8080"]));
    for other in [
        "https://evil.example/contoso/",
        "nonsense",
        "http://localhost/nowhere",
        "",
    ] {
        let (status, body) = get_json(&router, &format!("{instance}{other}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    }
    for (user, kind) in [
        ("reader@contoso.example", "Managed"),
        ("somebody", "Unknown"),
    ] {
        let (_, body) = get_json(
            &router,
            &format!("/common/userrealm/{user}?api-version=1.0"),
        )
        .await;
        assert_eq!(body["account_type"], kind);
    }
}

#[tokio::test]
async fn signing_out_leads_only_where_it_may() {
    let visit = Visit::new();
    let address = "/common/oauth2/v2.0/logout";
    let own = visit
        .get(&format!(
            "{address}?post_logout_redirect_uri=http://localhost:1/&state=x"
        ))
        .await;
    assert_eq!(own.location(), "http://localhost:1/?state=x");
    let fields = [("post_logout_redirect_uri", "https://evil.example/<b>")];
    let foreign = visit.post(address, &fields).await;
    assert_eq!(foreign.status, 200);
    assert!(foreign.text.contains("https://evil.example/&lt;b&gt;"));
    assert_eq!(visit.get(address).await.status, 200);
}

#[tokio::test]
async fn there_is_an_answer_to_everything_else() {
    let router = authority();
    let (status, body) = get_json(&router, "/common/oauth2/nothing").await;
    assert_eq!(
        (status.as_u16(), &body["error_codes"][0]),
        (404, &json!(90_043))
    );
    let (status, body) = get_json(&router, "/common/oauth2/v2.0/token").await;
    assert_eq!(
        (status.as_u16(), &body["error_codes"][0]),
        (405, &json!(900_561))
    );
    let visit = Visit::new();
    let long = "x".repeat(LONGEST_PAGE_FORM_BYTES);
    for page in ["sign-in", "authorize", "deviceauth", "logout"] {
        let seen = visit
            .post(&format!("/common/oauth2/v2.0/{page}"), &[("a", &long)])
            .await;
        assert_eq!(seen.status, 413, "{page}");
    }
}
