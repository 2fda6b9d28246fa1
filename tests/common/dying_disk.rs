//! A disk whose reads fail from a moment on. Mounting it takes root.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Advice, fadvise, major, minor, stat};
use tempfile::NamedTempFile;

use super::mount::{mount, quiet};
use super::require;

/// What a read of a broken place returns.
const EIO: i32 = rustix::io::Errno::IO.raw_os_error();

/// A disk with the files of a directory, mounted over them for reading only. Dropped it is unmounted, and the
/// files are as they were.
pub struct DyingDisk {
    image: NamedTempFile,
    place: PathBuf,
}

impl DyingDisk {
    /// An ext4 of so many bytes, or `None` after saying that the test is skipped.
    pub fn over(place: &Path, bytes: u64) -> Option<DyingDisk> {
        let image = NamedTempFile::new().expect("an image");
        image.as_file().set_len(bytes).expect("a sparse file");
        let mkfs = require::program("mkfs.ext4")?;
        let mut mkfs = Command::new(mkfs);
        if !quiet(mkfs.args(["-q", "-F", "-d"]).args([place, image.path()])) {
            require::skip("mkfs.ext4 makes no file system of a directory here");
            return None;
        }
        let path = image.path().to_str().expect("a path in UTF-8");
        let mounted = mount(&["-t", "ext4", "-o", "loop,ro", path], place);
        let disk = mounted.then(|| DyingDisk { image, place: place.to_owned() });
        disk.inspect(DyingDisk::read_no_further)
    }

    /// The system reads the pages that somebody touches and none beside them: what was read together with a
    /// touched page is kept with it.
    fn read_no_further(&self) {
        let device = stat(&self.place).expect("the disk is mounted").st_dev;
        let ahead = format!("/sys/class/bdi/{}:{}/read_ahead_kb", major(device), minor(device));
        std::fs::write(&ahead, "0").unwrap_or_else(|error| panic!("{ahead}: {error}"));
    }

    /// From now on the disk gives nothing, and the system forgets what it has of a file, but for the pages
    /// that somebody has touched in a mapping. A loop device finds no bytes behind the end of its image.
    pub fn die(&self, forgotten: &Path) {
        let file = File::open(forgotten).expect("the file opens");
        self.image.as_file().set_len(0).expect("the image is cut");
        fadvise(&file, 0, None, Advice::DontNeed).expect("pages can be let go");
        let error = io::copy(&mut &file, &mut io::sink()).expect_err("the disk gives all the same");
        assert_eq!(error.raw_os_error(), Some(EIO), "{error}");
    }
}

impl Drop for DyingDisk {
    fn drop(&mut self) {
        // A node that a failing test left behind may still have files open.
        quiet(Command::new("umount").arg("-l").arg(&self.place));
    }
}
