//! Keys that come and go: whose they are, when they are fetched, and what serves meanwhile.

use super::*;

#[tokio::test]
async fn several_issuers_are_kept_apart() {
    let (entra, local) = (Signer::elliptic("same"), Signer::elliptic("same"));
    let issuer = FakeIssuer::publishing(&[entra.jwk()]);
    let own = format!("https://sts.example/{OTHER_TENANT}/");
    let mut settings = settings();
    settings.issuers.push(own.clone());
    settings.tenants.clear();
    let keys = json!({ "keys": [local.jwk()] }).to_string();
    let verifier = TokenVerifier::new(&settings, ManualClock::new(), |text| {
        if text == own {
            KeySource::Local(Arc::new(KeySet::parse(keys.as_bytes()).unwrap()))
        } else {
            KeySource::Remote(Arc::clone(&issuer) as Arc<dyn FetchKeys>)
        }
    })
    .unwrap();
    let foreign = claims_with(&json!({ "iss": own, "tid": OTHER_TENANT }));
    assert!(check(&verifier, &entra.token(&claims())).await.is_ok());
    assert!(check(&verifier, &local.token(&foreign)).await.is_ok());
    for token in [entra.token(&foreign), local.token(&claims())] {
        assert_eq!(
            refusal(&verifier, &token).await,
            AuthError::InvalidSignature
        );
    }
    let mixed = local.token(&claims_with(&json!({ "iss": own })));
    assert_eq!(refusal(&verifier, &mixed).await, AuthError::InvalidIssuer);
}

#[tokio::test]
async fn a_key_serves_only_its_own_issuer() {
    let (bound, personal) = (Signer::elliptic("bound"), Signer::elliptic("personal"));
    let (mut first, mut second) = (bound.jwk(), personal.jwk());
    first["issuer"] = json!(TEMPLATE);
    second["issuer"] = json!(format!("https://login.example/{PERSONAL}/v2.0"));
    let verifier = verifier(&FakeIssuer::publishing(&[first, second]));
    assert!(check(&verifier, &bound.token(&claims())).await.is_ok());
    assert_eq!(
        refusal(&verifier, &personal.token(&claims())).await,
        AuthError::InvalidSignature
    );
}

#[tokio::test]
async fn a_lone_key_need_not_be_named() {
    let signer = Signer::elliptic("e");
    let verifier = verifier(&FakeIssuer::publishing(&[signer.jwk()]));
    let token = signer.sign(&json!({ "alg": "ES256" }), &claims());
    assert!(check(&verifier, &token).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_is_found_and_the_old_one_falls() {
    let (old, new) = (Signer::elliptic("old"), Signer::elliptic("new"));
    let issuer = FakeIssuer::publishing(&[old.jwk()]);
    let verifier = verifier(&issuer);
    let (before, after) = (old.token(&claims()), new.token(&claims()));
    assert!(check(&verifier, &before).await.is_ok());
    issuer.publish(&[new.jwk()]);
    assert!(check(&verifier, &before).await.is_ok(), "not yet noticed");
    assert!(check(&verifier, &after).await.is_ok());
    // The old token was remembered, but its key has left the set.
    assert_eq!(refusal(&verifier, &before).await, AuthError::UnknownKey);
    assert_eq!(verifier.remembered.len(), 1);
    // Nothing was rediscovered, and the last miss was within the interval.
    assert_eq!(
        (
            issuer.discoveries.load(Ordering::SeqCst),
            issuer.key_fetches()
        ),
        (1, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_keys_is_one_fetch() {
    let signer = Signer::elliptic("e");
    let issuer = FakeIssuer::publishing(&[signer.jwk()]);
    let verifier = verifier(&issuer);
    assert!(check(&verifier, &signer.token(&claims())).await.is_ok());
    let flood = async || {
        let stranger = Signer::elliptic("e");
        let tokens: Vec<_> = (0..50)
            .map(|index| {
                stranger.sign(
                    &json!({ "alg": "ES256", "kid": index.to_string() }),
                    &claims(),
                )
            })
            .collect();
        let checks = tokens.iter().map(|token| refusal(&verifier, token));
        for refused in futures_util::future::join_all(checks).await {
            assert_eq!(refused, AuthError::UnknownKey);
        }
    };
    flood().await;
    flood().await;
    assert_eq!(issuer.key_fetches(), 2);
    tokio::time::advance(FIVE_MINUTES).await;
    flood().await;
    assert_eq!(issuer.key_fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn keys_are_refreshed_hourly_even_for_remembered_tokens() {
    let signer = Signer::elliptic("e");
    let issuer = FakeIssuer::publishing(&[signer.jwk()]);
    let verifier = verifier(&issuer);
    let token = signer.token(&claims());
    for expected in 1..4 {
        assert!(check(&verifier, &token).await.is_ok());
        assert!(check(&verifier, &token).await.is_ok());
        assert_eq!(issuer.key_fetches(), expected);
        tokio::time::advance(Duration::from_hours(1)).await;
    }
    verifier.refresh_due().await;
    verifier.refresh_due().await;
    assert_eq!(issuer.key_fetches(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_last_good_keys_serve_while_the_issuer_is_down() {
    let signer = Signer::elliptic("e");
    let issuer = FakeIssuer::publishing(&[signer.jwk()]);
    let verifier = verifier(&issuer);
    let token = signer.token(&claims());
    assert!(check(&verifier, &token).await.is_ok());
    issuer.be(Mood::Down);
    tokio::time::advance(Duration::from_secs(24 * 3_600 - 1)).await;
    assert!(check(&verifier, &token).await.is_ok());
    assert!(
        check(
            &verifier,
            &signer.token(&claims_with(&json!({ "uti": "2" })))
        )
        .await
        .is_ok()
    );
    // Its failure is not repeated for every request.
    assert_eq!(issuer.key_fetches(), 2);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(refusal(&verifier, &token).await, AuthError::KeysUnavailable);
    assert_eq!(
        AuthError::KeysUnavailable.kind(),
        AuthErrorKind::Unavailable
    );
    issuer.be(Mood::Up);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(check(&verifier, &token).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_any_key_nothing_is_said_about_a_token() {
    let signer = Signer::elliptic("e");
    let issuer = FakeIssuer::publishing(&[signer.jwk()]);
    issuer.be(Mood::Down);
    let verifier = verifier(&issuer);
    let token = signer.token(&claims());
    for _ in 0..10 {
        assert_eq!(refusal(&verifier, &token).await, AuthError::KeysUnavailable);
    }
    assert_eq!(issuer.discoveries.load(Ordering::SeqCst), 1);
    issuer.be(Mood::Up);
    for unusable in [
        "{\"keys\":[]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}",
        "<html>",
    ] {
        issuer.publish_text(unusable);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(refusal(&verifier, &token).await, AuthError::KeysUnavailable);
    }
    issuer.publish(&[signer.jwk()]);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(check(&verifier, &token).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_description_of_another_issuer_is_not_followed() {
    let signer = Signer::elliptic("e");
    let issuer = FakeIssuer::publishing(&[signer.jwk()]);
    for document in issuer.documents.lock().unwrap().values_mut() {
        *document = document.replace("login.example/{tenantid}", "evil.example/{tenantid}");
    }
    let verifier = verifier(&issuer);
    assert_eq!(
        refusal(&verifier, &signer.token(&claims())).await,
        AuthError::KeysUnavailable
    );
    assert_eq!(issuer.key_fetches(), 0);
}

#[tokio::test(start_paused = true)]
async fn others_go_on_while_one_refreshes() {
    let signer = Signer::elliptic("e");
    let issuer = FakeIssuer::publishing(&[signer.jwk()]);
    let verifier = verifier(&issuer);
    let token = signer.token(&claims());
    assert!(check(&verifier, &token).await.is_ok());
    issuer.be(Mood::Hanging);
    tokio::time::advance(Duration::from_hours(1)).await;
    let mut waiting = Box::pin(check(&verifier, &token));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    assert!(check(&verifier, &token).await.is_ok());
    // The one who waits gives up with the fetch, and has the stale keys too.
    assert!(waiting.await.is_ok());
    assert_eq!(issuer.key_fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_goes_away_leaves_the_fetch_to_the_next() {
    let signer = Signer::elliptic("e");
    let issuer = FakeIssuer::publishing(&[signer.jwk()]);
    let verifier = verifier(&issuer);
    let token = signer.token(&claims());
    let mut gone = Box::pin(check(&verifier, &token));
    assert!(futures_util::poll!(&mut gone).is_pending());
    drop(gone);
    assert!(check(&verifier, &token).await.is_ok());
    assert_eq!(issuer.discoveries.load(Ordering::SeqCst), 1);

    // One that nobody took up is begun anew.
    issuer.be(Mood::Hanging);
    let stranger = Signer::elliptic("later").token(&claims());
    let mut gone = Box::pin(check(&verifier, &stranger));
    assert!(futures_util::poll!(&mut gone).is_pending());
    drop(gone);
    issuer.be(Mood::Up);
    tokio::time::advance(Duration::from_secs(21)).await;
    assert_eq!(refusal(&verifier, &stranger).await, AuthError::UnknownKey);
    assert_eq!(issuer.key_fetches(), 3);
}
