//! Finds the files that belong to the repository: everything but what `.gitignore` names.
//! Asking git is no way: a source archive has none, and git refuses another user's checkout.

use std::fs;
use std::path::Path;

use super::source::Source;

/// Reads every text file of the repository.
pub(super) fn read() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignored = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
    let mut files = Vec::new();
    walk(root, "", &ignored, &mut files);
    let test_modules: Vec<_> = files.iter().flat_map(Source::test_modules).collect();
    for file in &mut files {
        file.become_test_if_in(&test_modules);
    }
    files
}

fn walk(root: &Path, directory: &str, ignored: &str, files: &mut Vec<Source>) {
    let entries = fs::read_dir(root.join(directory)).expect("the repository can be listed");
    for entry in entries {
        let entry = entry.expect("the repository can be listed");
        let kind = entry.file_type().expect("an entry has a type");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if directory.is_empty() {
            name.clone()
        } else {
            format!("{directory}/{name}")
        };
        if name == ".git" || is_ignored(&path, ignored) {
            continue;
        }
        if kind.is_dir() {
            walk(root, &path, ignored, files);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(root.join(&path))
        {
            files.push(Source::new(&path, text));
        }
    }
}

/// Understands the two kinds of lines that the repository uses: `/path` and `*suffix`.
fn is_ignored(path: &str, ignored: &str) -> bool {
    ignored.lines().any(
        |line| match (line.strip_prefix('/'), line.strip_prefix('*')) {
            (Some(exact), _) => path == exact.trim_end_matches('/'),
            (_, Some(suffix)) => path.ends_with(suffix),
            _ => false,
        },
    )
}

#[test]
fn ignored_paths_and_suffixes_are_left_out() {
    let ignored = "/target\n/data/\n*.snap.new\n";
    for path in ["target", "data", "tests/it/a.snap.new"] {
        assert!(is_ignored(path, ignored), "{path}");
    }
    for path in ["src/target", "targets", "a.snap"] {
        assert!(!is_ignored(path, ignored), "{path}");
    }
}
