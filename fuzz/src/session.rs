//! One body being fuzzed: on a thread of its own, watched, and its failing input kept.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::bodies::Body;
use crate::mutator::Mutator;

/// The body's seeds and the files of its corpus, in an order that does not depend on the machine.
pub(crate) fn corpus(body: &Body, directory: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut inputs = (body.seeds)();
    if !directory.exists() {
        return Ok(inputs);
    }
    let entries: Result<Vec<_>, _> = fs::read_dir(directory)?.collect();
    let mut files: Vec<_> = entries?.into_iter().map(|entry| entry.path()).collect();
    files.sort();
    for file in files {
        inputs.push(fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    Ok(inputs)
}

/// One body being fuzzed.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) body: Body,
    pub(crate) seed: u64,
    pub(crate) time: Duration,
    pub(crate) most_runs: Option<u64>,
    /// An input that takes longer than this counts as a failure.
    pub(crate) stall: Duration,
    /// Where failing inputs are kept.
    pub(crate) directory: PathBuf,
}

impl Session {
    /// Fuzzes on a thread of its own, and watches that it gets on.
    pub(crate) fn run(&self, corpus: Vec<Vec<u8>>) -> anyhow::Result<()> {
        let running = self.directory.join(format!("{}.running", self.body.name));
        let file = File::create(&running)?;
        let runs = Arc::new(AtomicU64::new(0));
        let (sender, receiver) = mpsc::channel();
        let (session, counter) = (self.clone(), Arc::clone(&runs));
        // Two mebibytes, like the threads that serve requests: deep nesting fails here first.
        thread::Builder::new().stack_size(2 << 20).spawn(move || {
            // Nobody listens any more only when the session has been given up as stalled.
            let _ = sender.send(session.mutate_and_run(corpus, &file, &counter));
        })?;

        let mut seen = 0;
        let outcome = loop {
            match receiver.recv_timeout(self.stall) {
                Ok(outcome) => break outcome?,
                Err(RecvTimeoutError::Disconnected) => bail!("the fuzzing thread itself panicked"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = runs.load(Ordering::Relaxed);
            if now == seen {
                bail!(
                    "{} does not return; its input is {}",
                    self.body.name,
                    running.display()
                );
            }
            seen = now;
        };
        let total = runs.load(Ordering::Relaxed);
        let Some(input) = outcome else {
            fs::remove_file(&running)?;
            println!("fuzz {}: {total} inputs, no failure", self.body.name);
            return Ok(());
        };
        let failure = self
            .directory
            .join(format!("{}-{:016x}", self.body.name, digest(&input)));
        fs::rename(&running, &failure)?;
        bail!(
            "{name} panicked at input {total} of --seed {seed}; run it again with\n\n    \
             cargo xtask fuzz --name {name} --input {file}\n",
            name = self.body.name,
            seed = self.seed,
            file = failure.display()
        )
    }

    /// Runs the corpus as it is, then mutations of it. Answers with the first input that panics.
    fn mutate_and_run(
        &self,
        corpus: Vec<Vec<u8>>,
        running: &File,
        runs: &AtomicU64,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let started = Instant::now();
        let mut unchanged = corpus.clone().into_iter();
        let mut mutator = Mutator::new(self.seed, corpus, self.body.words);
        let mut length = 0;
        while !self.is_over(started, runs.load(Ordering::Relaxed)) {
            let input = unchanged.next().unwrap_or_else(|| mutator.next_input());
            // On disk before it runs, because an overflowing stack takes the process with it.
            running.write_all_at(&input, 0)?;
            if input.len() < length {
                running.set_len(input.len() as u64)?;
            }
            length = input.len();
            runs.fetch_add(1, Ordering::Relaxed);
            if catch_unwind(AssertUnwindSafe(|| (self.body.run)(&input))).is_err() {
                return Ok(Some(input));
            }
        }
        Ok(None)
    }

    fn is_over(&self, started: Instant, runs: u64) -> bool {
        started.elapsed() >= self.time || self.most_runs.is_some_and(|most| runs >= most)
    }
}

/// FNV-1a: a short name for an input, the same on every machine.
fn digest(input: &[u8]) -> u64 {
    input.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than a busy machine takes to print a panic with its backtrace.
    const PATIENCE: Duration = Duration::from_mins(1);

    fn fuzz(run: fn(&[u8]), seed: u64, runs: u64, directory: &Path) -> anyhow::Result<()> {
        fuzz_within(PATIENCE, run, seed, runs, directory)
    }

    fn fuzz_within(
        stall: Duration,
        run: fn(&[u8]),
        seed: u64,
        runs: u64,
        directory: &Path,
    ) -> anyhow::Result<()> {
        let session = Session {
            body: Body {
                name: "trial",
                run,
                seeds: Vec::new,
                words: &["boom", "$filter"],
            },
            seed,
            time: Duration::from_mins(1),
            most_runs: Some(runs),
            stall,
            directory: directory.to_path_buf(),
        };
        session.run(vec![b"a perfectly good input".to_vec()])
    }

    fn kept(directory: &Path) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(directory).unwrap();
        entries
            .map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .collect()
    }

    fn explode(input: &[u8]) {
        assert!(
            !input.windows(4).any(|window| window == b"boom"),
            "found, as this test wants"
        );
    }

    #[test]
    fn a_body_that_holds_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        fuzz(|_| (), 1, 1000, directory.path()).unwrap();
        assert!(kept(directory.path()).is_empty());
    }

    #[test]
    fn the_input_that_panics_is_kept_and_panics_again() {
        let directory = tempfile::tempdir().unwrap();
        let error = fuzz(explode, 1, 100_000, directory.path())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("--seed 1;") && error.contains("--name trial --input"),
            "{error}"
        );
        let kept = kept(directory.path());
        assert_eq!(kept.len(), 1);
        assert!(catch_unwind(|| explode(&kept[0])).is_err());
    }

    #[test]
    fn a_seed_finds_the_same_again() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for directory in [&first, &second] {
            fuzz(explode, 7, 100_000, directory.path()).unwrap_err();
        }
        assert_eq!(kept(first.path()), kept(second.path()));
    }

    #[test]
    fn a_body_that_never_returns_is_given_up() {
        let directory = tempfile::tempdir().unwrap();
        let forever = |_: &[u8]| {
            loop {
                thread::park();
            }
        };
        let stall = Duration::from_millis(200);
        let error = fuzz_within(stall, forever, 1, 10, directory.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("does not return"), "{error}");
        assert_eq!(kept(directory.path()), [b"a perfectly good input".to_vec()]);
    }

    #[test]
    fn the_corpus_is_the_seeds_and_then_the_files_in_order() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("b"), "two").unwrap();
        fs::write(directory.path().join("a"), "one").unwrap();
        let seeds = || vec![b"zero".to_vec()];
        let body = Body {
            name: "trial",
            run: |_| (),
            seeds,
            words: &[],
        };
        let inputs = corpus(&body, directory.path()).unwrap();
        assert_eq!(inputs, [b"zero".to_vec(), b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(
            corpus(&body, &directory.path().join("absent"))
                .unwrap()
                .len(),
            1
        );
    }
}
