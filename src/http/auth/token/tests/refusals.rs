//! Headers, signatures and claims that are refused, each for what is wrong with it.

use super::*;

#[tokio::test]
async fn bad_headers_and_signatures_are_refused() {
    let (rsa, elliptic, stranger) = (
        Signer::rsa("r"),
        Signer::elliptic("e"),
        Signer::elliptic("e"),
    );
    let issuer = FakeIssuer::publishing(&[rsa.jwk(), elliptic.jwk()]);
    let verifier = verifier(&issuer);
    let good = elliptic.token(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, body) = signed.split_once('.').unwrap();
    let with = |name: &str, value: Value| {
        let mut header = elliptic.header();
        header[name] = value;
        elliptic.sign(&header, &claims())
    };
    let unsigned = |algorithm: &str| {
        let header = json!({ "typ": "JWT", "alg": algorithm, "kid": "r" });
        format!("{}.{body}", part(&header))
    };
    // The classic confusion: the public key's bytes taken for a shared secret.
    let public_key = aws_lc_rs::hmac::Key::new(
        aws_lc_rs::hmac::HMAC_SHA256,
        rsa.jwk()["n"].as_str().unwrap().as_bytes(),
    );
    let symmetric = unsigned("HS256");
    let mac = aws_lc_rs::hmac::sign(&public_key, symmetric.as_bytes());
    let symmetric = format!("{symmetric}.{}", URL_SAFE_NO_PAD.encode(mac));
    let tampered = part(&claims_with(&json!({ "oid": "somebody-else" })));
    let mut foreign = stranger.header();
    foreign["kid"] = json!("unknown");
    foreign["jku"] = json!("https://evil.example/keys");
    foreign["x5u"] = json!("https://evil.example/certificate");
    foreign["jwk"] = stranger.jwk();
    let mut nameless = elliptic.header();
    nameless.as_object_mut().unwrap().remove("kid");

    let table = [
        (
            format!("{}.", unsigned("none")),
            AuthError::UnsupportedAlgorithm,
        ),
        (
            format!("{}.", unsigned("None")),
            AuthError::UnsupportedAlgorithm,
        ),
        (symmetric, AuthError::UnsupportedAlgorithm),
        (with("alg", json!("RS384")), AuthError::UnsupportedAlgorithm),
        (with("alg", json!("PS256")), AuthError::UnsupportedAlgorithm),
        (with("alg", json!("RS256")), AuthError::InvalidSignature),
        (
            with("crit", json!(["exp"])),
            AuthError::UnsupportedCriticalHeader,
        ),
        (
            with("typ", json!("logout+jwt")),
            AuthError::UnsupportedTokenType,
        ),
        (with("kid", json!("r")), AuthError::InvalidSignature),
        (with("kid", json!("unknown")), AuthError::UnknownKey),
        (with("kid", json!(7)), AuthError::Malformed),
        (elliptic.sign(&nameless, &claims()), AuthError::MissingKeyId),
        (stranger.sign(&foreign, &claims()), AuthError::UnknownKey),
        (stranger.token(&claims()), AuthError::InvalidSignature),
        (
            format!("{header}.{tampered}.{signature}"),
            AuthError::InvalidSignature,
        ),
        (
            format!("{signed}.{}", signature.chars().rev().collect::<String>()),
            AuthError::InvalidSignature,
        ),
        (format!("{signed}."), AuthError::InvalidSignature),
        (format!("{signed}.$$$"), AuthError::InvalidSignature),
        (format!("{good}.extra"), AuthError::Malformed),
        (signed.to_owned(), AuthError::Malformed),
        ("...".to_owned(), AuthError::Malformed),
        ("not-a-jwt".to_owned(), AuthError::Malformed),
        (
            format!("{}.{body}.{signature}", part(&json!(["JWT", "ES256", "e"]))),
            AuthError::Malformed,
        ),
        ("x".repeat(16 * 1024), AuthError::Malformed),
        ("x".repeat(16 * 1024 + 1), AuthError::TooLong),
    ];
    for (token, expected) in table {
        assert_eq!(refusal(&verifier, &token).await, expected, "{token}");
        assert_eq!(expected.kind(), AuthErrorKind::Unauthenticated);
    }
    // The two unknown keys led to one more fetch, and none of it went where the token pointed.
    assert_eq!(issuer.key_fetches(), 2);
    assert!(check(&verifier, &good).await.is_ok());
}

#[tokio::test]
async fn bad_claims_are_refused() {
    let signer = Signer::elliptic("e");
    let verifier = verifier(&FakeIssuer::publishing(&[signer.jwk()]));
    let other_issuer = format!("https://login.example/{OTHER_TENANT}/v2.0");
    let table = [
        (json!({ "exp": NOW - 300 }), AuthError::Expired),
        (json!({ "exp": -1 }), AuthError::Expired),
        (json!({ "exp": null }), AuthError::MissingExpiry),
        (json!({ "exp": "soon" }), AuthError::Malformed),
        (json!({ "exp": 1e300 }), AuthError::Malformed),
        (json!({ "nbf": NOW + 301 }), AuthError::NotYetValid),
        (
            json!({ "aud": "https://other.example" }),
            AuthError::InvalidAudience,
        ),
        (
            json!({ "aud": "https://graph.microsoft.com/" }),
            AuthError::InvalidAudience,
        ),
        (json!({ "aud": [] }), AuthError::InvalidAudience),
        (json!({ "aud": null }), AuthError::InvalidAudience),
        (
            json!({ "iss": "https://evil.example/v2.0" }),
            AuthError::InvalidIssuer,
        ),
        (json!({ "iss": TEMPLATE }), AuthError::InvalidIssuer),
        (json!({ "iss": null }), AuthError::InvalidIssuer),
        (json!({ "iss": other_issuer }), AuthError::InvalidIssuer),
        (json!({ "tid": OTHER_TENANT }), AuthError::InvalidIssuer),
        (json!({ "tid": "contoso" }), AuthError::MalformedTenant),
        (
            json!({ "tid": "contoso", "iss": "https://login.example/contoso/v2.0" }),
            AuthError::MalformedTenant,
        ),
        (json!({ "tid": null }), AuthError::MalformedTenant),
        (
            json!({ "tid": OTHER_TENANT, "iss": other_issuer }),
            AuthError::InvalidTenant,
        ),
        (
            json!({ "oid": null, "sub": null }),
            AuthError::MissingObjectId,
        ),
        (json!({ "roles": "A" }), AuthError::Malformed),
    ];
    for (changes, expected) in table {
        let token = signer.token(&claims_with(&changes));
        assert_eq!(refusal(&verifier, &token).await, expected, "{changes}");
    }
    // Both ends have five minutes for clocks that differ.
    for changes in [json!({ "exp": NOW - 299 }), json!({ "nbf": NOW + 300 })] {
        let token = signer.token(&claims_with(&changes));
        assert!(check(&verifier, &token).await.is_ok());
    }
    let doubled = claims().to_string().replacen('{', "{\"tid\":\"x\",", 1);
    let token = format!(
        "{}.{}.AAAA",
        part(&signer.header()),
        URL_SAFE_NO_PAD.encode(doubled)
    );
    assert_eq!(refusal(&verifier, &token).await, AuthError::Malformed);
}
