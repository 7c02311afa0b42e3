//! `hangar man` and `hangar completions`: what a package installs beside the program, from the very
//! definitions that read the command line.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use clap_complete::Shell;

use super::print;

#[derive(Args)]
pub(super) struct ManArguments {
    /// The directory to write to; it is made if there is none
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

#[derive(Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Writes a page for the program and one a command: `hangar.1`, `hangar-serve.1`.
pub(super) fn write_pages(command: clap::Command, arguments: &ManArguments) -> anyhow::Result<()> {
    let directory = &arguments.directory;
    fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(command, directory))
        .with_context(|| format!("man pages can't be written to {}", directory.display()))
}

/// Prints what a shell has to read to complete the command line.
pub(super) fn print_completions(
    mut command: clap::Command,
    arguments: &CompletionsArguments,
) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "hangar", &mut script);
    print(&String::from_utf8(script)?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_command_has_a_page() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("man1");
        let arguments = ManArguments {
            directory: directory.clone(),
        };
        write_pages(Cli::command(), &arguments).unwrap();
        for name in [
            "hangar",
            "hangar-serve",
            "hangar-backup",
            "hangar-tenant-delete",
        ] {
            let page = fs::read_to_string(directory.join(format!("{name}.1"))).unwrap();
            assert!(page.contains(".TH"), "{name}");
        }
        let serve = fs::read_to_string(directory.join("hangar-serve.1")).unwrap();
        assert!(serve.contains("server\\-listen"), "settings are flags");
    }

    #[test]
    fn completions_know_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "hangar", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("backup"), "{shell}");
        }
    }
}
