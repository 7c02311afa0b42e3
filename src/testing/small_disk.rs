//! A disk for tests that is soon full: a small file system in memory, where mounting is allowed.

use std::{path::Path, process::Command};

use tempfile::TempDir;

/// A small file system of its own, gone with this value.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one of so many MiB, or says why that can't be.
    pub(crate) fn mount(size_mib: u32) -> Result<Self, String> {
        let directory = TempDir::new().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size(size_mib), "tmpfs"])
            .arg(directory.path())
            .output()
            .map_err(|error| error.to_string())?;
        if mount.status.success() {
            Ok(Self(directory))
        } else {
            Err(String::from_utf8_lossy(&mount.stderr).into_owned())
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn resize(&self, size_mib: u32) {
        self.remount(&size(size_mib));
    }

    pub(crate) fn make_read_only(&self) {
        self.remount("ro");
    }

    fn remount(&self, options: &str) {
        let mount = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(self.path())
            .status();
        assert!(mount.unwrap().success());
    }
}

fn size(size_mib: u32) -> String {
    format!("size={size_mib}m")
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}
