//! The write buffer of one shard in one epoch: rows that are in the log and not yet in a segment.
//!
//! One thread appends, any number read, nobody locks. Rows below the published length never
//! change; the writer stores a row's columns first and publishes the new length last (release),
//! a reader loads the length first (acquire) and looks at nothing behind it. Columns are relaxed
//! atomics: plain moves on this hardware, and no `unsafe`.

use crate::arena::{self, Arena};
use crate::batch::Batch;
use crate::limits::{CHUNK_ROWS, ROW_BYTES};
use crate::types::{Kind, SeriesId, Value};
use crossbeam::utils::CachePadded;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering::*};
use std::sync::{Arc, OnceLock};

/// A fixed piece of a buffer: [`CHUNK_ROWS`] rows as columns.
#[derive(Debug)]
struct Chunk {
    series: Box<[AtomicU32]>,
    commits: Box<[AtomicU32]>,
    timestamps: Box<[AtomicI64]>,
    bits: Box<[AtomicU64]>,
    kinds: Box<[AtomicU8]>,
}

fn column<T: Default>() -> Box<[T]> {
    (0..CHUNK_ROWS).map(|_| T::default()).collect()
}

impl Chunk {
    fn new() -> Chunk {
        Chunk {
            series: column(),
            commits: column(),
            timestamps: column(),
            bits: column(),
            kinds: column(),
        }
    }

    fn store(&self, at: usize, batch: &Batch, from: usize, rows: usize, commit: u32) {
        let (at, from) = (at..at + rows, from..from + rows);
        for (slot, &series) in self.series[at.clone()].iter().zip(&batch.series[from.clone()]) {
            slot.store(series, Relaxed);
        }
        for slot in &self.commits[at.clone()] {
            slot.store(commit, Relaxed);
        }
        let timestamps = &batch.timestamps[from.clone()];
        for (slot, &timestamp) in self.timestamps[at.clone()].iter().zip(timestamps) {
            slot.store(timestamp, Relaxed);
        }
        for (slot, &bits) in self.bits[at.clone()].iter().zip(&batch.bits[from.clone()]) {
            slot.store(bits, Relaxed);
        }
        for (slot, kind) in self.kinds[at].iter().zip(&batch.kinds[from]) {
            slot.store(kind.0, Relaxed);
        }
    }

    /// Turns places in the batch into places in the buffer.
    fn move_places(&self, at: usize, rows: usize, by: usize) {
        for at in at..at + rows {
            if self.kinds[at].load(Relaxed) == Kind::HISTOGRAM.0 {
                let place = self.bits[at].load(Relaxed);
                self.bits[at].store(place + arena::place(by, 0), Relaxed);
            }
        }
    }
}

/// Chunks waiting to be used again: their pages are already there.
#[derive(Debug, Default)]
pub struct ChunkPool {
    free: Mutex<Vec<Chunk>>,
}

impl ChunkPool {
    fn take(&self) -> Chunk {
        self.free.lock().pop().unwrap_or_else(Chunk::new)
    }
}

/// See the module.
#[derive(Debug)]
pub struct WriteBuffer {
    epoch: u32,
    pool: Arc<ChunkPool>,
    chunks: Box<[OnceLock<Chunk>]>,
    histograms: Arena,
    published: CachePadded<AtomicU64>,
}

impl WriteBuffer {
    /// An empty buffer for at most `rows_max` rows; memory is taken as they come.
    pub fn new(epoch: u32, rows_max: u64, pool: Arc<ChunkPool>) -> WriteBuffer {
        let chunks = (rows_max as usize).div_ceil(CHUNK_ROWS);
        WriteBuffer {
            epoch,
            pool,
            chunks: (0..chunks).map(|_| OnceLock::new()).collect(),
            histograms: Arena::new(rows_max as usize * ROW_BYTES),
            published: CachePadded::new(AtomicU64::new(0)),
        }
    }

    /// The epoch all rows belong to.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether a batch still fits.
    pub fn has_room(&self, batch: &Batch) -> bool {
        let rows = self.chunks.len() * CHUNK_ROWS - self.len();
        batch.len() <= rows && batch.bytes.len() <= self.histograms.room()
    }

    /// Appends and publishes a batch that fits. Only the shard's own thread calls this.
    pub fn append(&self, batch: &Batch, commit: u32) {
        assert!(self.has_room(batch), "the shard checks the room before it commits");
        let histograms = self.histograms.append(&batch.bytes);
        let mut at = self.published.load(Relaxed) as usize;
        let mut done = 0;
        while done < batch.len() {
            let chunk = self.chunks[at / CHUNK_ROWS].get_or_init(|| self.pool.take());
            let rows = (batch.len() - done).min(CHUNK_ROWS - at % CHUNK_ROWS);
            chunk.store(at % CHUNK_ROWS, batch, done, rows, commit);
            if !batch.bytes.is_empty() {
                chunk.move_places(at % CHUNK_ROWS, rows, histograms);
            }
            at += rows;
            done += rows;
        }
        self.published.store(at as u64, Release);
    }

    /// Rows published so far.
    pub fn len(&self) -> usize {
        self.published.load(Acquire) as usize
    }

    /// Whether nothing was published.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `sink` with row number and series of the first `rows` rows, which are published.
    pub fn each_series(&self, rows: usize, mut sink: impl FnMut(usize, SeriesId)) {
        for start in (0..rows).step_by(CHUNK_ROWS) {
            let chunk = self.chunk(start);
            for (at, slot) in chunk.series[..CHUNK_ROWS.min(rows - start)].iter().enumerate() {
                sink(start + at, slot.load(Relaxed));
            }
        }
    }

    /// Timestamp, commit within the epoch, and value of a published row.
    #[inline]
    pub fn row(&self, row: usize) -> (i64, u32, Value) {
        let (chunk, at) = (self.chunk(row), row % CHUNK_ROWS);
        let kind = Kind(chunk.kinds[at].load(Relaxed));
        let value = Value { kind, bits: chunk.bits[at].load(Relaxed) };
        (chunk.timestamps[at].load(Relaxed), chunk.commits[at].load(Relaxed), value)
    }

    /// Appends the bytes of a histogram that [`WriteBuffer::row`] gave.
    pub fn histogram(&self, value: Value, out: &mut Vec<u8>) {
        let (offset, bytes) = arena::offset_and_bytes(value.bits);
        self.histograms.read(offset, bytes, out);
    }

    #[inline]
    fn chunk(&self, row: usize) -> &Chunk {
        match self.chunks[row / CHUNK_ROWS].get() {
            Some(chunk) => chunk,
            None => unreachable!("row {row} was never published"),
        }
    }
}

impl Drop for WriteBuffer {
    fn drop(&mut self) {
        let chunks = self.chunks.iter_mut().filter_map(OnceLock::take);
        self.pool.free.lock().extend(chunks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(rows: std::ops::Range<u64>) -> Batch {
        let mut batch = Batch::default();
        for row in rows {
            batch.push(row as u32, row as i64, Value::integer(row as i64));
        }
        batch
    }

    #[test]
    fn rows_come_back_across_chunks() {
        let rows = CHUNK_ROWS as u64 * 2 + 17;
        let buffer = WriteBuffer::new(1, rows, Arc::default());
        buffer.append(&batch(0..rows - 5), 1);
        buffer.append(&batch(rows - 5..rows), 2);
        assert_eq!(buffer.len() as u64, rows);
        for row in [0, 1, CHUNK_ROWS - 1, CHUNK_ROWS, rows as usize - 6, rows as usize - 1] {
            let commit = if row as u64 >= rows - 5 { 2 } else { 1 };
            assert_eq!(buffer.row(row), (row as i64, commit, Value::integer(row as i64)));
        }
        let mut seen = 0;
        buffer.each_series(rows as usize, |row, series| {
            assert_eq!(row, series as usize);
            seen += 1;
        });
        assert_eq!(seen, rows);
    }

    #[test]
    fn a_reader_sees_whole_batches_only() {
        let buffer = WriteBuffer::new(1, 1 << 18, Arc::default());
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for commit in 0..1000u32 {
                    let mut batch = Batch::default();
                    (0..100).for_each(|_| batch.push(commit, 5, Value::integer(1)));
                    buffer.append(&batch, commit);
                }
            });
            let mut seen = 0;
            while seen < 100_000 {
                let rows = buffer.len();
                assert!(rows >= seen && rows.is_multiple_of(100));
                if rows > 0 {
                    assert_eq!(buffer.row(rows - 1).1 as usize, rows / 100 - 1);
                }
                seen = rows;
            }
            writer.join().expect("the writer ends");
        });
    }
}
