//! https as a person meets it: beside http with `--dev`, alone with a certificate of one's own, with
//! a certificate that is renewed, and with one that won't do.

use std::{fs, net::TcpListener, path::Path, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use reqwest::{Certificate, Client};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName};
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::process::{PATIENCE, Process, Server, hangar, run, serve_dev, serve_for_real, token};

const IMPORTS: &str = "beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";

/// What `hangar trust --ca` prints for a data directory.
fn ca(data_dir: &Path) -> String {
    let mut command = hangar();
    command.args(["trust", "--ca", "--data-dir"]).arg(data_dir);
    let ended = run(&mut command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.trim().to_owned()
}

/// The first address for https that a server said it listens on.
fn secure_url(process: &Process) -> String {
    let line = process.stdout.wait_for("Hangar listens on ").unwrap();
    let mut words = line.split(' ');
    let url = words.find(|word| word.starts_with("https://"));
    url.unwrap_or_else(|| panic!("no https in: {line}"))
        .to_owned()
}

fn client_of(ca: &str) -> Client {
    let certificate = Certificate::from_pem(&fs::read(ca).unwrap()).unwrap();
    let client = Client::builder().no_proxy().timeout(PATIENCE);
    client.tls_certs_only([certificate]).build().unwrap()
}

/// A certificate that signs itself, with its key, written to files.
struct Pair {
    der: CertificateDer<'static>,
}

impl Pair {
    fn write(directory: &Path) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        fs::write(directory.join("cert.pem"), pem("CERTIFICATE", &der)).unwrap();
        let key = pem("PRIVATE KEY", &key.serialize_der());
        fs::write(directory.join("key.pem"), key).unwrap();
        Self { der }
    }

    /// Opens a connection, which trusts this certificate alone.
    async fn connect(&self, url: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(url.trim_start_matches("https://")).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// The flags that name a pair's files.
fn flags(directory: &Path) -> [String; 4] {
    let path = |name| directory.join(name).to_str().unwrap().to_owned();
    [
        "--tls-cert".to_owned(),
        path("cert.pem"),
        "--tls-key".to_owned(),
        path("key.pem"),
    ]
}

/// Asks without a token on an open connection; answers the status line.
async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    let request = format!("GET /{IMPORTS} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut line = vec![0; "HTTP/1.1 401".len()];
    stream.read_exact(&mut line).await.unwrap();
    let mut rest = vec![0; 8192];
    // The rest of the answer is in one record.
    let _ = stream.read(&mut rest).await.unwrap();
    String::from_utf8(line).unwrap()
}

#[tokio::test]
async fn development_speaks_https_beside_http() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::dev(&data);
    let url = secure_url(&server.process);
    let client = client_of(&ca(&data));
    let token = token(&data, &[]);
    for serial in ["1", "2"] {
        let body = serde_json::json!({ "serialNumber": serial });
        let request = client.post(format!("{url}/{IMPORTS}")).bearer_auth(&token);
        let answer = request.json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let location = answer.headers()["location"].to_str().unwrap();
        assert!(location.starts_with(&format!("{url}/")), "{location}");
        // A browser would keep to a promise of https for all that this machine serves.
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=0");
    }
    let mut link = format!("{url}/{IMPORTS}?$top=1");
    for _ in 0..2 {
        let answer = client.get(&link).bearer_auth(&token).send().await.unwrap();
        let page: Value = answer.json().await.unwrap();
        assert_eq!(page["value"].as_array().unwrap().len(), 1);
        let next = page["@odata.nextLink"].as_str().unwrap_or_default();
        assert!(next.is_empty() || next.starts_with(&format!("{url}/")));
        next.clone_into(&mut link);
    }
    // Both hold the same, and web pages are kept from both.
    let count = format!("{}/{IMPORTS}/$count", server.url);
    let answer = client.get(count).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "2");
    let foreign = client.get(format!("{url}/{IMPORTS}"));
    let foreign = foreign.bearer_auth(&token).header("host", "evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 421);
    assert_eq!(server.stop().code, Some(0));
}

#[tokio::test]
async fn the_authority_names_itself_by_https_to_those_who_come_so() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::dev(&data);
    let url = secure_url(&server.process);
    let client = client_of(&ca(&data));
    let discovery = format!("{url}/contoso/v2.0/.well-known/openid-configuration");
    let document: Value = client
        .get(discovery)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let issuer = document["issuer"].as_str().unwrap();
    assert!(issuer.starts_with(&format!("{url}/")), "{issuer}");
    let endpoint = document["token_endpoint"].as_str().unwrap();
    let form = "grant_type=client_credentials&client_id=cccccccc-0000-4000-8000-000000000002&client_secret=hangar&\
                scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
    let request = client.post(endpoint).body(form);
    let form_type = "application/x-www-form-urlencoded";
    let answer = request.header("content-type", form_type).send().await;
    let answer = answer.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let token = answer["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"));
    // An application's token is known, and refused for what it is.
    for base in [&url, &server.url] {
        let request = client.get(format!("{base}/{IMPORTS}")).bearer_auth(token);
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let old = Pair::write(directory.path());
    let mut command = hangar();
    command.args(serve_for_real(&directory.path().join("data")));
    let process = Process::start(command.args(flags(directory.path())));
    // Without --tls-listen, https takes http's place.
    let url = secure_url(&process);
    let mut before = old.connect(&url).await.unwrap();
    assert_eq!(ask(&mut before).await, "HTTP/1.1 401");

    let new = Pair::write(directory.path());
    let told = process.stderr.wait_for("a new certificate is served");
    assert!(told.is_some(), "{}", process.stderr.text());
    let mut after = new.connect(&url).await.unwrap();
    assert_eq!(ask(&mut after).await, "HTTP/1.1 401");
    assert!(old.connect(&url).await.is_err());
    assert_eq!(ask(&mut before).await, "HTTP/1.1 401", "it was dropped");

    fs::write(directory.path().join("key.pem"), "nonsense").unwrap();
    let told = process.stderr.wait_for("the old one is served still");
    let told = told.unwrap_or_else(|| panic!("{}", process.stderr.text()));
    assert!(told.contains("key.pem"), "{told}");
    let mut still = new.connect(&url).await.unwrap();
    assert_eq!(ask(&mut still).await, "HTTP/1.1 401");
}

#[test]
fn a_certificate_that_wont_do_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    Pair::write(directory.path());
    let key = directory.path().join("key.pem");
    fs::write(&key, "nonsense").unwrap();
    for arguments in [serve_for_real(&data), serve_dev(&data)] {
        let ended = run(hangar().args(arguments).args(flags(directory.path())));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(key.to_str().unwrap()), "{ended:?}");
        assert!(ended.stderr.contains("private key in PEM"), "{ended:?}");
    }
    assert!(
        !data.exists(),
        "a server that is refused leaves nothing behind"
    );

    let mut check = hangar();
    check
        .args(["config", "check", "--dev"])
        .args(flags(directory.path()));
    let ended = run(&mut check);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("private key in PEM"), "{ended:?}");

    let ended = run(hangar()
        .args(serve_for_real(&data))
        .args(&flags(directory.path())[..2]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("server.tls_key"), "{ended:?}");
}

#[test]
fn the_usual_port_of_development_may_be_taken_and_another_may_not() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let _holder = TcpListener::bind("127.0.0.77:8443").unwrap();
    let arguments = [
        "serve",
        "--dev",
        "--admin-listen",
        "127.0.0.77:0",
        "--data-dir",
    ];
    let mut command = hangar();
    command
        .args(arguments)
        .arg(&data)
        .args(["--listen", "127.0.0.77:0"]);
    let server = Server::start(&mut command);
    let note = server.process.stdout.wait_for("https is not served");
    let note = note.unwrap_or_else(|| panic!("{}", server.process.stdout.text()));
    assert!(note.contains("127.0.0.77:8443 is in use"), "{note}");
    assert!(note.contains("--tls-listen"), "{note}");
    drop(server.stop());

    let ended = run(command.args(["--tls-listen", "127.0.0.77:8443"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("server.tls_listen"), "{ended:?}");
}

#[test]
fn trust_says_how_for_every_system_and_where_the_authority_is() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut trust = hangar();
    trust.args(["trust", "--data-dir"]).arg(&data);
    let ended = run(&mut trust);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("hangar serve --dev"), "{ended:?}");

    let server = Server::dev(&data);
    let path = ca(&data);
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .contains("BEGIN CERTIFICATE")
    );
    let ended = run(&mut trust);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(&path), "{ended:?}");
    let welcome = server.process.stdout.wait_for("trust");
    assert!(welcome.is_some(), "{}", server.process.stdout.text());
}
