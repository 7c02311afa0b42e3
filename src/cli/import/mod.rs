//! `hangar import`: registers the devices of a CSV file, each exactly once, at any Graph server.
//!
//! A planner reads and checks rows (`planner`, `check`), senders send them in chunks (`sender`)
//! with a journal of what was sent (`journal`), a waiter learns what became of them (`wait`), and
//! the file is read once more for the report (`report`).

mod advice;
mod arguments;
mod check;
mod file;
mod ids;
mod journal;
mod outcome;
mod planner;
mod ranges;
mod reconcile;
mod report;
mod sender;
mod wait;

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result, anyhow, bail};
use futures_util::{TryStreamExt as _, stream};
use tokio::sync::mpsc;

pub(super) use self::arguments::ImportArguments;

use self::{
    file::InputFile,
    ids::RowIds,
    journal::{Header, Journal, Past},
    outcome::{Outcomes, State},
    planner::{Chunk, Planner},
    report::{Report, ReportFormat, rows, summary},
    sender::Sender,
    wait::{Waited, Waiter},
};
use super::{
    new_file::NewFile,
    print,
    progress::{Progress, Shown},
    server::duration,
};
use crate::{
    client::GraphClient,
    devices_csv::{Reader, RowError},
    domain::{clock::Clock as _, registration::HashValidation},
    lifecycle::{Shutdown, SystemClock},
};

/// The exit code where some rows are not registered.
const EXIT_SOME_REFUSED: u8 = 1;
/// The exit code where the file could not be read to its end.
const EXIT_COULD_NOT_RUN: u8 = 2;
/// The exit code of an import that Ctrl-C stopped.
const EXIT_INTERRUPTED: u8 = 130;

/// Imports the file. Gives the exit code.
pub(super) async fn run(arguments: ImportArguments) -> Result<ExitCode> {
    let shutdown = Shutdown::on_signals()?;
    let shown = if arguments.quiet {
        Shown::No
    } else {
        Shown::Yes
    };
    let progress = Arc::new(Progress::new(shown));
    let import = Import {
        journal_path: arguments.journal_path(),
        validation: arguments.validation(),
        arguments,
        progress: Arc::clone(&progress),
        outcomes: Arc::default(),
    };
    tokio::select! {
        outcome = import.run() => {
            progress.end();
            outcome
        }
        () = shutdown.requested() => {
            progress.end();
            progress.tell(&import.interrupted());
            Ok(ExitCode::from(EXIT_INTERRUPTED))
        }
    }
}

struct Import {
    arguments: ImportArguments,
    journal_path: PathBuf,
    validation: HashValidation,
    progress: Arc<Progress>,
    outcomes: Arc<Mutex<Outcomes>>,
}

impl Import {
    async fn run(&self) -> Result<ExitCode> {
        let file = InputFile::find(&self.arguments.file)?;
        let target = self.report_target()?;
        if self.arguments.dry_run {
            let fault = self.plan(
                &file,
                RowIds::fresh(SystemClock.now()),
                Past::default(),
                None,
            );
            let fault = fault.await?;
            return self.conclude(&file, RowIds::fresh(SystemClock.now()), target, fault);
        }
        let client = self.client()?;
        Reader::open(file.read()?).with_context(|| file.path.display().to_string())?;
        client.greet().await?;
        let (journal, ids, past) = self.open_journal(&file, &client).await?;
        let journal = Arc::new(Mutex::new(journal));
        let done = self
            .send_and_wait(&file, &client, &journal, ids, past)
            .await;
        self.progress.end();
        let is_used = journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_used();
        if done.is_err() && is_used {
            self.progress.tell(&self.way_on());
        }
        let (fault, waited) = done?;
        let code = self.conclude(&file, ids, target, fault)?;
        if waited == Waited::InVain {
            say("Start the same command again to learn what became of the others.\n")?;
        } else if let Some(journal) = Arc::into_inner(journal) {
            journal
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .remove();
        }
        Ok(code)
    }

    async fn send_and_wait(
        &self,
        file: &InputFile,
        client: &GraphClient,
        journal: &Arc<Mutex<Journal>>,
        ids: RowIds,
        past: Past,
    ) -> Result<(Option<RowError>, Waited)> {
        let fault = self.send(file, client, journal, ids, past).await?;
        let mut waited = Waited::ToTheEnd;
        if self.arguments.no_wait {
            if self.lock().waiting() > 0 {
                waited = Waited::InVain;
            }
        } else {
            self.progress.begin("waiting");
            waited = Waiter::new(client, &self.outcomes, ids, &self.progress)
                .wait(duration(self.arguments.wait_timeout))
                .await?;
        }
        Ok((fault, waited))
    }

    fn client(&self) -> Result<GraphClient> {
        let progress = Arc::clone(&self.progress);
        let notice = Arc::new(move |sentence: &str| progress.tell(sentence));
        self.arguments.server.client(notice)
    }

    /// Begins the report, so that it is known early if it can't be written.
    fn report_target(&self) -> Result<Option<(NewFile, ReportFormat)>> {
        let Some(path) = &self.arguments.report else {
            return Ok(None);
        };
        let same = |other: &Path| {
            let found = (path.canonicalize(), other.canonicalize());
            matches!(found, (Ok(one), Ok(other)) if one == other)
        };
        if same(&self.arguments.file) {
            bail!(
                "the report would take the place of {}: name another file",
                path.display()
            );
        }
        let named = self.arguments.report_format.or(ReportFormat::of(path));
        let file = NewFile::create(path).context("the report")?;
        Ok(Some((file, named.unwrap_or(ReportFormat::Csv))))
    }

    async fn open_journal(
        &self,
        file: &InputFile,
        client: &GraphClient,
    ) -> Result<(Journal, RowIds, Past)> {
        let (found, path) = (file.clone(), self.journal_path.clone());
        let name = file.path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let server = client.address().to_string();
        let opened = blocking(move || {
            let digest = found.digest()?;
            let ids = RowIds::fresh(SystemClock.now());
            let header = Header::new(name, digest, found.size_bytes, server, ids);
            Journal::open(&path, &header)
        });
        let (journal, ids, past) = opened.await?;
        if !past.begun.is_empty() {
            let shown = journal.path().display();
            self.progress
                .tell(&format!("going on where the journal {shown} ends"));
        }
        Ok((journal, ids, past))
    }

    /// Checks every row and hands those to send over. Gives the fault at which it had to stop.
    async fn plan(
        &self,
        file: &InputFile,
        ids: RowIds,
        past: Past,
        chunks: Option<mpsc::Sender<Chunk>>,
    ) -> Result<Option<RowError>> {
        let outcomes = Arc::clone(&self.outcomes);
        let (validation, file) = (self.validation, file.clone());
        let rows_per_chunk = usize::from(self.arguments.chunk);
        let (count, progress) = (Arc::new(AtomicU64::new(0)), Arc::clone(&self.progress));
        progress.begin(if chunks.is_some() {
            "sending"
        } else {
            "checking"
        });
        let planned = blocking({
            let count = Arc::clone(&count);
            move || {
                let planner = Planner {
                    outcomes: &outcomes,
                    ids,
                    past,
                    validation,
                    rows_per_chunk,
                    chunks,
                };
                let name = file.path.display().to_string();
                let fault = planner.run(file.read_counted(count)?, &name)?;
                file.check_unchanged()?;
                Ok((fault, file.size_bytes))
            }
        });
        let size_bytes = self
            .arguments
            .file
            .metadata()
            .map_or(0, |found| found.len());
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(250));
        let mut planned = std::pin::pin!(planned);
        loop {
            tokio::select! {
                planned = &mut planned => return planned.map(|(fault, _)| fault),
                _ = tick.tick() => {
                    let outcomes = self.lock();
                    let checked = outcomes.len();
                    drop(outcomes);
                    progress.show(count.load(Ordering::Relaxed), size_bytes, checked);
                }
            }
        }
    }

    async fn send(
        &self,
        file: &InputFile,
        client: &GraphClient,
        journal: &Arc<Mutex<Journal>>,
        ids: RowIds,
        past: Past,
    ) -> Result<Option<RowError>> {
        let connections = usize::from(self.arguments.connections);
        let sender = Sender {
            client,
            outcomes: &self.outcomes,
            journal: Arc::clone(journal),
            ids,
            keeps_ids: Mutex::new(past.keeps_ids),
        };
        let (tx, mut rx) = mpsc::channel(connections);
        let sending = async {
            let sender = &sender;
            // What the first answer shows decides how all others are sent.
            while sender.is_first() {
                let Some(chunk) = rx.recv().await else {
                    return Ok(());
                };
                file.check_unchanged()?;
                sender.deliver(chunk).await?;
            }
            stream::unfold(rx, |mut rx| async {
                let chunk = rx.recv().await?;
                Some((Ok(chunk), rx))
            })
            .try_for_each_concurrent(connections, |chunk| async move {
                file.check_unchanged()?;
                sender.deliver(chunk).await
            })
            .await
        };
        let planned = self.plan(file, ids, past, Some(tx));
        let (sent, planned) = tokio::join!(sending, planned);
        sent?;
        planned
    }

    /// Writes the report and the summary. Gives the exit code.
    fn conclude(
        &self,
        file: &InputFile,
        ids: RowIds,
        target: Option<(NewFile, ReportFormat)>,
        fault: Option<RowError>,
    ) -> Result<ExitCode> {
        let outcomes = self.lock();
        let report = Report {
            outcomes: &outcomes,
            ids,
            validation: self.validation,
        };
        let name = self.arguments.file.display().to_string();
        let wrong = report.write(file.read()?, target)?;
        say(&format!("{}{wrong}", summary(&outcomes, &name)))?;
        if let Some(fault) = fault {
            self.progress
                .tell(&format!("{name}, {fault}. Nothing from there on was read"));
            return Ok(ExitCode::from(EXIT_COULD_NOT_RUN));
        }
        let is_good = |state| match state {
            State::Complete => true,
            State::Ready => self.arguments.dry_run,
            State::Accepted => self.arguments.no_wait,
            _ => false,
        };
        let all_good = outcomes.iter().all(|outcome| is_good(outcome.state));
        Ok(if all_good {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(EXIT_SOME_REFUSED)
        })
    }

    fn interrupted(&self) -> String {
        if self.arguments.dry_run {
            return "interrupted; nothing was sent".to_owned();
        }
        format!("interrupted; {}", self.way_on())
    }

    fn way_on(&self) -> String {
        format!(
            "the server has {} for certain. Start the same command again to go on: the journal {} knows what was \
             sent, and nothing is sent twice",
            rows(self.lock().accepted()),
            self.journal_path.display()
        )
    }

    fn lock(&self) -> MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Prints. Whoever does not read it to its end has seen enough; the exit code says the rest.
fn say(text: &str) -> io::Result<()> {
    match print(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Runs on a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(anyhow!("a thread ended early: {error}")),
    }
}
