//! The write buffer of one shard in one epoch: rows that are in the log and not yet in a segment.
//!
//! One thread appends, any number read, nobody locks. Rows below the published length never
//! change; the writer stores a row's words first and publishes the new length last (release), a
//! reader loads the length first (acquire) and looks at nothing behind it. Words are relaxed
//! atomics: plain moves on this hardware, and no `unsafe`.
//!
//! Series lie apart, because sorting needs them alone; timestamp, kind and value of a row lie side
//! by side, because gathering a series touches its rows one by one, each in another page.

use crate::arena::{self, Arena};
use crate::batch::{Batch, Row};
use crate::limits::{CHUNK_ROWS, ROW_BYTES};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::*};
use crate::types::{Kind, SeriesId, Value};
use crossbeam::utils::CachePadded;
use std::sync::{Arc, OnceLock};

/// A row as it lies in a chunk.
#[derive(Debug, Default)]
struct Words {
    when: AtomicI64,
    bits: AtomicU64,
}

/// A fixed piece of a buffer: [`CHUNK_ROWS`] rows.
#[derive(Debug)]
pub struct Chunk {
    series: Box<[AtomicU32; CHUNK_ROWS]>,
    rows: Box<[Words; CHUNK_ROWS]>,
}

fn zeroed<T: Default>() -> Box<[T; CHUNK_ROWS]> {
    let all: Box<[T]> = (0..CHUNK_ROWS).map(|_| T::default()).collect();
    match all.try_into() {
        Ok(all) => all,
        Err(_) => unreachable!("so many were made"),
    }
}

impl Chunk {
    fn new() -> Chunk {
        Chunk { series: zeroed(), rows: zeroed() }
    }

    fn store(&self, at: usize, batch: &Batch, from: usize, rows: usize) {
        let (at, from) = (at..at + rows, from..from + rows);
        for (slot, &series) in self.series[at.clone()].iter().zip(&batch.series[from.clone()]) {
            slot.store(series, Relaxed);
        }
        for (slot, row) in self.rows[at].iter().zip(&batch.rows[from]) {
            slot.when.store(row.when, Relaxed);
            slot.bits.store(row.bits, Relaxed);
        }
    }

    /// Turns places in the batch into places in the buffer.
    fn move_places(&self, at: usize, rows: usize, by: usize) {
        for at in at..at + rows {
            let row = self.row(at);
            if row.kind() == Kind::HISTOGRAM {
                self.rows[at].bits.store(row.bits + arena::place(by, 0), Relaxed);
            }
        }
    }

    /// The series of the row at a place, which is taken modulo [`CHUNK_ROWS`].
    #[inline(always)]
    pub fn series(&self, at: usize) -> SeriesId {
        self.series[at % CHUNK_ROWS].load(Relaxed)
    }

    /// The row at a place, which is taken modulo [`CHUNK_ROWS`].
    #[inline(always)]
    pub fn row(&self, at: usize) -> Row {
        let words = &self.rows[at % CHUNK_ROWS];
        Row { when: words.when.load(Relaxed), bits: words.bits.load(Relaxed) }
    }
}

/// Chunks waiting to be used again: their pages are already there.
#[derive(Debug, Default)]
pub struct ChunkPool {
    free: Mutex<Vec<Arc<Chunk>>>,
}

impl ChunkPool {
    fn take(&self) -> Arc<Chunk> {
        self.free.lock().pop().unwrap_or_else(|| Arc::new(Chunk::new()))
    }
}

/// See the module.
#[derive(Debug)]
pub struct WriteBuffer {
    epoch: u32,
    pool: Arc<ChunkPool>,
    /// Only who has the buffer has its chunks: they are used again when it is dropped.
    chunks: Box<[OnceLock<Arc<Chunk>>]>,
    histograms: Arena,
    /// First row and number within the epoch of each commit, ascending. Locked for a moment at each
    /// commit, and by who must know which of two rows of one timestamp is the later.
    commits: Mutex<Vec<(u32, u32)>>,
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
            commits: Mutex::default(),
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
        self.commits.lock().push((at as u32, commit));
        let mut done = 0;
        while done < batch.len() {
            let chunk = self.chunks[at / CHUNK_ROWS].get_or_init(|| self.pool.take());
            let rows = (batch.len() - done).min(CHUNK_ROWS - at % CHUNK_ROWS);
            chunk.store(at % CHUNK_ROWS, batch, done, rows);
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

    /// Calls `sink` with the series of each of the first `rows` rows, which are published.
    #[inline(always)]
    pub fn each_series(&self, rows: usize, mut sink: impl FnMut(usize, SeriesId)) {
        for (chunk, start) in self.chunks(rows).zip((0..).step_by(CHUNK_ROWS)) {
            for (at, slot) in chunk.series[..CHUNK_ROWS.min(rows - start)].iter().enumerate() {
                sink(start + at, slot.load(Relaxed));
            }
        }
    }

    /// The chunks of the first `rows` rows, which are published. To be let go before the buffer.
    pub fn chunks(&self, rows: usize) -> impl Iterator<Item = &Arc<Chunk>> {
        let chunks = self.chunks[..rows.div_ceil(CHUNK_ROWS)].iter();
        chunks.map(|chunk| match chunk.get() {
            Some(chunk) => chunk,
            None => unreachable!("its rows are published"),
        })
    }

    /// First row and number within the epoch of each commit, ascending; of those of published rows
    /// at least.
    pub fn commits(&self) -> Vec<(u32, u32)> {
        self.commits.lock().clone()
    }

    /// Published rows of the commits whose number within the epoch is below this one.
    pub fn rows_below(&self, commit: u32) -> usize {
        let rows = self.len();
        let commits = self.commits.lock();
        let later = commits.partition_point(|&(_, number)| number < commit);
        commits.get(later).map_or(rows, |&(first, _)| rows.min(first as usize))
    }

    /// Whether there may be histograms among the published rows.
    pub fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    /// Appends the bytes of a histogram that a row tells the place of.
    pub fn histogram(&self, value: Value, out: &mut Vec<u8>) {
        let (offset, bytes) = arena::offset_and_bytes(value.bits);
        self.histograms.read(offset, bytes, out);
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
        let chunks: Vec<_> = buffer.chunks(rows as usize).collect();
        for row in [0, 1, CHUNK_ROWS - 1, CHUNK_ROWS, rows as usize - 6, rows as usize - 1] {
            let expected = Row::new(row as i64, Value::integer(row as i64));
            assert_eq!(chunks[row / CHUNK_ROWS].row(row), expected);
        }
        assert_eq!(buffer.commits(), [(0, 1), (rows as u32 - 5, 2)]);
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
                    let value = Value::integer(commit.into());
                    (0..100).for_each(|_| batch.push(commit, 5, value));
                    buffer.append(&batch, commit);
                }
            });
            let mut seen = 0;
            while seen < 100_000 {
                let rows = buffer.len();
                assert!(rows >= seen && rows.is_multiple_of(100));
                if let Some(chunk) = buffer.chunks(rows).last() {
                    assert_eq!(chunk.row(rows - 1).bits as usize, rows / 100 - 1);
                }
                seen = rows;
            }
            writer.join().expect("the writer ends");
        });
    }
}
