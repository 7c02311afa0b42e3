//! `hangar check` by its exit codes and what it prints.

use serde_json::Value;

use crate::process::{Server, hangar, run};

#[test]
fn the_exit_code_says_sound_found_or_could_not_look() {
    let directory = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str]| {
        let mut command = hangar();
        command.args(["check", "--data-dir"]).arg(directory.path());
        run(command.args(arguments))
    };
    let absent = check(&[]);
    assert_eq!(absent.code, Some(2));
    assert!(absent.stderr.contains("there is no database"), "{absent:?}");

    // It looks beside a server as well.
    let server = Server::dev(directory.path());
    for arguments in [&[][..], &["--quick"]] {
        let sound = check(arguments);
        assert_eq!(sound.code, Some(0), "{sound:?}");
        assert!(sound.stdout.starts_with("The database is sound"));
    }
    let json: Value = serde_json::from_str(&check(&["--json"]).stdout).unwrap();
    assert_eq!(json["sound"], true);
    assert_eq!(server.stop().code, Some(0));

    let database = rusqlite::Connection::open(directory.path().join("hangar.db")).unwrap();
    let spoil = "INSERT INTO ledger_unique_key VALUES ('main', 1, zeroblob(32), randomblob(16))";
    database.execute(spoil, []).unwrap();
    let found = check(&[]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.stdout.contains("A `ek` key leads to the hardware"));
    let json: Value = serde_json::from_str(&check(&["--json"]).stdout).unwrap();
    assert_eq!(json["findings"][0]["rule"], "key-without-hardware");
}
