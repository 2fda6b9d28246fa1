//! Messages go to standard error, for people or for programs; what repeats is counted instead.

mod journal;
mod repeats;

use crate::flags::LogFormat;
use journal::Journal;
use repeats::Repeats;
use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Ends logging: what was held back is told when it goes.
#[derive(Debug)]
pub struct Logging(Arc<Repeats>);

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.tell();
    }
}

/// Begins it, for the whole process.
pub fn start(level: Level, format: LogFormat) -> Logging {
    let layer = fmt::layer().with_writer(stderr).with_target(false);
    let layer = match format {
        // The level is in front of the line then, and the journal's own.
        LogFormat::Text if journal::is_there() => {
            layer.with_writer(Journal).with_ansi(false).without_time().with_level(false).boxed()
        }
        LogFormat::Text => layer.with_ansi(stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let repeats = Arc::new(Repeats::default());
    let filter = LevelFilter::from_level(level);
    // The filter is asked first: what is not written is not counted either.
    tracing_subscriber::registry().with(layer).with(repeats.layer()).with(filter).init();
    repeats.tell_now_and_then();
    Logging(repeats)
}
