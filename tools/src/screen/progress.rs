//! How far work is, on standard error, if that is a terminal; gone without trace when the work ends.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const TEMPLATE: &str = "{msg} {wide_bar} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}";

/// Work in progress.
pub struct Progress(ProgressBar);

impl Progress {
    /// Work on so many bytes begins.
    pub fn new(what: &'static str, total: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.tick();
        Progress(bar)
    }

    /// So many bytes are done.
    pub fn show(&self, done: u64) {
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
