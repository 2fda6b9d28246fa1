//! Waiting for something that another process does, but never forever.

use std::time::Duration;

use super::Outcome;
use super::clock::now;

/// Asks `ready` every `pause` until it answers with something; fails after `timeout`.
pub fn until<T>(
    what: &str,
    timeout: Duration,
    pause: Duration,
    mut ready: impl FnMut() -> Outcome<Option<T>>,
) -> Outcome<T> {
    let start = now();
    loop {
        if let Some(found) = ready()? {
            return Ok(found);
        }
        if start.elapsed() > timeout {
            return Err(format!("gave up waiting for {what} after {timeout:?}").into());
        }
        std::thread::sleep(pause);
    }
}
