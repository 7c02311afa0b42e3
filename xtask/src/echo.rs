//! Running a command so that its last words are still known when all else has scrolled by: whoever reads
//! a log of CI sees its end, and the end has to say what failed.
//! What to run, and what it means when it fails, is `suites.rs`.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, IsTerminal, PipeReader, Write};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// A suite's last lines are repeated, each so long at most.
const KEPT_LINES: usize = 60;
const KEPT_LENGTH: usize = 240;

/// How long a process that the command left behind may hold its output open.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a command said last.
#[derive(Clone, Default)]
pub(crate) struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(KEPT_LENGTH).collect());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

/// Runs the command to its end. On a terminal it has the terminal; elsewhere what it prints is passed on,
/// and its last words are kept.
pub(crate) fn run(command: &mut Command, last_words: &LastWords) -> io::Result<ExitStatus> {
    if io::stdout().is_terminal() {
        return command.status();
    }
    run_piped(command, last_words)
}

fn run_piped(command: &mut Command, last_words: &LastWords) -> io::Result<ExitStatus> {
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The command itself holds the pipe's other end until it is given new ones.
    command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());

    let words = last_words.clone();
    let (passing_on, all_passed_on) = mpsc::channel::<()>();
    thread::spawn(move || {
        pass_on(reader, &words);
        drop(passing_on);
    });
    let status = child.wait()?;
    // Nothing is ever sent: the other end is dropped.
    let _ = all_passed_on.recv_timeout(PATIENCE);
    Ok(status)
}

fn pass_on(reader: PipeReader, last_words: &LastWords) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        // Whoever reads us may be gone; the command still has to be heard out.
        let _ = io::stdout().write_all(&line);
        let _ = io::stdout().flush();
        last_words.push(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str) -> (ExitStatus, Vec<String>) {
        let last_words = LastWords::default();
        let status = run_piped(Command::new("sh").args(["-c", script]), &last_words).unwrap();
        (status, last_words.lines())
    }

    #[test]
    fn both_streams_are_kept_in_their_order() {
        let (status, lines) = shell("echo one; echo two >&2; echo three; exit 7");
        assert_eq!(status.code(), Some(7));
        assert_eq!(lines, ["one", "two", "three"]);
    }

    #[test]
    fn only_the_end_is_kept_and_long_lines_are_cut() {
        let (_, lines) = shell("seq 1000; printf '%0999d' 0; printf '\\377'");
        assert_eq!(lines.len(), KEPT_LINES);
        assert_eq!(lines[KEPT_LINES - 2], "1000");
        assert_eq!(lines[KEPT_LINES - 1].len(), KEPT_LENGTH);
    }

    #[test]
    fn what_a_command_leaves_behind_is_not_waited_for() {
        let started = Instant::now();
        let (status, lines) = shell("echo done; sleep 60 & echo $!");
        assert!(status.success());
        assert!(started.elapsed() < Duration::from_secs(30));
        let kill = Command::new("kill").arg(&lines[1]).status();
        assert!(kill.unwrap().success());
    }
}
