//! The door to the memory of this process and of the machine it runs on.
//!
//! What may be used at most is what the machine has, or the least that any control group around this
//! process allows (version 1 or 2). One of the few places with `unsafe`: a call of the allocator.

use super::Disk;
use std::path::{Path, PathBuf};

/// Bytes of memory that belong to this process alone: not files, which the system can take back.
pub fn used_bytes(disk: &dyn Disk) -> Option<u64> {
    let statm = disk.read(Path::new("/proc/self/statm")).ok()?;
    let statm = String::from_utf8_lossy(&statm);
    let pages = |at: usize| statm.split(' ').nth(at).and_then(|text| text.parse::<u64>().ok());
    let (resident, shared) = (pages(1)?, pages(2)?);
    Some(resident.saturating_sub(shared) * rustix::param::page_size() as u64)
}

/// Bytes that this process may use at the most; `None` if the system does not tell.
pub fn total_bytes(disk: &dyn Disk) -> Option<u64> {
    let text = |path: &Path| disk.read(path).ok().map(|b| String::from_utf8_lossy(&b).into_owned());
    let meminfo = text(Path::new("/proc/meminfo"));
    let machine = meminfo.as_deref().and_then(machine_bytes);
    let groups = text(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let mounts = text(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let limits = limit_files(&groups, &mounts).into_iter().filter_map(|path| {
        // `max` in version 2, a huge number in version 1, where there is no limit.
        text(&path)?.trim().parse::<u64>().ok()
    });
    limits.chain(machine).min()
}

/// Gives memory that was freed back to the system. Takes a while: it walks the allocator's lists.
pub fn give_back() {
    // SAFETY: the call may be made at any time from any thread; it only returns free pages.
    #[cfg(target_env = "gnu")]
    #[expect(unsafe_code, reason = "the allocator has no other door")]
    let _released = unsafe { libc::malloc_trim(0) };
}

fn machine_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The files that may hold a limit: those of this process's groups and of all groups around them.
fn limit_files(groups: &str, mounts: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (mut left, mut right) = (left.split(' ').skip(3), right.split(' '));
        let (Some(root), Some(place)) = (left.next(), left.next()) else { continue };
        let (file, group) = match right.next() {
            Some("cgroup2") => ("memory.max", group_of(groups, |names| names.is_empty())),
            Some("cgroup") if line.rsplit(' ').next().is_some_and(is_memory) => {
                ("memory.limit_in_bytes", group_of(groups, is_memory))
            }
            _ => continue,
        };
        // Inside a container the mount may begin at the group itself.
        let group = group.unwrap_or("/");
        let below = group.strip_prefix(root).filter(|_| root != "/").unwrap_or(group);
        for dir in Path::new(below.trim_start_matches('/')).ancestors() {
            files.push(Path::new(place).join(dir).join(file));
        }
    }
    files
}

fn is_memory(controllers: &str) -> bool {
    controllers.split(',').any(|name| name == "memory")
}

/// The path of the group whose controllers are the wanted ones: lines are `number:names:path`.
fn group_of(groups: &str, is_wanted: impl Fn(&str) -> bool) -> Option<&str> {
    groups.lines().find_map(|line| {
        let (_, line) = line.split_once(':')?;
        let (names, path) = line.split_once(':')?;
        is_wanted(names).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;

    #[test]
    fn this_process_has_memory_and_a_machine() {
        let disk = env::real().disk;
        let before = used_bytes(&*disk).expect("Linux tells");
        let block = vec![1u8; 64 << 20];
        let with = used_bytes(&*disk).expect("Linux tells");
        assert!(with >= before + (60 << 20), "{before} and {with} bytes with {}", block.len());
        assert!(total_bytes(&*disk).expect("Linux tells") > with);
    }

    #[test]
    fn limits_are_looked_for_in_all_groups_around() {
        let v1 = "31 23 0:27 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n\
                  32 23 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n";
        let v2 = "33 23 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let inside = "33 23 0:29 /pod/one /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
        let groups = "4:memory:/pod/one\n2:cpu,cpuacct:/\n0::/pod/one\n";
        let files = |mounts: &str| {
            let files = limit_files(groups, mounts);
            files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            files(v1),
            [
                "/sys/fs/cgroup/memory/pod/one/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/pod/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            ]
        );
        assert_eq!(files(v2)[0], "/sys/fs/cgroup/pod/one/memory.max");
        assert_eq!(files(inside), ["/sys/fs/cgroup/memory.max"]);
        assert_eq!(machine_bytes("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
    }
}
