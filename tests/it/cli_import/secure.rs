//! Imports over https, to a server whose authority is named by `--ca`.

use super::stage::{Stage, csv};

/// The server's address for https, and the file of its authority.
fn secure(stage: &Stage) -> (String, String) {
    let line = stage.server.process.stdout.wait_for("Hangar listens on ");
    let line = line.unwrap();
    let url = line.split(' ').find(|word| word.starts_with("https://"));
    let ca = stage.path("data/tls/ca.pem");
    (url.unwrap().to_owned(), ca.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn rows_are_registered_over_https() {
    let stage = Stage::new();
    let (url, ca) = secure(&stage);
    let file = stage.file("devices.csv", csv(0..50));
    let ran = stage.import_at(&url, &file, &["--ca", &ca]).await;
    ran.expect(0, &["50 registered"]);
    stage.assert_each_once(50).await;
    // By the name that the certificate has, too.
    let by_name = url.replace("127.0.0.1", "localhost");
    let ran = stage.import_at(&by_name, &file, &["--ca", &ca]).await;
    ran.expect(1, &["50 refused, 806"]);
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_nothing() {
    let stage = Stage::new();
    let (url, ca) = secure(&stage);
    let file = stage.file("devices.csv", csv(0..1));
    let ran = stage.import_at(&url, &file, &[]).await;
    ran.expect(2, &["certificate"]);
    // A file that holds another authority does not help.
    let other = Stage::new();
    let (_, others_ca) = secure(&other);
    let ran = stage.import_at(&url, &file, &["--ca", &others_ca]).await;
    ran.expect(2, &["certificate"]);
    let nothing = stage.file("nothing.pem", "");
    let nothing = nothing.to_str().unwrap();
    let ran = stage.import_at(&url, &file, &["--ca", nothing]).await;
    ran.expect(2, &["none"]);
    let imports = stage.all("importedWindowsAutopilotDeviceIdentities").await;
    assert!(imports.is_empty());
    assert!(ca.ends_with("ca.pem"));
}

#[tokio::test]
async fn http_at_the_port_of_https_is_told() {
    let stage = Stage::new();
    let (url, _) = secure(&stage);
    let file = stage.file("devices.csv", csv(0..1));
    let in_the_clear = url.replace("https://", "http://");
    let ran = stage.import_at(&in_the_clear, &file, &[]).await;
    ran.expect(2, &["speaks TLS"]);
}
