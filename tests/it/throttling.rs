//! Callers that ask too often: by application, tenant and verb, in both behaviours, and by the clock
//! that Autopilot's rules see.

use hangar::{
    graph::behavior::Behavior,
    http::layers::throttle::{Limits, RetryAfter},
    testing::{TestAnswer, TestOptions},
};
use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use crate::{
    harness::{DEVICES, House, IMPORTS, WRITE, device, error, text},
    process::{Server, client, hangar, serve_dev, token},
};

const LIMITS: Limits = Limits {
    app_requests: 20,
    tenant_requests: 30,
    app_writes: 4,
    tenant_writes: 6,
};

fn house(behavior: Behavior, retry_after: RetryAfter) -> House {
    House::with(TestOptions {
        behavior,
        throttle: Some((LIMITS, retry_after)),
        ..TestOptions::default()
    })
}

fn strict() -> House {
    house(Behavior::Documented, RetryAfter::Sent)
}

async fn create(house: &House, token: &str, seed: u64) -> TestAnswer {
    let ask = house.ask(Method::POST, IMPORTS).token(token);
    ask.json(&device(seed)).send().await
}

async fn count(house: &House, token: &str) -> String {
    let path = format!("{IMPORTS}/$count");
    text(&house.ask(Method::GET, &path).token(token).send().await)
}

/// A token of Contoso's for an application of this name.
fn token_of(house: &House, application: &str) -> String {
    let directory = house.api.authority.directory();
    let contoso = directory.find_tenant("contoso");
    let claims = json!({ "scp": WRITE, "azp": application });
    house.token(contoso.unwrap().id.0, &claims)
}

#[tokio::test]
async fn a_write_too_many_is_refused_and_not_written() {
    let house = strict();
    for seed in 0..4 {
        assert_eq!(create(&house, &house.contoso, seed).await.status, 201);
    }
    let refused = create(&house, &house.contoso, 4).await;
    assert_eq!(error(&refused), "429 TooManyRequests: Too many requests.");
    assert_eq!(refused.header("retry-after"), Some("20"));
    assert_eq!(refused.header("content-type"), Some("application/json"));
    // Reads have limits of their own.
    assert_eq!(count(&house, &house.contoso).await, "4");
}

#[tokio::test]
async fn who_waits_as_long_as_he_is_told_is_let_through() {
    for elapsed_ms in [0, 1, 999, 7_350, 19_999] {
        let house = strict();
        for seed in 0..4 {
            create(&house, &house.contoso, seed).await;
        }
        let later = SignedDuration::from_millis(elapsed_ms);
        house.api.clock.advance(later);
        let refused = create(&house, &house.contoso, 4).await;
        assert_eq!(refused.status, 429, "{elapsed_ms}");
        let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert_eq!(wait, (20_000 - elapsed_ms + 999) / 1000);
        // Nothing that was refused makes the wait longer.
        create(&house, &house.contoso, 4).await;
        house.api.clock.advance(SignedDuration::from_secs(wait));
        assert_eq!(create(&house, &house.contoso, 4).await.status, 201);
    }
}

#[tokio::test]
async fn a_tenant_has_more_than_an_application_and_nothing_of_anothers() {
    let house = strict();
    let (one, two) = (token_of(&house, "one"), token_of(&house, "two"));
    for seed in 0..4 {
        assert_eq!(create(&house, &one, seed).await.status, 201);
    }
    assert_eq!(create(&house, &one, 4).await.status, 429);
    for seed in 4..6 {
        assert_eq!(create(&house, &two, seed).await.status, 201);
    }
    assert_eq!(create(&house, &two, 6).await.status, 429);
    for seed in 10..14 {
        assert_eq!(create(&house, &house.fabrikam, seed).await.status, 201);
    }
    assert_eq!(count(&house, &house.fabrikam).await, "4");
}

#[tokio::test]
async fn reads_are_counted_too() {
    let house = strict();
    for _ in 0..20 {
        assert_eq!(house.get(DEVICES).await.status, 200);
    }
    let refused = house.get(DEVICES).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("20"));
    house.api.clock.advance(SignedDuration::from_secs(20));
    assert_eq!(house.get(DEVICES).await.status, 200);
}

#[tokio::test]
async fn every_verb_that_writes_is_a_write_and_an_import_call_is_one() {
    let house = strict();
    let many: Vec<_> = (0..10).map(device).collect();
    let call = json!({ "importedWindowsAutopilotDeviceIdentities": many });
    let answer = house.post(&format!("{IMPORTS}/import"), &call).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
    let absent = format!("{IMPORTS}/{}", Uuid::from_u128(7));
    assert_eq!(house.patch(&absent, &json!({})).await.status, 404);
    assert_eq!(house.delete(&absent).await.status, 404);
    let device = format!("{DEVICES}/{}", Uuid::from_u128(7));
    assert_eq!(house.delete(&device).await.status, 404);
    assert_eq!(house.delete(&device).await.status, 429);
    assert_eq!(house.patch(&absent, &json!({})).await.status, 429);
    let answer = house.post(&format!("{IMPORTS}/import"), &call).await;
    assert_eq!(answer.status, 429);
    assert_eq!(count(&house, &house.contoso).await, "10");
}

#[tokio::test]
async fn who_may_not_ask_is_told_so_however_often() {
    let house = strict();
    for _ in 0..30 {
        let nobody = house.ask(Method::GET, IMPORTS).anonymous().send().await;
        assert_eq!(nobody.status, 401);
        let directory = house.api.authority.directory();
        let contoso = directory.find_tenant("contoso");
        let powerless = house.user_token(contoso.unwrap().id.0, "User.Read");
        let ask = house.ask(Method::GET, IMPORTS).token(&powerless);
        assert_eq!(ask.send().await.status, 403);
    }
    assert_eq!(house.get(IMPORTS).await.status, 200);
}

#[tokio::test]
async fn the_live_service_says_it_in_its_own_words_and_often_not_when() {
    let house = house(Behavior::Observed, RetryAfter::Sent);
    for seed in 0..4 {
        create(&house, &house.contoso, seed).await;
    }
    let refused = create(&house, &house.contoso, 4).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("20"));
    let body = refused.json();
    assert_eq!(body["error"]["code"], "TooManyRequests");
    let message = body["error"]["message"].as_str().unwrap();
    let message: serde_json::Value = serde_json::from_str(message).unwrap();
    let text = message["Message"].as_str().unwrap();
    assert!(text.starts_with("Too many requests."), "{text}");

    let silent = self::house(Behavior::Observed, RetryAfter::Omitted);
    for seed in 0..4 {
        create(&silent, &silent.contoso, seed).await;
    }
    let refused = create(&silent, &silent.contoso, 4).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), None);
}

#[tokio::test]
async fn each_part_of_a_batch_is_counted_and_the_batch_is_not() {
    let house = strict();
    let set = "/deviceManagement/importedWindowsAutopilotDeviceIdentities";
    let part = |number: u64| {
        json!({
            "id": number.to_string(), "method": "POST", "url": set, "body": device(number),
            "headers": { "Content-Type": "application/json" },
        })
    };
    let parts: Vec<_> = (0..6).map(part).collect();
    let answer = house
        .post("/beta/$batch", &json!({ "requests": parts }))
        .await;
    assert_eq!(answer.status, 200);
    let responses = answer.json()["responses"].clone();
    let responses = responses.as_array().unwrap();
    let refused: Vec<_> = responses
        .iter()
        .filter(|part| part["status"] == 429)
        .collect();
    let accepted = responses.iter().filter(|part| part["status"] == 201);
    assert_eq!((accepted.count(), refused.len()), (4, 2));
    for part in refused {
        assert_eq!(part["headers"]["Retry-After"], "20");
        assert_eq!(part["body"]["error"]["code"], "TooManyRequests");
    }
    assert_eq!(count(&house, &house.contoso).await, "4");

    // What waits for a part that is refused is not tried.
    let mut next = part(7);
    next["dependsOn"] = json!(["6"]);
    let body = json!({ "requests": [part(6), next] });
    let answer = house.post("/beta/$batch", &body).await;
    let responses = answer.json()["responses"].clone();
    assert_eq!(responses[0]["status"], 429);
    assert_eq!(responses[1]["status"], 424);
    assert_eq!(count(&house, &house.contoso).await, "4");
}

/// The settings, through the built server and by its own clock.
#[tokio::test]
async fn a_process_has_its_share_and_observed_behaviour_has_intunes_limits() {
    let share: [&str; 6] = [
        "--throttle-enabled",
        "--throttle-app-writes",
        "10",
        "--throttle-share",
        "0.25",
        "--throttle-window=10m",
    ];
    let observed = ["--graph-behavior", "observed", "--throttle-window=10m"];
    for (flags, writes) in [(&share[..], 3), (&observed[..], 100)] {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let server = Server::start(hangar().args(serve_dev(&data)).args(flags));
        let token = token(&data, &[]);
        let address = format!("{}{IMPORTS}", server.url);
        let client = client();
        let create = || client.post(&address).bearer_auth(&token).json(&json!({}));
        for _ in 0..writes {
            assert_eq!(create().send().await.unwrap().status(), 201);
        }
        let refused = create().send().await.unwrap();
        assert_eq!(refused.status(), 429);
        let wait = refused.headers()["retry-after"].to_str().unwrap();
        assert!((1..=600).contains(&wait.parse::<u64>().unwrap()), "{wait}");
        let read = client.get(&address).bearer_auth(&token);
        assert_eq!(read.send().await.unwrap().status(), 200);
    }
}
