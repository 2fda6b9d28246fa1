//! The thread that looks, several times a second, at what nobody tells the node: how much of the
//! disk is free, whether a full disk has room again, and whether mapped files can still be read.

use crate::error::Error;
use crate::gate::Cause;
use crate::keeper::Job;
use crate::scan::Aside;
use crate::state::Shared;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::*;
use std::time::Duration;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(200);
/// What must be writable before a disk that was full counts as having room.
const PROBE_BYTES: usize = 1 << 20;
/// Name of the file that is written to find out, in the directory of the logs.
pub const PROBE_FILE: &str = "space.probe";

/// Works until told to end.
pub fn run(shared: &Arc<Shared>) {
    let (lock, signal) = &shared.watcher_ends;
    loop {
        {
            let mut ending = lock.lock();
            if !*ending {
                signal.wait_for(&mut ending, LOOK);
            }
            if *ending {
                return;
            }
        }
        look(shared);
        set_lost_files_aside(shared);
    }
}

/// Files that were cut while they were open, or that the disk cannot read any more.
fn set_lost_files_aside(shared: &Shared) {
    if let Err(error) = shared.registry.check() {
        // A start takes the names from the segments.
        let reason = format!("{error}: start the node again");
        if shared.gate.close(Cause::Names, reason.clone()) {
            shared.faults.lock().push(reason);
            shared.wake_all();
        }
    }
    let view = shared.view.read().clone();
    let lost: Vec<_> = view.segments.iter().filter(|segment| segment.is_lost()).collect();
    if lost.is_empty() {
        return;
    }
    let manifest = shared.manifest.lock().clone();
    for segment in lost {
        let (name, path) = (segment.file_name(), segment.path().to_owned());
        tracing::error!("{} cannot be read any more and is set aside", path.display());
        shared.faults.lock().push(Error::unreadable(&path).to_string());
        // A merge may just have replaced it; then its samples are in another segment.
        let entry = manifest.segments.iter().find(|entry| entry.name == name);
        let aside = entry.map(|entry| {
            Arc::new(Aside { entry: entry.clone(), path, segment: Some(segment.clone()) })
        });
        shared.change_view(|view| {
            let before = view.segments.len();
            view.segments.retain(|other| !Arc::ptr_eq(other, segment));
            if view.segments.len() < before {
                view.aside.extend(aside);
            }
        });
    }
}

/// One look; also taken before anybody may write.
pub fn look(shared: &Shared) {
    let dir = &shared.config.dir;
    // Where the system cannot tell, only a failed write can.
    let Ok(free_bytes) = shared.env.disk.free_bytes(dir) else { return };
    shared.stats.disk_free_bytes.store(free_bytes, Relaxed);
    let min_bytes = shared.config.min_free_disk_bytes;
    // A little more to begin again: a node at the limit must not flap.
    let enough_bytes = min_bytes + min_bytes / 16;
    if free_bytes < min_bytes {
        let reason = format!(
            "{free_bytes} bytes are free on the disk of {}, less than --min-free-disk-bytes \
             {min_bytes}",
            dir.display()
        );
        if shared.gate.close(Cause::DiskLow, reason) {
            // It turns logs into segments, which take a fraction of their space.
            ask_for_flush(shared);
        }
    } else if free_bytes >= enough_bytes && shared.gate.open(Cause::DiskLow) {
        shared.wake_all();
    }
    let has_room = || free_bytes >= enough_bytes.max(PROBE_BYTES as u64) && probe(shared);
    if shared.gate.has(Cause::DiskFull) && has_room() && shared.gate.open(Cause::DiskFull) {
        shared.wake_all();
    }
}

/// Asks for a flush of everything, once until it begins.
pub fn ask_for_flush(shared: &Shared) {
    shared.wake_all();
    if !shared.flush_asked.swap(true, AcqRel) {
        let _ending = shared.keeper.send(Job::Flush(None));
    }
}

/// Whether something can be written: a quota or a want of inodes does not show in what is free.
fn probe(shared: &Shared) -> bool {
    let (disk, path) = (&shared.env.disk, probe_path(shared));
    let _leftover = disk.remove(&path);
    let wrote = disk.create(&path).and_then(|file| file.write_at(&vec![0; PROBE_BYTES], 0));
    let removed = disk.remove(&path);
    wrote.is_ok() && removed.is_ok()
}

fn probe_path(shared: &Shared) -> PathBuf {
    shared.log_dir().join(PROBE_FILE)
}
