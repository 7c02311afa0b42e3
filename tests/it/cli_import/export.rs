//! What is exported is what was imported.

use super::stage::{Ran, Stage, csv, hangar, ran, serial};

async fn export(stage: &Stage, arguments: &[&str]) -> Ran {
    let mut command = hangar();
    command
        .arg("export")
        .args(arguments)
        .env("HANGAR_URL", &stage.server.url)
        .env("HANGAR_TOKEN", &stage.token);
    ran(command).await
}

#[tokio::test]
async fn devices_and_imports_are_written_page_by_page() {
    let stage = Stage::new();
    // More than a page.
    let file = stage.file("devices.csv", csv(0..1_005));
    stage.import(&file, &[]).await.expect(0, &[]);

    let exported = export(&stage, &["imports"]).await;
    exported.expect(0, &[]);
    let again = stage.file("again.csv", &exported.stdout);
    let mut dry = super::stage::import(&again);
    dry.arg("--dry-run");
    ran(dry).await.expect(0, &["1005 in order, not sent"]);

    let output = stage.path("devices.jsonl");
    let exported = export(&stage, &["devices", "--output", output.to_str().unwrap()]).await;
    exported.expect(0, &[]);
    let lines = std::fs::read_to_string(output).unwrap();
    let mut serials: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|device| device["serialNumber"].as_str().unwrap().to_owned())
        .collect();
    serials.sort_unstable();
    assert_eq!(serials, (0..1_005).map(serial).collect::<Vec<_>>());

    let csv = export(&stage, &["devices"]).await;
    let header = csv.stdout.lines().next().unwrap();
    assert!(header.starts_with("Device Serial Number,Windows Product ID,Hardware Hash"));
    assert!(csv.stdout.contains("Hangar Test Works,Paper Plane 14"));
}

#[tokio::test]
async fn what_can_not_be_had_or_written_is_told() {
    let stage = Stage::new();
    let nowhere = export(&stage, &["devices", "--output", "no/such/place.csv"]).await;
    nowhere.expect(2, &["place.csv.part can't be written"]);
    let full = export(&stage, &["devices", "--output", "/dev/full"]).await;
    full.expect(2, &["/dev/full can't be written", "No space left"]);
    let token = export(&stage, &["devices", "--token", "no-jwt"]).await;
    token.expect(2, &["refuses the token", "Get a new token"]);
}
