//! Connections on which the bytes themselves are bad: heads, lengths, chunks, and early ends.

use super::client::Site;

const BODY: &str = "{\"serialNumber\":\"S\"}";

#[tokio::test]
async fn a_request_with_two_lengths_is_refused_and_hides_no_other() {
    let site = Site::open().await;
    let hidden = site.good_post();
    for lines in [
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked",
            hidden.len() + 5
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}",
            hidden.len() + 5
        ),
        "Content-Length: 5\r\nContent-Length: 6".to_owned(),
        "Content-Length: +5".to_owned(),
        "Content-Length: 5, 5".to_owned(),
        "Transfer-Encoding: chunked, identity".to_owned(),
        "Transfer-Encoding:\u{b}chunked".to_owned(),
        "Transfer-Encoding : chunked".to_owned(),
    ] {
        let mut client = site.connect().await;
        client.send(site.post(&lines) + "0\r\n\r\n" + &hidden).await;
        let answer = client.answer().await.expect("an answer");
        answer.assert_error(400, "BadRequest");
        assert!(answer.closes(), "{lines}");
        client.half_close().await;
        assert_eq!(client.rest().await, b"", "{lines}");
        assert_eq!(site.stored().await, 0, "{lines}");
    }
    site.assert_well(0).await;
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let site = Site::open().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"\xff\xfe\xfd\r\n\r\n",
    ] {
        let answer = site.exchange(bytes).await;
        answer.assert_error(400, "BadRequest");
        assert!(answer.closes(), "{}", bytes.escape_ascii());
    }
    site.assert_well(0).await;
}

#[tokio::test]
async fn garbage_behind_a_good_request_is_refused_for_itself() {
    let site = Site::open().await;
    let mut client = site.connect().await;
    client.send(site.good_post() + "garbage\r\n\r\n").await;
    assert_eq!(client.answer().await.unwrap().status, 201);
    client
        .answer()
        .await
        .unwrap()
        .assert_error(400, "BadRequest");
    client.half_close().await;
    assert_eq!(client.rest().await, b"");
    site.assert_well(1).await;
}

#[tokio::test]
async fn targets_and_headers_have_bounds() {
    let site = Site::open().await;
    let long = "x".repeat(16 * 1024);
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    for request in [
        get(&format!("/beta/{long}")),
        get(&format!("/beta?$filter={long}")),
        format!("GET /{long}{long}"),
    ] {
        site.exchange(request).await.assert_error(414, "UriTooLong");
    }
    let line = format!("X: {long}\r\n");
    for lines in [
        line.repeat(5),
        "X: 1\r\n".repeat(201),
        format!("X: {}", long.repeat(5)),
    ] {
        let answer = site.exchange(site.post(lines.trim_end())).await;
        answer.assert_error(431, "RequestHeaderFieldsTooLarge");
        assert!(answer.closes());
    }
    // A flood that never ends its head is cut, too.
    let mut client = site.connect().await;
    client
        .send(get("/").trim_end().to_owned() + "\r\n" + &line.repeat(8))
        .await;
    let answer = client.answer().await.expect("an answer");
    answer.assert_error(431, "RequestHeaderFieldsTooLarge");
    site.assert_well(0).await;
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_read() {
    let site = Site::open().await;
    for lines in [
        "Content-Length: 1048577",
        "Content-Length: 18446744073709551613",
        "Content-Length: 1048577\r\nExpect: 100-continue",
    ] {
        // Not a byte of it is sent.
        let answer = site.exchange(site.post(lines)).await;
        answer.assert_error(413, "RequestEntityTooLarge");
        assert!(answer.closes(), "{lines}");
    }
    // A client that sends it all the same still sees the answer.
    let mut client = site.connect().await;
    client.send(site.post("Content-Length: 4194304")).await;
    client.send(vec![b' '; 4 << 20]).await;
    let answer = client.answer().await.expect("an answer");
    answer.assert_error(413, "RequestEntityTooLarge");
    let chunk = format!("100001\r\n{}\r\n0\r\n\r\n", " ".repeat((1 << 20) + 1));
    let answer = site
        .exchange(site.post("Transfer-Encoding: chunked") + &chunk)
        .await;
    answer.assert_error(413, "RequestEntityTooLarge");
    site.assert_well(0).await;
}

#[tokio::test]
async fn a_body_is_asked_for_only_when_it_will_be_read() {
    let site = Site::open().await;
    let lines = format!("Content-Length: {}\r\nExpect: 100-continue", BODY.len());
    let mut client = site.connect().await;
    client.send(site.post(&lines)).await;
    assert_eq!(
        client.head().await.as_deref(),
        Some("HTTP/1.1 100 Continue\r\n\r\n")
    );
    client.send(BODY).await;
    assert_eq!(client.answer().await.unwrap().status, 201);

    let nobody = site.post(&lines).replace("Authorization", "X-Other");
    let answer = site.exchange(nobody).await;
    answer.assert_error(401, "InvalidAuthenticationToken");
    assert!(answer.closes());
    site.assert_well(1).await;
}

#[tokio::test]
async fn chunks_that_make_no_sense_are_refused() {
    let site = Site::open().await;
    let chunked = site.post("Transfer-Encoding: chunked");
    for chunks in [
        "x\r\n",
        "\r\n",
        "-1\r\n",
        "3\r\n{}}}",
        "fffffffffffffffff\r\n",
        "2\n{}\n0\n\n",
    ] {
        let answer = site.exchange(chunked.clone() + chunks).await;
        answer.assert_error(400, "BadRequest");
        assert!(answer.closes(), "{chunks}");
    }
    let good = format!("{:x};a=b\r\n{BODY}\r\n0\r\nTrailer: x\r\n\r\n", BODY.len());
    assert_eq!(site.exchange(chunked + &good).await.status, 201);
    site.assert_well(1).await;
}

#[tokio::test]
async fn a_half_closed_connection_gets_its_answer() {
    let site = Site::open().await;
    let mut client = site.connect().await;
    client.send(site.good_post()).await;
    client.half_close().await;
    assert_eq!(client.answer().await.unwrap().status, 201);
    assert_eq!(client.rest().await, b"");

    let whole = site.good_post();
    // Within the body, and within the head.
    for bytes in [whole.len() - 1, whole.len() - BODY.len() - 2, 20] {
        let mut client = site.connect().await;
        client.send(&whole[..bytes]).await;
        client.half_close().await;
        let answer = client.answer().await.expect("an answer");
        answer.assert_error(400, "BadRequest");
        assert_eq!(client.rest().await, b"");
    }
    site.assert_well(1).await;
}

#[tokio::test]
async fn a_client_that_goes_in_the_middle_leaves_nothing() {
    let site = Site::open().await;
    let whole = site.good_post();
    for bytes in (1..whole.len()).step_by(97) {
        let mut client = site.connect().await;
        client.send(&whole[..bytes]).await;
    }
    site.assert_well(0).await;
}
