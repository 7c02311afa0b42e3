//! What a person at a terminal sees of an import while it runs. `script` lends the terminal.

use tokio::process::Command;

use super::stage::{Stage, csv, ran};

#[tokio::test]
async fn a_terminal_shows_a_bar_with_rate_and_time_left() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..300));
    let import = format!(
        "{} import {} --url {} --token {} --chunk 20",
        env!("CARGO_BIN_EXE_hangar"),
        file.display(),
        stage.server.url,
        stage.token,
    );
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command", &import])
        .arg("/dev/null")
        .env("TERM", "xterm");
    let seen = ran(command).await;
    seen.expect(
        0,
        &["300 registered", "sending ", "% ", " rows/s, ", " left"],
    );
    assert!(
        seen.stdout.contains("\u{1b}["),
        "the bar is drawn over itself: {:?}",
        seen.stdout
    );
    stage.assert_each_once(300).await;
}

#[tokio::test]
async fn elsewhere_no_control_characters_are_written() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..30));
    let seen = stage.import(&file, &[]).await;
    seen.expect(0, &["30 registered"]);
    let is_control = |character: char| character.is_control() && character != '\n';
    assert!(!seen.stdout.contains(is_control) && !seen.stderr.contains(is_control));
}
