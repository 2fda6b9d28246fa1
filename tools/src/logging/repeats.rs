//! A message that comes again and again within a minute is written a few times; then it is counted,
//! and the count is written when the minute is over. So a full disk, or a client that reconnects in
//! a loop, cannot fill the log and hide what else happens. Different texts are different messages,
//! even from one place in the code: a list of damaged files stays whole.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::sync::Arc;
use std::time::Duration;
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// How long messages are counted together.
const WINDOW: Duration = Duration::from_secs(60);
/// How often one is written in that time.
const SHOWN_MAX: u64 = 5;
/// Messages told apart in that time; further ones are written.
const MESSAGES_MAX: usize = 1024;
/// What counts are written under, and not counted themselves.
const TARGET: &str = "irontsd::repeats";

/// The messages of this minute.
#[derive(Debug, Default)]
pub struct Repeats(Mutex<Counts>);

type Counts = HashMap<(Identifier, String), (Level, u64)>;

impl Repeats {
    /// What asks for every message.
    pub fn layer(self: &Arc<Self>) -> RepeatsLayer {
        RepeatsLayer(self.clone())
    }

    /// Tells what was held back when a minute is over. Without the thread it is told at the end.
    pub fn tell_now_and_then(self: &Arc<Self>) {
        let repeats = self.clone();
        let tell = move || loop {
            std::thread::sleep(WINDOW);
            repeats.tell();
        };
        if let Err(error) = std::thread::Builder::new().name("log".into()).spawn(tell) {
            tracing::warn!("cannot start a thread: {error}");
        }
    }

    /// Tells what was held back, and begins to count anew.
    pub fn tell(&self) {
        let counts = std::mem::take(&mut *self.0.lock());
        for ((_, message), (level, count)) in counts {
            if let Some(more) = count.checked_sub(SHOWN_MAX).filter(|&more| more > 0) {
                write(level, &message, more);
            }
        }
    }

    /// Whether a message is written.
    fn admit(&self, event: &Event<'_>) -> bool {
        let mut message = Message::default();
        event.record(&mut message);
        let key = (event.metadata().callsite(), message.0);
        let mut counts = self.0.lock();
        if counts.len() >= MESSAGES_MAX && !counts.contains_key(&key) {
            return true;
        }
        let (_, count) = counts.entry(key).or_insert((*event.metadata().level(), 0));
        *count += 1;
        *count <= SHOWN_MAX
    }
}

/// The level of a message is settled where it is written, so each has a line.
fn write(level: Level, message: &str, more: u64) {
    match level {
        Level::ERROR => tracing::error!(target: TARGET, more_times = more, "{message}"),
        Level::WARN => tracing::warn!(target: TARGET, more_times = more, "{message}"),
        Level::INFO => tracing::info!(target: TARGET, more_times = more, "{message}"),
        _ => tracing::debug!(target: TARGET, more_times = more, "{message}"),
    }
}

/// See the module.
#[derive(Debug)]
pub struct RepeatsLayer(Arc<Repeats>);

impl<S: Subscriber> Layer<S> for RepeatsLayer {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        event.metadata().target() == TARGET || self.0.admit(event)
    }
}

/// The text of a message.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use tracing_subscriber::fmt::{self, MakeWriter};
    use tracing_subscriber::layer::SubscriberExt;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Kept;
        fn make_writer(&'a self) -> Kept {
            self.clone()
        }
    }

    /// What is written while `work` logs.
    fn written(work: impl FnOnce(&Repeats)) -> Vec<String> {
        let (kept, repeats) = (Kept::default(), Arc::new(Repeats::default()));
        let layer = fmt::layer().with_writer(kept.clone()).without_time().with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(repeats.layer());
        let subscriber = subscriber.with(layer.with_target(false));
        tracing::subscriber::with_default(subscriber, || work(&repeats));
        let text = String::from_utf8(kept.0.lock().clone()).expect("UTF-8");
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn a_repeated_message_is_written_a_few_times_and_then_counted() {
        let lines = written(|repeats| {
            for _ in 0..20 {
                tracing::warn!("disk full");
            }
            tracing::warn!("something else");
            repeats.tell();
            tracing::warn!("nothing is held back any more");
            repeats.tell();
        });
        assert_eq!(lines[..5], ["WARN disk full"; 5]);
        assert_eq!(
            lines[5..],
            [
                "WARN something else",
                "WARN disk full more_times=15",
                "WARN nothing is held back any more"
            ]
        );
    }

    #[test]
    fn different_texts_of_one_place_are_all_written() {
        let lines = written(|_| (0..50).for_each(|file| tracing::error!("{file}.seg is damaged")));
        assert_eq!(lines.len(), 50);
    }

    #[test]
    fn a_count_begins_anew_when_it_was_told() {
        let lines = written(|repeats| {
            for _ in 0..3 {
                (0..7).for_each(|_| tracing::info!("again"));
                repeats.tell();
            }
        });
        assert_eq!(lines.iter().filter(|line| *line == "INFO again").count(), 15);
        assert_eq!(lines.iter().filter(|line| line.ends_with("more_times=2")).count(), 3);
    }
}
