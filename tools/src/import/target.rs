//! The data directory that is added to: locked, opened as a node opens it, filled in commits, and
//! closed when everything lies in segments.

use irontsd_engine::batch::Batch;
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env::Env;
use irontsd_engine::error::Error;
use irontsd_engine::limits::NAME_BYTES_MAX;
use irontsd_engine::shard::Shard;
use irontsd_engine::types::SeriesId;
use irontsd_net::intake::Content;
use irontsd_net::reject::{Reason, Reject};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Weight of a commit.
const COMMIT_ROWS: usize = 64 << 10;
/// How long the flush may be quiet before it is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// See the module.
pub struct Target {
    engine: Engine,
    shard: Shard,
    batch: Batch,
    samples: u64,
    /// The series asked for last.
    last: Option<(Vec<u8>, SeriesId)>,
    /// Why nothing more can be taken.
    stopped: Option<String>,
}

impl Target {
    /// Opens the directory.
    pub fn open(dir: &Path, env: &Env) -> Result<Target, String> {
        let engine = Engine::open(Config::new(dir), env.clone()).map_err(|error| match error {
            Error::InUse { path, holder } => format!(
                "{} is in use by {holder}: stop it, or send it the file: curl --data-binary @FILE \
                 http://HOST:8428/api/v1/import",
                path.display()
            ),
            error => error.to_string(),
        })?;
        let shard = engine.shard(0);
        let reader = thread::current();
        shard.set_waker(move || reader.unpark());
        let batch = Batch::default();
        Ok(Target { engine, shard, batch, samples: 0, last: None, stopped: None })
    }

    /// The series of a canonical name, new or not.
    pub fn series(&mut self, name: &[u8]) -> Result<SeriesId, Reject> {
        if let Some((last, series)) = &self.last
            && last == name
        {
            return Ok(*series);
        }
        if name.len() > NAME_BYTES_MAX {
            let message = format!("metric and tags exceed {NAME_BYTES_MAX} bytes");
            return Err(Reject::new(Reason::NameTooLong, message));
        }
        let full = || Reject::new(Reason::TooManySeries, "there are no more numbers for series");
        let series = self.engine.registry().find_or_reserve(name).ok_or_else(full)?;
        self.last = Some((name.to_vec(), series));
        Ok(series)
    }

    /// Adds a sample.
    pub fn push(&mut self, series: SeriesId, ms: i64, content: Content<'_>) {
        match content {
            Content::Number(value) => self.batch.push(series, ms, value),
            Content::Histogram(bytes) => self.batch.push_histogram(series, ms, bytes),
        }
        self.samples += 1;
        if self.batch.weight() >= COMMIT_ROWS {
            self.commit();
        }
    }

    fn commit(&mut self) {
        if self.stopped.is_none()
            && let Err(error) = self.shard.commit(&self.batch)
        {
            self.stopped = Some(error.to_string());
        }
        self.batch.clear();
        // A flush waits for nobody but this shard, and wakes this thread when it wants something.
        while self.stopped.is_none() && self.shard.is_full() {
            thread::park_timeout(LOOK_AGAIN);
            self.shard.poll();
            self.stopped = self.engine.stopped();
        }
    }

    /// An error if nothing more can be taken.
    pub fn check(&mut self) -> Result<(), String> {
        self.stopped.clone().map_or(Ok(()), Err)
    }

    /// Samples taken.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Seals everything; the number of series that the directory holds.
    pub fn close(mut self) -> Result<u64, String> {
        self.commit();
        let Target { engine, shard, stopped, .. } = self;
        drop(shard);
        let closed = engine.close().map_err(|error| error.to_string());
        stopped.map_or(Ok(()), Err).and(closed)?;
        Ok(u64::from(engine.registry().len()))
    }
}
