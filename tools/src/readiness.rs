//! Tells a service manager what the node is doing (systemd's `Type=notify`). Without one nothing
//! happens; one that cannot be told is no reason not to run.

use sd_notify::NotifyState::{Ready, Status, Stopping};
use sd_notify::notify;

/// Points are taken from now on.
pub fn ready(status: &str) {
    told(notify(&[Ready, Status(status)]));
}

/// It ends as soon as everything is in segments.
pub fn stopping() {
    told(notify(&[Stopping, Status("writing what is buffered to segments")]));
}

fn told(outcome: std::io::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!("cannot tell the service manager: {error}");
    }
}
