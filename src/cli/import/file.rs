//! The file to import: which bytes it is, and that it stays the same while it is read.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::SystemTime,
};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// How long a part is, of which a long file's digest is made.
const PART_BYTES: u64 = 16 << 20;

/// A file that was looked at once and is about to be read.
#[derive(Clone, Debug)]
pub(super) struct InputFile {
    pub(super) path: PathBuf,
    pub(super) size_bytes: u64,
    modified: Option<SystemTime>,
}

impl InputFile {
    /// Looks at the file. What can't be read a second time is refused: the second time is how an
    /// interrupted import goes on.
    pub(super) fn find(path: &Path) -> Result<Self> {
        let shown = path.display();
        let found = fs::metadata(path).map_err(|error| sentence(path, &error))?;
        if found.is_dir() {
            bail!("{shown} is a directory: name a CSV file in it");
        }
        if !found.is_file() {
            bail!(
                "{shown} is no regular file but a pipe or a device, which can't be read twice: \
                 save what it gives to a file and import that"
            );
        }
        File::open(path).map_err(|error| sentence(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            size_bytes: found.len(),
            modified: found.modified().ok(),
        })
    }

    /// Its SHA-256, in hexadecimal digits; of a file that is long, the SHA-256 of the SHA-256s of its
    /// parts, which take turns on two threads. Reads it all.
    pub(super) fn digest(&self) -> Result<String> {
        let parts = self.size_bytes.div_ceil(PART_BYTES).max(1);
        let every_other = |first: u64| -> Result<Vec<[u8; 32]>> {
            let parts = (first..parts).step_by(2);
            parts.map(|part| self.digest_of_part(part)).collect()
        };
        let (even, odd) = thread::scope(|scope| {
            let odd = (parts > 1).then(|| scope.spawn(|| every_other(1)));
            (every_other(0), odd.map(thread::ScopedJoinHandle::join))
        });
        let odd = match odd {
            Some(Ok(odd)) => odd?,
            Some(Err(_)) => bail!("{} can't be read", self.path.display()),
            None => Vec::new(),
        };
        self.check_unchanged()?;
        let even = even?;
        let whole = match even.as_slice() {
            [whole] if odd.is_empty() => *whole,
            _ => {
                let mut hasher = Sha256::new();
                for (place, even) in even.iter().enumerate() {
                    hasher.update(even);
                    if let Some(odd) = odd.get(place) {
                        hasher.update(odd);
                    }
                }
                hasher.finalize().into()
            }
        };
        let mut text = String::new();
        for byte in whole {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(text)
    }

    fn digest_of_part(&self, part: u64) -> Result<[u8; 32]> {
        let start = part * PART_BYTES;
        let len_bytes = self.size_bytes.saturating_sub(start).min(PART_BYTES);
        let unreadable = || format!("{} can't be read", self.path.display());
        let mut file = File::open(&self.path).map_err(|error| sentence(&self.path, &error))?;
        file.seek(SeekFrom::Start(start)).with_context(unreadable)?;
        let mut input = file.take(len_bytes);
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 18];
        let mut read_bytes = 0;
        loop {
            let read = input.read(&mut buffer).with_context(unreadable)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                break;
            };
            hasher.update(piece);
            read_bytes += piece.len() as u64;
        }
        if read_bytes != len_bytes {
            return Err(self.changed());
        }
        Ok(hasher.finalize().into())
    }

    /// Fails once somebody has written to the file.
    pub(super) fn check_unchanged(&self) -> Result<()> {
        let found = fs::metadata(&self.path).map_err(|error| sentence(&self.path, &error))?;
        if found.len() == self.size_bytes && found.modified().ok() == self.modified {
            return Ok(());
        }
        Err(self.changed())
    }

    fn changed(&self) -> anyhow::Error {
        anyhow::anyhow!(
            "{} was changed while it was being read: wait until it is complete, then start again",
            self.path.display()
        )
    }

    /// Reads it from the start, as far as it reached when it was found.
    pub(super) fn read(&self) -> Result<impl Read + use<>> {
        let file = File::open(&self.path).map_err(|error| sentence(&self.path, &error))?;
        Ok(file.take(self.size_bytes))
    }

    /// The same, counting the bytes.
    pub(super) fn read_counted(&self, count: Arc<AtomicU64>) -> Result<impl Read + use<>> {
        let input = BufReader::with_capacity(1 << 18, self.read()?);
        Ok(Counted { input, count })
    }
}

struct Counted<R> {
    input: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn sentence(path: &Path, error: &io::Error) -> anyhow::Error {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => anyhow::anyhow!("there is no file {shown}"),
        io::ErrorKind::PermissionDenied => anyhow::anyhow!(
            "{shown} can't be read: no permission. Ask its owner, or copy it to where you may read it"
        ),
        _ => anyhow::anyhow!("{shown} can't be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        fs::write(&path, "one").unwrap();
        let file = InputFile::find(&path).unwrap();
        let digest = file.digest().unwrap();
        assert_eq!(digest.len(), 64);
        file.check_unchanged().unwrap();
        fs::write(&path, "one more").unwrap();
        assert!(file.check_unchanged().is_err() && file.digest().is_err());
        let mut text = String::new();
        file.read().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "one", "only what was there is read");
    }

    #[test]
    fn a_long_file_is_known_by_all_of_its_parts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        let part = usize::try_from(PART_BYTES).unwrap();
        let mut seen = std::collections::HashSet::new();
        // The second byte of each part in turn, and of none; and the parts in another order.
        for changed in [None, Some(0), Some(1), Some(2)] {
            let mut bytes = vec![b'a'; 2 * part + 2];
            bytes.get_mut(part..).unwrap().fill(b'b');
            if let Some(place) = changed {
                *bytes.get_mut(place * part + 1).unwrap() = b'c';
            }
            fs::write(&path, &bytes).unwrap();
            let file = InputFile::find(&path).unwrap();
            let digest = file.digest().unwrap();
            assert_eq!(digest, file.digest().unwrap());
            assert!(seen.insert(digest));
            bytes.rotate_left(part);
            fs::write(&path, &bytes).unwrap();
            assert!(seen.insert(InputFile::find(&path).unwrap().digest().unwrap()));
        }
        fs::write(&path, "abc").unwrap();
        let short = InputFile::find(&path).unwrap().digest().unwrap();
        assert!(
            short.starts_with("ba7816bf8f01cfea"),
            "a short file's is its SHA-256"
        );
    }

    #[test]
    fn each_kind_of_failure_has_its_sentence() {
        for (kind, part) in [
            (io::ErrorKind::NotFound, "there is no file x.csv"),
            (io::ErrorKind::PermissionDenied, "no permission"),
            (io::ErrorKind::Other, "x.csv can't be read"),
        ] {
            let text = sentence(Path::new("x.csv"), &kind.into()).to_string();
            assert!(text.contains(part), "{text}");
        }
    }
}
