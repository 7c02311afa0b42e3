//! Clients that send slowly, read never, or say nothing: each is cut after its time.

use std::time::Duration;

use hangar::{
    http::{layers::limits::BODY_TIMEOUT, server::ServerOptions},
    testing::{BASE_URL, LocalAuthority, TestOptions},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{
    IMPORTS,
    client::{Client, PATIENCE, Site},
};

const SHORT: Duration = Duration::from_millis(150);

fn hasty() -> ServerOptions {
    ServerOptions {
        head_timeout: SHORT,
        idle_timeout: SHORT,
        write_timeout: SHORT,
        linger_timeout: SHORT,
        ..ServerOptions::default()
    }
}

async fn hasty_site() -> Site {
    let options = TestOptions {
        body_timeout: SHORT,
        local_authority: LocalAuthority::Served,
        ..TestOptions::default()
    };
    Site::open_with(options, hasty()).await
}

/// Sends a byte whenever none is answered, as a client does that wants to keep a place.
async fn trickle(client: &mut Client) {
    let trickling = async {
        let mut answered = [0];
        while timeout(SHORT / 10, client.0.peek(&mut answered))
            .await
            .is_err()
        {
            client.0.write_all(b" ").await.unwrap();
        }
    };
    timeout(PATIENCE, trickling).await.expect("it is never cut");
}

#[test]
fn heads_have_thirty_seconds_and_bodies_sixty() {
    let options = ServerOptions::default();
    assert_eq!(options.head_timeout, Duration::from_secs(30));
    assert_eq!(options.write_timeout, Duration::from_secs(30));
    assert_eq!(BODY_TIMEOUT, Duration::from_mins(1));
    assert_eq!(TestOptions::default().body_timeout, BODY_TIMEOUT);
}

#[tokio::test]
async fn a_slow_head_is_cut() {
    let site = hasty_site().await;
    for head in ["G", "POST /beta HTTP/1.1\r\nHost: localhost\r\nX:"] {
        let answer = site.exchange(head).await;
        answer.assert_error(408, "RequestTimeout");
        assert!(answer.closes());
    }
    let mut client = site.connect().await;
    client.send("GET / HTTP/1.1\r\nX:").await;
    trickle(&mut client).await;
    let answer = client.answer().await.expect("an answer");
    answer.assert_error(408, "RequestTimeout");
    site.assert_well(0).await;
}

#[tokio::test]
async fn a_slow_body_is_cut() {
    let site = hasty_site().await;
    let sized = site.post("Content-Length: 1000") + "{";
    let chunked = site.post("Transfer-Encoding: chunked") + "ff\r\n{";
    for request in [&sized, &chunked] {
        let answer = site.exchange(request).await;
        answer.assert_error(408, "RequestTimeout");
        assert!(answer.closes());
    }
    let mut client = site.connect().await;
    client.send(&sized).await;
    trickle(&mut client).await;
    let answer = client.answer().await.expect("an answer");
    answer.assert_error(408, "RequestTimeout");
    site.assert_well(0).await;
}

#[tokio::test]
async fn a_slow_form_for_the_authority_is_cut() {
    let site = hasty_site().await;
    let host = BASE_URL.trim_start_matches("http://");
    let head = format!(
        "POST /contoso/oauth2/v2.0/token HTTP/1.1\r\nHost: {host}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant"
    );
    let answer = site.exchange(head).await;
    assert_eq!(answer.status, 408, "{answer:?}");
    assert!(answer.closes());
}

#[tokio::test]
async fn silence_ends_without_a_word() {
    let site = hasty_site().await;
    assert_eq!(site.connect().await.rest().await, b"");
    let mut idle = site.connect().await;
    idle.send(site.good_post()).await;
    assert_eq!(idle.answer().await.unwrap().status, 201);
    assert_eq!(idle.rest().await, b"");
    site.assert_well(1).await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped() {
    let site = hasty_site().await;
    let mut client = site.connect().await;
    let request = format!("GET {IMPORTS} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(100);
    // The answers fill every buffer between us, then the server reads no more, then it goes.
    let sending = async { while client.0.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(PATIENCE, sending)
        .await
        .expect("it is never dropped");
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, client.0.read_to_end(&mut rest))
        .await
        .expect("it never ends");
    site.assert_well(0).await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_the_others_go_on() {
    let options = ServerOptions {
        max_connections: 2,
        ..ServerOptions::default()
    };
    let site = Site::open_with(TestOptions::default(), options).await;
    let mut first = site.connect().await;
    let mut second = site.connect().await;
    for client in [&mut first, &mut second] {
        client.send(site.good_post()).await;
        assert_eq!(client.answer().await.unwrap().status, 201);
    }
    assert_eq!(site.connect().await.rest().await, b"");
    first.send(site.good_post()).await;
    assert_eq!(first.answer().await.unwrap().status, 201);
}
