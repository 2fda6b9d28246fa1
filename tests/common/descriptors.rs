//! How many files and sockets the test and the nodes it starts may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::require;

/// Raises the limit of this process as far as it goes; whether so many can be open, said if not.
pub fn allow(count: u64) -> bool {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // The nodes of other tests raise theirs by themselves.
    let _ = setrlimit(Resource::Nofile, raised);
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if allowed < count {
        require::skip(&format!("{allowed} descriptors are allowed, {count} are needed"));
    }
    allowed >= count
}
