//! Small disks to fill up: a tmpfs, or ext4 on an image. Mounting takes root.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::require;

/// A mounted disk; unmounted when dropped.
pub struct Mount {
    place: TempDir,
}

impl Mount {
    /// A tmpfs of so many bytes, or `None` after saying that the test is skipped.
    pub fn tmpfs(bytes: u64) -> Option<Mount> {
        let size = format!("size={bytes}");
        Mount::new(&["-t", "tmpfs", "-o", &size, "tmpfs"])
    }

    /// An ext4 on an image of so many bytes, or `None` after saying that the test is skipped.
    pub fn ext4(bytes: u64) -> Option<Mount> {
        let image = tempfile::NamedTempFile::new().expect("an image");
        image.as_file().set_len(bytes).expect("a sparse file");
        let path = image.path().to_str().expect("a path in UTF-8");
        let mkfs = require::program("mkfs.ext4")?;
        if !quiet(Command::new(mkfs).args(["-q", "-F", path])) {
            require::skip("mkfs.ext4 makes no file system here");
            return None;
        }
        // The loop device keeps the image's file when its name goes.
        Mount::new(&["-t", "ext4", "-o", "loop", path])
    }

    fn new(arguments: &[&str]) -> Option<Mount> {
        let place = tempfile::Builder::new().prefix("irontsd-disk-").tempdir();
        let place = place.expect("a directory to mount on");
        mount(arguments, place.path()).then_some(Mount { place })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Fills the disk until so many bytes are left, or to the last one; returns the file that does.
    pub fn fill(&self, left_bytes: u64) -> PathBuf {
        let path = self.path().join("ballast");
        let mut file = File::create(&path).expect("a file");
        let mut piece_bytes = 1 << 20;
        while piece_bytes > 0 {
            if left_bytes > 0 && self.free_bytes() < left_bytes + piece_bytes {
                piece_bytes /= 2;
                continue;
            }
            match file.write_all(&vec![1; piece_bytes as usize]) {
                // What still fits was written.
                Err(error) if error.kind() == ErrorKind::StorageFull => piece_bytes /= 2,
                written => written.expect("a larger file"),
            }
        }
        // Ext4 finds out late what it has no room for.
        let _full = file.sync_all();
        path
    }

    fn free_bytes(&self) -> u64 {
        let disk = rustix::fs::statvfs(self.path()).expect("a disk");
        disk.f_bfree * disk.f_frsize
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A node that a failing test left behind may still have files open.
        quiet(Command::new("umount").arg("-l").arg(self.path()));
    }
}

/// Mounts with these arguments of `mount`; if that cannot be, says that the test is skipped.
pub fn mount(arguments: &[&str], place: &Path) -> bool {
    if !rustix::process::geteuid().is_root() {
        require::skip("mounting takes root");
        return false;
    }
    let mounted = quiet(Command::new("mount").args(arguments).arg(place));
    if !mounted {
        require::skip(&format!("mount {} does not work here", arguments.join(" ")));
    }
    mounted
}

/// Runs a program that nobody hears; whether it went well.
pub fn quiet(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
