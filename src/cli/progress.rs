//! How far it is: a bar on a terminal, a line every few seconds elsewhere. All on standard error.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Whether progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// As suits the place that it goes to.
    Yes,
    /// Not at all; what goes wrong is told all the same.
    No,
}

/// Shows how far one phase after another is.
pub(super) struct Progress {
    shown: Shown,
    bar: Option<ProgressBar>,
    phase: Mutex<Phase>,
}

struct Phase {
    what: &'static str,
    began: Instant,
    said: Instant,
}

impl Progress {
    pub(super) fn new(shown: Shown) -> Self {
        let on_terminal = shown == Shown::Yes && io::stderr().is_terminal();
        let bar = on_terminal.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let template = "{prefix} {wide_bar} {percent}% {msg}, {eta} left";
            // The template is ours; without it the bar has its own.
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        Self {
            shown,
            bar,
            phase: Mutex::new(Phase {
                what: "",
                began: now,
                said: now,
            }),
        }
    }

    /// Begins a phase, such as "sending".
    pub(super) fn begin(&self, what: &'static str) {
        let now = Instant::now();
        *self.phase() = Phase {
            what,
            began: now,
            said: now,
        };
        if let Some(bar) = &self.bar {
            bar.reset();
            bar.set_prefix(what);
        }
    }

    /// Shows how far it is: `done` of `whole`, in whatever unit, and so many rows.
    pub(super) fn show(&self, done: u64, whole: u64, rows: usize) {
        self.draw(done, whole, |elapsed| rate(rows, elapsed));
    }

    /// Shows how many of a few steps, which are no rows, are done.
    pub(super) fn show_steps(&self, done: u64, whole: u64) {
        self.draw(done, whole, |_| format!("{done} of {whole}"));
    }

    fn draw(&self, done: u64, whole: u64, message: impl Fn(Duration) -> String) {
        if self.shown == Shown::No {
            return;
        }
        let mut phase = self.phase();
        let elapsed = phase.began.elapsed();
        if let Some(bar) = &self.bar {
            bar.set_length(whole);
            bar.set_position(done);
            bar.set_message(message(elapsed));
        } else if phase.said.elapsed() >= BETWEEN_LINES {
            phase.said = Instant::now();
            self.line(&line(phase.what, done, whole, &message(elapsed), elapsed));
        }
    }

    /// Tells something, whether progress is shown or not.
    pub(super) fn tell(&self, sentence: &str) {
        let text = format!("hangar: {sentence}");
        match &self.bar {
            Some(bar) => bar.suspend(|| self.line(&text)),
            None => self.line(&text),
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    #[expect(
        clippy::unused_self,
        reason = "lines and the bar share the standard error stream"
    )]
    fn line(&self, text: &str) {
        // Without a standard error stream nobody is told.
        let _ = writeln!(io::stderr(), "{text}");
    }

    fn phase(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rate(rows: usize, elapsed: Duration) -> String {
    let tenths = u128::from(rows as u64) * 10_000 / elapsed.as_millis().max(1);
    if tenths >= 100 {
        format!("{rows} rows, {} rows/s", tenths / 10)
    } else {
        format!("{rows} rows, {}.{} rows/s", tenths / 10, tenths % 10)
    }
}

fn line(what: &str, done: u64, whole: u64, message: &str, elapsed: Duration) -> String {
    let percent = (done.min(whole) * 100).checked_div(whole).unwrap_or(100);
    let left = u128::from(whole.saturating_sub(done)) * u128::from(elapsed.as_secs().max(1));
    let left = match left.checked_div(u128::from(done)) {
        Some(seconds) => format!(", about {seconds} s left"),
        None => String::new(),
    };
    format!("{what}: {percent}%, {message}{left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let elapsed = Duration::from_secs(10);
        let line_of = |what, done, rows| line(what, done, 100, &rate(rows, elapsed), elapsed);
        assert_eq!(
            line_of("sending", 25, 5_000),
            "sending: 25%, 5000 rows, 500 rows/s, about 30 s left"
        );
        assert_eq!(line_of("waiting", 0, 3), "waiting: 0%, 3 rows, 0.3 rows/s");
        assert_eq!(rate(0, Duration::ZERO), "0 rows, 0.0 rows/s");
    }
}
