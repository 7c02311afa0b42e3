//! Does what the README promises to somebody who comes for the first time: starts the release build
//! with `--dev` in an empty directory, pastes the commands that it prints into bash, and looks at
//! what comes of them.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::server::{PATIENCE, Server};

const DEVICES: &str = "beta/deviceManagement/windowsAutopilotDeviceIdentities";

/// Goes through the first run. The release build is there already.
pub(crate) fn run() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let server = Server::start(directory.path(), &[])?;
    let printed = printed(&server)?;
    let url = address(&printed)?;
    let commands = commands(&printed);
    let [token, seed, device, list] = commands.as_slice() else {
        bail!(
            "expected four commands, but it prints:\n{}",
            printed.join("\n")
        );
    };
    for post in [seed, device] {
        let answer = paste(directory.path(), &[token, post])?;
        ensure!(
            answer.starts_with("HTTP/1.1 201 Created"),
            "not 201:\n{answer}"
        );
    }
    let imports = settled(|| paste(directory.path(), &[token, list]))?;
    let id = check(&imports)?;
    let get = format!("curl -sS -i \"{url}/{DEVICES}/{id}\" -H \"Authorization: Bearer $TOKEN\"");
    let answer = paste(directory.path(), &[token, &get])?;
    ensure!(
        answer.starts_with("HTTP/1.1 200 OK"),
        "no device:\n{answer}"
    );
    server.end()?;
    println!("The printed commands do what they say, and the server ends with 0.");
    Ok(())
}

/// Everything that it prints before it waits for requests.
fn printed(server: &Server) -> anyhow::Result<Vec<String>> {
    let mut printed: Vec<String> = Vec::new();
    // The last command is the only one without a body.
    while !printed
        .last()
        .is_some_and(|line| line.starts_with("curl -sS \""))
    {
        printed.push(server.line().context("it does not print what to try")?);
    }
    Ok(printed)
}

/// The address in the first of these lines that has one.
fn address(printed: &[String]) -> anyhow::Result<&str> {
    let mut words = printed.iter().flat_map(|line| line.split(' '));
    let url = words.find(|word| word.starts_with("http://"));
    url.context("it does not say where it listens")
}

/// The commands among the lines, each whole: with its continued lines and its document.
fn commands(printed: &[String]) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let (mut continued, mut in_document) = (false, false);
    for line in printed {
        let begins = line.starts_with("TOKEN=") || line.starts_with("curl ");
        if continued || in_document {
            if let Some(command) = commands.last_mut() {
                command.push('\n');
                command.push_str(line);
            }
        } else if begins {
            commands.push(line.clone());
        } else {
            continue;
        }
        in_document = line != "END" && (in_document || line.ends_with("<<'END'"));
        continued = line.ends_with('\\');
    }
    commands
}

/// Pastes commands into a bash of their own and returns what they print.
fn paste(directory: &Path, commands: &[&String]) -> anyhow::Result<String> {
    let mut bash = Command::new("timeout")
        .args([&PATIENCE.as_secs().to_string(), "bash"])
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start bash")?;
    let mut stdin = bash.stdin.take().context("bash has no standard input")?;
    for command in commands {
        writeln!(stdin, "{command}")?;
    }
    drop(stdin);
    let output = bash.wait_with_output()?;
    let commands: Vec<_> = commands.iter().map(|command| command.as_str()).collect();
    ensure!(
        output.status.success(),
        "this failed:\n{}",
        commands.join("\n")
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// The imports, once none of them waits any more.
fn settled(list: impl Fn() -> anyhow::Result<String>) -> anyhow::Result<Vec<Value>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = list()?;
        let page: Value =
            serde_json::from_str(&text).with_context(|| format!("not JSON:\n{text}"))?;
        let imports = page["value"].as_array().context("no list of imports")?;
        let waits = |import: &Value| import["state"]["deviceImportStatus"] == "unknown";
        if !imports.iter().any(waits) {
            return Ok(imports.clone());
        }
        ensure!(Instant::now() < deadline, "the imports still wait:\n{text}");
    }
}

/// Checks that one import failed as its hash must and the other is registered, as which device.
fn check(imports: &[Value]) -> anyhow::Result<String> {
    let states = || imports.iter().map(|import| &import["state"]);
    let failed = states().any(|state| {
        state["deviceImportStatus"] == "error"
            && state["deviceErrorCode"] == 802
            && state["deviceErrorName"] == "InvalidZtdHardwareHash"
    });
    let complete = states().find(|state| state["deviceImportStatus"] == "complete");
    let device = complete.and_then(|state| state["deviceRegistrationId"].as_str());
    match device {
        Some(device) if failed && imports.len() == 2 && !device.is_empty() => Ok(device.to_owned()),
        _ => bail!("expected one error 802 and one complete, but got:\n{imports:#?}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn commands_are_taken_whole_and_prose_is_left() {
        let printed = [
            "Hangar listens on http://127.0.0.1:1",
            "1. A token:",
            "TOKEN=$(./hangar token)",
            "curl -i \"x\" \\",
            "  --data @- <<'END'",
            "{",
            "curl is a word here",
            "END",
            "",
            "curl -sS \"x\"",
            "4. Done",
        ];
        let found = commands(&printed.map(str::to_owned));
        let document = "curl -i \"x\" \\\n  --data @- <<'END'\n{\ncurl is a word here\nEND";
        assert_eq!(
            found,
            ["TOKEN=$(./hangar token)", document, "curl -sS \"x\""]
        );
    }

    #[test]
    fn imports_that_ended_otherwise_are_noticed() {
        let import = |status: &str, code: i64, name: &str, device: &str| {
            json!({"state": {
                "deviceImportStatus": status,
                "deviceErrorCode": code,
                "deviceErrorName": name,
                "deviceRegistrationId": device,
            }})
        };
        let failed = import("error", 802, "InvalidZtdHardwareHash", "");
        let complete = import("complete", 0, "None", "7");
        assert_eq!(check(&[failed.clone(), complete.clone()]).unwrap(), "7");
        let wrong = [
            vec![failed.clone()],
            vec![complete.clone(), complete.clone()],
            vec![failed.clone(), import("complete", 0, "None", "")],
            vec![import("error", 803, "x", ""), complete.clone()],
            vec![failed.clone(), failed, complete],
        ];
        for imports in wrong {
            check(&imports).unwrap_err();
        }
    }

    #[test]
    fn a_command_that_fails_is_an_error_that_shows_it() {
        let directory = tempfile::tempdir().unwrap();
        let ok = paste(
            directory.path(),
            &[&"X=7".to_owned(), &"echo $X".to_owned()],
        );
        assert_eq!(ok.unwrap(), "7\n");
        let error = paste(directory.path(), &[&"exit 3".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("exit 3"));
    }
}
