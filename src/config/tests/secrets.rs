//! Secrets come from files too, and are never shown.

use secrecy::ExposeSecret;

use super::{load, problems, shown, sources};
use crate::config::{Flags, Mode};

#[test]
fn a_secret_is_read_from_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("url");
    let flag = path.to_str().unwrap().to_owned();
    std::fs::write(&path, "postgres://me:hunter2@db/hangar\n").unwrap();

    let from_file = sources("", &[], &[("database.url_file", &[&flag])]);
    let url = load(&from_file).database.url;
    assert_eq!(url.expose_secret(), "postgres://me:hunter2@db/hangar");

    // Of the two, the one from the higher layer holds.
    let mut overridden = from_file.clone();
    overridden.flags = Flags::default().with("database.url", &["sqlite://x"]);
    overridden.variables = vec![("HANGAR_DATABASE__URL_FILE".to_owned(), flag.clone())];
    assert_eq!(load(&overridden).database.url.expose_secret(), "sqlite://x");

    let mut both = from_file;
    both.flags = both.flags.with("database.url", &["sqlite://x"]);
    let found = problems(&both, Mode::Dev);
    assert!(found.contains("set one of them"), "{found}");

    std::fs::write(&path, "hunter2").unwrap();
    let found = problems(
        &sources("", &[], &[("database.url_file", &[&flag])]),
        Mode::Dev,
    );
    assert!(found.contains("neither sqlite://"), "{found}");
    assert!(!found.contains("hunter2"), "{found}");
}

#[test]
fn secrets_are_never_shown() {
    let url = "postgres://me:hunter2@db/hangar";
    let good = [
        sources(&format!("database.url = '{url}'"), &[], &[]),
        sources("", &[("HANGAR_DATABASE__URL", url)], &[]),
        sources("", &[], &[("database.url", &[url])]),
    ];
    for sources in good {
        let text = shown(&sources);
        assert!(text.contains("# url is set and not shown  # "), "{text}");
        let settings = format!("{:?}", load(&sources));
        assert!(!text.contains("hunter2") && !settings.contains("hunter2"));
    }
    for file in [
        "database.url = 'hunter2'",
        "database.url = 'postgres://me:hunter2",
        "database.url = ['hunter2']",
        "database.ulr = 'hunter2'",
        "database.url = 'hunter2' hunter2",
        "database.url = 'x'\ndatabase.url = 'hunter2'",
    ] {
        let found = problems(&sources(file, &[], &[]), Mode::Dev);
        assert!(!found.contains("hunter2"), "{found}");
    }
}
