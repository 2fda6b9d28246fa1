//! A disk that is full, and has room again.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line::Line;
use crate::common::Outcome;
use crate::common::irontsd::IronTsd;
use crate::common::node::{Node, Running};
use crate::common::options::TestOptions;
use crate::common::server::new_dir;
use ::irontsd::bench::{http, wait};

const POLL: Duration = Duration::from_millis(2);
/// The node looks at its disk five times a second; the removal of the ballast is put off by this much more in
/// each round, so that it falls into every part of such a step.
const LATER_EACH: Duration = Duration::from_millis(37);

/// A way to be without room.
pub struct Want {
    flags: &'static [&'static str],
    disk_bytes: u64,
    /// Left free by the ballast.
    left_bytes: u64,
}

/// Nothing is free.
pub const FULL: Want =
    Want { flags: &["--min-free-disk-bytes", "0"], disk_bytes: 48 << 20, left_bytes: 0 };
/// Less is free than `--min-free-disk-bytes` demands by default.
pub const LOW: Want = Want { flags: &[], disk_bytes: 160 << 20, left_bytes: 60 << 20 };

/// How long it took after the ballast was gone.
#[derive(Default)]
pub struct Recoveries {
    /// Until a put line was taken.
    pub taken: Vec<Duration>,
    /// Until `/-/ready` was 200.
    pub ready: Vec<Duration>,
}

/// Fills and frees so often.
pub fn measure(test: &TestOptions, want: &Want, rounds: u32) -> Outcome<Recoveries> {
    let dir = Arc::new(new_dir(&test.scratch())?);
    let small = Tmpfs::mount(dir.path().join("data"), want.disk_bytes)?;
    let mut node = IronTsd::new(test);
    node.add_flags(want.flags);
    let mut running = node.start_on(Arc::clone(&dir))?;
    let mut line = Line::open(running.opentsdb, running.timeout)?;
    let mut recoveries = Recoveries::default();
    for round in 0..rounds {
        if !line.puts(1000)? {
            return Err("a node with room refuses points".into());
        }
        let ballast = small.fill(want.left_bytes)?;
        // What the last pages of the logs still hold is taken.
        wait::until("a refusal", running.timeout, POLL, || Ok((!line.puts(500)?).then_some(())))?;
        wait::until("/-/ready 503", running.timeout, POLL, || {
            Ok((!is_ready(&running)).then_some(()))
        })?;
        std::thread::sleep(LATER_EACH * (round % 8));
        fs::remove_file(&ballast)?;
        let (taken, ready) = time(&running, &mut line)?;
        recoveries.taken.push(taken);
        recoveries.ready.push(ready);
    }
    running.server.stop(running.timeout)?;
    Ok(recoveries)
}

/// From now until a point is taken, and until the node says that it is ready.
fn time(running: &Running, line: &mut Line) -> Outcome<(Duration, Duration)> {
    let start = Instant::now();
    let (mut taken, mut ready) = (None, None);
    wait::until("room to be noticed", running.timeout, POLL, || {
        if taken.is_none() && line.puts(1)? {
            taken = Some(start.elapsed());
        }
        if ready.is_none() && is_ready(running) {
            ready = Some(start.elapsed());
        }
        Ok(taken.zip(ready))
    })
}

fn is_ready(running: &Running) -> bool {
    http::get(running.http, "/-/ready", running.timeout).is_ok()
}

/// A mounted tmpfs; unmounted when dropped.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(place: PathBuf, bytes: u64) -> Outcome<Tmpfs> {
        fs::create_dir_all(&place)?;
        let size = format!("size={bytes}");
        let mut mount = Command::new("mount");
        let status = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&place).status()?;
        match status.success() {
            true => Ok(Tmpfs(place)),
            false => Err("a small disk cannot be mounted; that takes root".into()),
        }
    }

    /// Writes a file until so many bytes are left, or until nothing fits.
    fn fill(&self, left_bytes: u64) -> Outcome<PathBuf> {
        let path = self.0.join("ballast");
        let mut file = File::create(&path)?;
        let mut piece_bytes = 1 << 20;
        while piece_bytes > 0 && (left_bytes == 0 || free_bytes(&self.0)? > left_bytes) {
            match file.write_all(&vec![1; piece_bytes]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => piece_bytes /= 2,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(path)
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Nothing is left to do about a disk that stays.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn free_bytes(path: &Path) -> Outcome<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail * disk.f_frsize)
}
