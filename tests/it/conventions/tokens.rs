//! What is wrong with a token, in Graph's words. Who may do what is in `coverage`.

use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{House, IMPORTS, WRITE, error};

const CONTOSO: Uuid = Uuid::from_u128(0xaaaa_aaaa_0000_4000_8000_0000_0000_000a);

async fn told(house: &House, token: &str) -> String {
    let answer = house.ask(Method::GET, IMPORTS).token(token).send().await;
    assert!(answer.header("www-authenticate").is_some());
    error(&answer)
}

#[tokio::test]
async fn a_token_is_refused_in_graphs_words() {
    let house = House::new();
    let with = |claims| house.token(CONTOSO, &claims);
    let good = house.user_token(CONTOSO, WRITE);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let (_, other_signature) = house.fabrikam.rsplit_once('.').unwrap();
    let cases = [
        (
            "x".to_owned(),
            "CompactToken parsing failed with error code: 80049217",
        ),
        (
            "a.b.c".to_owned(),
            "CompactToken parsing failed with error code: 80049217",
        ),
        (
            with(json!({ "aud": "api://other" })),
            "Access token validation failure. Invalid audience.",
        ),
        (
            with(json!({ "exp": 0 })),
            "Lifetime validation failed, the token is expired.",
        ),
        (
            format!("{signed}.{other_signature}"),
            "Access token validation failure. Invalid signature.",
        ),
    ];
    for (token, message) in cases {
        assert_eq!(
            told(&house, &token).await,
            format!("401 InvalidAuthenticationToken: {message}")
        );
    }
    for authorization in ["", "Bearer", "Bearer ", "Basic YTpi"] {
        let ask = house.ask(Method::GET, IMPORTS).anonymous();
        let answer = ask.header("authorization", authorization).send().await;
        assert_eq!(
            error(&answer),
            "401 InvalidAuthenticationToken: Access token is empty.",
            "{authorization:?}"
        );
    }
}

#[tokio::test]
async fn a_token_ends_by_the_clock_of_the_house() {
    let house = House::new();
    let token = house.user_token(CONTOSO, WRITE);
    let status = async || {
        house
            .ask(Method::GET, IMPORTS)
            .token(&token)
            .send()
            .await
            .status
    };
    assert_eq!(status().await, 200);
    // An hour, and five minutes for clocks that differ.
    house
        .api
        .clock
        .advance(SignedDuration::from_secs(3600 + 299));
    assert_eq!(status().await, 200);
    house.api.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(
        told(&house, &token).await,
        "401 InvalidAuthenticationToken: Lifetime validation failed, the token is expired."
    );
}
