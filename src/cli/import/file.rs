//! The file to import: which bytes it is, and that it stays the same while it is read.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

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

    /// Its SHA-256, in hexadecimal digits. Reads it all.
    pub(super) fn digest(&self) -> Result<String> {
        let mut hasher = Sha256::new();
        let mut input = self.read()?;
        let mut buffer = vec![0; 1 << 18];
        let mut size_bytes = 0;
        loop {
            let read = input
                .read(&mut buffer)
                .with_context(|| format!("{} can't be read", self.path.display()))?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                break;
            };
            hasher.update(piece);
            size_bytes += piece.len() as u64;
        }
        if size_bytes != self.size_bytes {
            return Err(self.changed());
        }
        self.check_unchanged()?;
        let digits = hasher.finalize();
        let mut text = String::new();
        for byte in digits {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(text)
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
