//! A file that a command writes: it stands under its name only when it is whole.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// A file in the making, beside its place.
pub(super) struct NewFile {
    path: PathBuf,
    /// Absent where the place is a device or a pipe, which is written as it is.
    part: Option<PathBuf>,
    writer: BufWriter<File>,
}

impl NewFile {
    /// Begins a file. It is known at once whether its directory can be written.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let is_special = fs::metadata(path).is_ok_and(|found| !found.is_file());
        let part = (!is_special).then(|| beside(path, ".part"));
        let target = part.as_deref().unwrap_or(path);
        let file = if is_special {
            File::options().write(true).open(target)
        } else {
            File::create(target)
        };
        let file = file.with_context(|| format!("{} can't be written", target.display()))?;
        Ok(Self {
            path: path.to_owned(),
            part,
            writer: BufWriter::new(file),
        })
    }

    fn named(&self, error: &io::Error) -> io::Error {
        let place = self.path.display();
        io::Error::new(error.kind(), format!("{place} can't be written: {error}"))
    }

    /// Puts the file in its place, whole and on disk.
    pub(super) fn finish(mut self) -> Result<()> {
        self.flush()?;
        let place = || format!("{} can't be written", self.path.display());
        if let Some(part) = self.part.take() {
            self.writer.get_ref().sync_all().with_context(place)?;
            fs::rename(part, &self.path).with_context(place)?;
        }
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes);
        written.map_err(|error| self.named(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| self.named(&error))
    }
}

/// What was not finished is not left behind.
impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            let _ = fs::remove_file(part);
        }
    }
}

/// The path with something after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_file_takes_the_place() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.csv");
        fs::write(&path, "old").unwrap();
        let mut file = NewFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        let mut file = NewFile::create(&path).unwrap();
        file.write_all(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told() {
        let mut file = NewFile::create(Path::new("/dev/full")).unwrap();
        file.write_all(b"x").unwrap();
        let error = file.finish().unwrap_err();
        assert!(format!("{error:#}").contains("No space left"), "{error:#}");
    }
}
