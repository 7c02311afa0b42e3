//! The program for servers: built, watched at its work, and built anew by what was seen. What is done
//! often stands together then, and what is rare is out of its way. The compiler's book calls it
//! profile-guided optimization.
//!
//! The load is the benchmark's short one, on SQLite and on PostgreSQL. Everything is in `target/pgo`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::programs::{self, Install};
use crate::{bench, cargo, suites, target_dir, variable, workspace_root};

/// Builds it, and says where it is.
pub(crate) fn run(install: Install) -> anyhow::Result<PathBuf> {
    let compiler = Compiler::find()?;
    let merger = compiler.merger()?;
    programs::provide(suites::BENCH_NEEDS, install)?;
    let home = workspace_root().join(target_dir()).join("pgo");
    let counts = home.join("counts");
    let profile = home.join("hangar.profdata");
    // Counts of another program say nothing.
    clear(&counts)?;
    fs::create_dir_all(&counts)?;
    let watched = build(
        &compiler,
        "profile-generate",
        &counts,
        &home.join("watched"),
    )?;
    train(&watched)?;
    merge(&merger, &counts, &profile)?;
    // Cargo would not notice that the profile is another.
    let optimized = home.join("optimized");
    clear(&optimized)?;
    let built = build(&compiler, "profile-use", &profile, &optimized)?;
    let program = home.join("hangar");
    fs::copy(&built, &program)?;
    Ok(program)
}

/// What the compiler says of itself.
#[derive(Debug, PartialEq, Eq)]
struct Compiler {
    /// What it builds for, unless told otherwise.
    host: String,
    /// The major version of its LLVM, which writes the counts.
    llvm: String,
}

impl Compiler {
    fn find() -> anyhow::Result<Self> {
        let said = rustc(&["--version", "--verbose"])?;
        Self::read(&said).with_context(|| format!("rustc does not say its LLVM's version:\n{said}"))
    }

    fn read(said: &str) -> Option<Self> {
        let after = |name: &str| said.lines().find_map(|line| line.strip_prefix(name));
        let llvm = after("LLVM version: ")?.split('.').next()?;
        Some(Self {
            host: after("host: ")?.to_owned(),
            llvm: llvm.to_owned(),
        })
    }

    /// The program that merges counts: the toolchain's own, or Debian's of the same LLVM.
    fn merger(&self) -> anyhow::Result<PathBuf> {
        let root = rustc(&["--print", "sysroot"])?;
        let own = Path::new(root.trim())
            .join("lib/rustlib")
            .join(&self.host)
            .join("bin/llvm-profdata");
        let debians = || programs::find(&format!("llvm-profdata-{}", self.llvm));
        let found = own.is_file().then_some(own).or_else(debians);
        found.with_context(|| self.complaint())
    }

    fn complaint(&self) -> String {
        let llvm = &self.llvm;
        format!(
            "missing: llvm-profdata of LLVM {llvm}. Install with one of:\n\n    \
             rustup component add llvm-tools\n    \
             apt-get install --no-install-recommends llvm-{llvm}\n"
        )
    }
}

fn rustc(arguments: &[&str]) -> anyhow::Result<String> {
    let program = variable("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program)
        .args(arguments)
        .output()
        .context("rustc can't be started")?;
    ensure!(
        output.status.success(),
        "rustc ended with {}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Builds the program with a flag that names a file or a directory.
fn build(compiler: &Compiler, flag: &str, path: &Path, target: &Path) -> anyhow::Result<PathBuf> {
    // For a named target, so that build scripts and macros are built as ever.
    let status = cargo(&[
        "build",
        "--release",
        "--package",
        "hangar",
        "--bin",
        "hangar",
    ])
    .args(["--target", &compiler.host])
    .arg("--target-dir")
    .arg(target)
    .env("CARGO_ENCODED_RUSTFLAGS", encoded(flag, path))
    .current_dir(workspace_root())
    .status()?;
    ensure!(status.success(), "Hangar was not built with {flag}");
    Ok(target.join(&compiler.host).join("release/hangar"))
}

/// One flag as Cargo takes it, whatever the path has in it.
fn encoded(flag: &str, path: &Path) -> OsString {
    let mut encoded = OsString::from("-C\u{1f}");
    encoded.push(flag);
    encoded.push("=");
    encoded.push(path);
    encoded
}

/// Has the program do what it is for, on each store.
fn train(program: &Path) -> anyhow::Result<()> {
    for store in [None, Some("--postgres")] {
        let status = bench::hangar_bench()
            .args(["--smoke", "--hangar"])
            .arg(program)
            .args(store)
            .status()?;
        ensure!(status.success(), "the load ended with {status}");
    }
    Ok(())
}

fn merge(merger: &Path, counts: &Path, profile: &Path) -> anyhow::Result<()> {
    if fs::read_dir(counts)?.next().is_none() {
        bail!("the load has left no counts in {}", counts.display());
    }
    let status = Command::new(merger)
        .arg("merge")
        .arg("--output")
        .arg(profile)
        .arg(counts)
        .status()
        .with_context(|| format!("{} can't be started", merger.display()))?;
    ensure!(status.success(), "the counts were not merged");
    Ok(())
}

fn clear(directory: &Path) -> anyhow::Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)
            .with_context(|| format!("{} can't be removed", directory.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_says_what_it_is() {
        let said = "rustc 1.95.0 (x 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n\
                    release: 1.95.0\nLLVM version: 22.1.2\n";
        let read = Compiler::read(said).unwrap();
        assert_eq!(read.host, "x86_64-unknown-linux-gnu");
        assert_eq!(read.llvm, "22");
        assert_eq!(Compiler::read("rustc 1.95.0"), None);
        assert!(Compiler::find().is_ok(), "of the compiler that built this");
    }

    #[test]
    fn who_lacks_the_merger_is_told_how_to_come_by_it() {
        let compiler = Compiler {
            host: "none".to_owned(),
            llvm: "0".to_owned(),
        };
        let complaint = compiler.merger().unwrap_err().to_string();
        assert!(
            complaint.contains("rustup component add llvm-tools"),
            "{complaint}"
        );
        assert!(
            complaint.contains("apt-get install --no-install-recommends llvm-0"),
            "{complaint}"
        );
    }

    #[test]
    fn a_path_with_spaces_is_one_flag() {
        let flag = encoded("profile-use", Path::new("/a b/hangar.profdata"));
        assert_eq!(flag, "-C\u{1f}profile-use=/a b/hangar.profdata");
    }

    #[test]
    fn a_load_that_leaves_no_counts_is_no_profile() {
        let empty = tempfile::tempdir().unwrap();
        let merged = merge(Path::new("true"), empty.path(), Path::new("unused"));
        assert!(merged.unwrap_err().to_string().contains("no counts"));
    }
}
