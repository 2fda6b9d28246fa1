//! A control group that bounds the memory of a process; version 1 or 2, whichever is here. Takes root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::require;

/// A group; removed when dropped, for which its processes must have ended.
pub struct Group {
    dir: PathBuf,
    is_v1: bool,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Group {
    /// A group whose processes may use so many bytes, or `None` after saying that the test is skipped.
    pub fn new(bytes: u64) -> Option<Group> {
        let is_v1 = Path::new("/sys/fs/cgroup/memory/memory.limit_in_bytes").exists();
        let root = Path::new(if is_v1 { "/sys/fs/cgroup/memory" } else { "/sys/fs/cgroup" });
        if !is_v1 {
            // Mostly done already; without it the file below is missing.
            let _ = fs::write(root.join("cgroup.subtree_control"), "+memory");
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = root.join(format!("irontsd-test-{}-{number}", std::process::id()));
        let file = if is_v1 { "memory.limit_in_bytes" } else { "memory.max" };
        let made = fs::create_dir(&dir);
        let group = Group { dir, is_v1 };
        let bounded = made.and_then(|()| fs::write(group.dir.join(file), bytes.to_string()));
        match bounded {
            Ok(()) => Some(group),
            Err(error) => {
                require::skip(&format!("no control group for memory can be made: {error}"));
                None
            }
        }
    }

    /// The same command, to be run in the group.
    pub fn wrap(&self, command: &Command) -> Command {
        let mut wrapped = Command::new("sh");
        wrapped.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]);
        wrapped.arg(self.dir.join("cgroup.procs"));
        wrapped.arg(command.get_program()).args(command.get_args());
        wrapped
    }

    /// Processes of the group that the kernel killed for want of memory.
    #[track_caller]
    pub fn kills(&self) -> u64 {
        let file = if self.is_v1 { "memory.oom_control" } else { "memory.events" };
        let text = fs::read_to_string(self.dir.join(file)).expect("a file of the group");
        let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills.and_then(|number| number.trim().parse().ok()).expect("a number of kills")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nothing but an empty directory stays if this fails.
        let _ = fs::remove_dir(&self.dir);
    }
}
