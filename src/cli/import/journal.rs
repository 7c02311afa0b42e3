//! What was sent and what was accepted, on disk before and after each call: how an interrupted
//! import goes on. A file of JSON lines; each is whole or not there.
//!
//! Rows are counted from 0; their ids follow from the header's (`ids`).

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead as _, BufReader, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ids::RowIds, ranges::Rows};

/// The form of the journal. Another one is not guessed at.
const FORM: u32 = 1;

/// A line longer than this was written by somebody else.
const LONGEST_LINE_BYTES: u64 = 16 << 20;

/// Which import a journal is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    hangar_import: u32,
    /// The file's name, for people.
    pub(super) file: String,
    /// The file's digest.
    pub(super) sha256: String,
    /// The file's length.
    pub(super) size_bytes: u64,
    /// The server.
    pub(super) server: String,
    /// The id of the first row.
    pub(super) ids: Uuid,
}

impl Header {
    pub(super) fn new(
        file: String,
        sha256: String,
        size_bytes: u64,
        server: String,
        ids: RowIds,
    ) -> Self {
        Self {
            hangar_import: FORM,
            file,
            sha256,
            size_bytes,
            server,
            ids: ids.id(0),
        }
    }
}

/// A line after the header.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Line {
    /// These rows are about to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    sending: Option<String>,
    /// The server has these rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<String>,
    /// The ids that the server gave them, where it does not keep ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<(u32, String)>>,
    /// Whether the server keeps our ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    keeps_ids: Option<bool>,
}

/// What an earlier run left behind.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// The server has these rows.
    pub(super) accepted: Rows,
    /// These rows were about to be sent, at some time.
    pub(super) begun: Rows,
    /// The server's own ids.
    pub(super) foreign: Vec<(u32, String)>,
    /// Whether the server keeps our ids, once that is known.
    pub(super) keeps_ids: Option<bool>,
}

/// An open journal. Nobody else can have it open.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    /// Whether it says of any row that it was sent.
    is_used: bool,
}

impl Journal {
    /// Opens the journal of this import, or begins it. Gives the ids that hold, which are an
    /// earlier run's if there was one.
    pub(super) fn open(path: &Path, header: &Header) -> Result<(Self, RowIds, Past)> {
        let shown = path.display();
        let cannot = || format!("the journal {shown} can't be written, so nothing was sent");
        let is_odd = fs::metadata(path).is_ok_and(|found| !found.is_file());
        if is_odd {
            bail!("the journal {shown} is no regular file: name another with --journal");
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "another hangar import is at work with the journal {shown}: wait for it to end"
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
        }
        let mut journal = Self {
            file,
            path: path.to_owned(),
            is_used: true,
        };
        let (found, past, whole_bytes) = journal.read()?;
        journal.is_used = !past.begun.is_empty();
        // One by which nothing was sent may make way for any other.
        let Some(found) = found.filter(|_| journal.is_used) else {
            journal.file.set_len(0).with_context(cannot)?;
            journal.file.rewind().with_context(cannot)?;
            serde_json::to_vec(header)
                .map_err(io::Error::from)
                .and_then(|line| journal.append(line))
                .and_then(|()| journal.file.sync_all())
                .and_then(|()| sync_directory(path))
                .with_context(cannot)?;
            return Ok((journal, RowIds::of(header.ids), past));
        };
        check_header(path, &found, header)?;
        journal.file.set_len(whole_bytes).with_context(cannot)?;
        journal
            .file
            .seek(io::SeekFrom::End(0))
            .with_context(cannot)?;
        Ok((journal, RowIds::of(found.ids), past))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes note that rows are about to be sent. When this returns, it is on disk.
    pub(super) fn sending(&mut self, rows: &Rows) -> Result<()> {
        self.is_used = true;
        self.write(
            &Line {
                sending: Some(rows.to_string()),
                ..Line::default()
            },
            Durability::Synced,
        )
    }

    /// Takes note that the server has rows, under its own ids where it does not keep ours. Those
    /// can't be asked for again, so they are on disk when this returns.
    pub(super) fn accepted(&mut self, rows: &Rows, foreign: Vec<(u32, String)>) -> Result<()> {
        let durability = if foreign.is_empty() {
            Durability::Buffered
        } else {
            Durability::Synced
        };
        self.write(
            &Line {
                accepted: Some(rows.to_string()),
                ids: (!foreign.is_empty()).then_some(foreign),
                ..Line::default()
            },
            durability,
        )
    }

    /// Takes note of whether the server keeps our ids.
    pub(super) fn keeps_ids(&mut self, keeps_ids: bool) -> Result<()> {
        self.write(
            &Line {
                keeps_ids: Some(keeps_ids),
                ..Line::default()
            },
            Durability::Synced,
        )
    }

    /// Removes it: every row's outcome is known.
    pub(super) fn remove(mut self) {
        self.is_used = false;
    }

    /// Whether it says of any row that it was sent.
    pub(super) fn is_used(&self) -> bool {
        self.is_used
    }

    fn write(&mut self, line: &Line, durability: Durability) -> Result<()> {
        let text = serde_json::to_vec(line)?;
        let written = self.append(text).and_then(|()| match durability {
            Durability::Synced => self.file.sync_data(),
            Durability::Buffered => Ok(()),
        });
        written.with_context(|| {
            format!(
                "the journal {} can't be written, so nothing more was sent; make room and start \
                 the same command again to go on",
                self.path.display()
            )
        })
    }

    fn append(&mut self, mut line: Vec<u8>) -> io::Result<()> {
        line.push(b'\n');
        self.file.write_all(&line)
    }

    /// Reads all whole lines, and how many bytes they are. The last line may be torn.
    fn read(&mut self) -> Result<(Option<Header>, Past, u64)> {
        let shown = self.path.display();
        let strange = |number: u64| {
            anyhow!(
                "line {number} of {shown} is no line of a journal of hangar import: if you do not need the \
                 file, remove it; else name another with --journal"
            )
        };
        let mut reader = BufReader::new(&self.file);
        let (mut header, mut past) = (None, Past::default());
        let (mut whole_bytes, mut number) = (0, 0);
        let mut line = Vec::new();
        loop {
            line.clear();
            number += 1;
            let mut limited = io::Read::take(&mut reader, LONGEST_LINE_BYTES);
            let read = limited
                .read_until(b'\n', &mut line)
                .with_context(|| format!("the journal {shown} can't be read"))?;
            if line.last() != Some(&b'\n') {
                if read as u64 == LONGEST_LINE_BYTES || (header.is_none() && !is_torn_header(&line))
                {
                    return Err(strange(number));
                }
                return Ok((header, past, whole_bytes));
            }
            if header.is_none() {
                header = Some(serde_json::from_slice(&line).map_err(|_| strange(number))?);
            } else {
                let line = serde_json::from_slice(&line).map_err(|_| strange(number))?;
                past.take(line).ok_or_else(|| strange(number))?;
            }
            whole_bytes += read as u64;
        }
    }
}

/// A journal that says nothing is not left behind.
impl Drop for Journal {
    fn drop(&mut self) {
        if !self.is_used {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Past {
    fn take(&mut self, line: Line) -> Option<()> {
        let rows = |text: Option<String>| text.unwrap_or_default().parse::<Rows>().ok();
        self.begun.extend(&rows(line.sending)?);
        self.accepted.extend(&rows(line.accepted)?);
        self.foreign.extend(line.ids.unwrap_or_default());
        self.keeps_ids = line.keeps_ids.or(self.keeps_ids);
        Some(())
    }
}

#[derive(Clone, Copy)]
enum Durability {
    Synced,
    Buffered,
}

/// Whether a file without a whole line is what is left of our own first write.
fn is_torn_header(line: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"{\"hangar_import\":";
    let common = line.len().min(BEGINNING.len());
    line.get(..common) == BEGINNING.get(..common)
}

fn check_header(path: &Path, found: &Header, wanted: &Header) -> Result<()> {
    let shown = path.display();
    if found.hangar_import != FORM {
        bail!("the journal {shown} was written by another version of Hangar: finish with that one");
    }
    if (&found.sha256, found.size_bytes) != (&wanted.sha256, wanted.size_bytes) {
        bail!(
            "{shown} is the journal of another file ({}, {} bytes), which was not imported to its end, or the file \
             was changed since. Import that file first; or name another journal with --journal; or remove this one, \
             if what it says is not needed",
            found.file.escape_debug(),
            found.size_bytes
        );
    }
    if found.server != wanted.server {
        bail!(
            "the journal {shown} is of an import to {}, and this one is to {}: name another journal with --journal",
            found.server.escape_debug(),
            wanted.server
        );
    }
    Ok(())
}

/// A file is there after a crash only if its directory says so.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(digest: &str, server: &str) -> Header {
        let ids = RowIds::of(Uuid::from_u128(7 << 64));
        Header::new("a.csv".into(), digest.into(), 9, server.into(), ids)
    }

    fn rows(text: &str) -> Rows {
        text.parse().unwrap()
    }

    #[test]
    fn an_interrupted_import_finds_what_it_wrote() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let header = header("d", "s");
        let (mut journal, ids, past) = Journal::open(&path, &header).unwrap();
        assert!(past.begun.is_empty() && past.keeps_ids.is_none());
        journal.sending(&rows("0-9")).unwrap();
        journal.keeps_ids(true).unwrap();
        journal.accepted(&rows("0-4"), Vec::new()).unwrap();
        journal.accepted(&rows("5"), vec![(5, "x".into())]).unwrap();
        assert!(Journal::open(&path, &header).is_err(), "it is in use");
        drop(journal);
        let torn = fs::read_to_string(&path).unwrap() + "{\"accepted\":\"6";
        fs::write(&path, torn).unwrap();

        let others = Header {
            ids: Uuid::from_u128(8 << 64),
            ..header.clone()
        };
        let (mut journal, found, past) = Journal::open(&path, &others).unwrap();
        assert_eq!(found, ids, "the ids of the first run hold");
        assert_eq!(past.begun.to_string(), "0-9");
        assert_eq!(past.accepted.to_string(), "0-5");
        assert_eq!(past.foreign, [(5, "x".to_owned())]);
        assert_eq!(past.keeps_ids, Some(true));
        journal.accepted(&rows("6"), Vec::new()).unwrap();
        drop(journal);
        let (journal, _, past) = Journal::open(&path, &header).unwrap();
        assert_eq!(past.accepted.to_string(), "0-6");
        journal.remove();
        assert!(!path.exists());
    }

    #[test]
    fn other_journals_and_other_files_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let (mut journal, ..) = Journal::open(&path, &header("d", "s")).unwrap();
        journal.sending(&rows("0-9")).unwrap();
        drop(journal);
        for (wanted, part) in [
            (header("e", "s"), "of another file (a.csv, 9 bytes)"),
            (header("d", "t"), "to s, and this one is to t"),
        ] {
            let sentence = Journal::open(&path, &wanted).unwrap_err().to_string();
            assert!(sentence.contains(part), "{sentence}");
        }
        for strange in ["my diary", "my diary\n", "{}\n", "\0\0\0"] {
            fs::write(&path, strange).unwrap();
            let error = Journal::open(&path, &header("d", "s")).unwrap_err();
            assert!(error.to_string().contains("line 1"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), strange);
        }
        for torn in ["", "{\"hang", "{\"hangar_import\":1,\"file\":"] {
            fs::write(&path, torn).unwrap();
            Journal::open(&path, &header("d", "s")).unwrap();
            assert!(
                !path.exists(),
                "one by which nothing was sent is not left behind"
            );
        }
    }
}
