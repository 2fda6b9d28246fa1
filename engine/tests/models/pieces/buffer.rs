//! A write buffer: one thread appends, another reads. In a model a chunk has two rows.
//!
//! The thread that begins is the one that writes: loom looks for other schedules at what was written before
//! it was read, and forgets a read behind which the writer itself reads.

use std::sync::Arc;

use irontsd_engine::batch::Batch;
use irontsd_engine::buffer::{ChunkPool, WriteBuffer};
use irontsd_engine::types::{Kind, Value};

use super::thread;

const ROWS_MAX: u64 = 16;

fn numbers(from: u32, rows: u32) -> Batch {
    let mut batch = Batch::default();
    (from..from + rows).for_each(|row| batch.push(row, 1, Value::integer(row.into())));
    batch
}

/// Rows are numbered from 0; returns how many a reader sees now, all of which must be whole.
fn look(buffer: &WriteBuffer) -> usize {
    let len = buffer.len();
    let chunks: Vec<_> = buffer.chunks(len).collect();
    for row in 0..len {
        let chunk = chunks[row / irontsd_engine::limits::CHUNK_ROWS];
        assert_eq!(chunk.series(row) as usize, row);
        let found = chunk.row(row);
        assert_eq!((found.timestamp_ms(), found.value()), (1, Value::integer(row as i64)));
    }
    let commits = buffer.commits();
    let before = commits.iter().filter(|(first, _)| (*first as usize) < len).count();
    assert!(len == 0 || before > 0, "rows of no commit");
    len
}

/// Batches of so many rows; readers see some of them, each whole, and never less than before.
pub fn publish(batches: &[u32]) {
    let buffer = Arc::new(WriteBuffer::new(1, ROWS_MAX, Arc::default()));
    let ends: Vec<usize> =
        (0..=batches.len()).map(|count| batches[..count].iter().sum::<u32>() as usize).collect();
    let reader = {
        let (buffer, ends) = (buffer.clone(), ends.clone());
        thread::spawn(move || {
            let first = look(&buffer);
            let second = look(&buffer);
            assert!(ends.contains(&first) && ends.contains(&second) && first <= second);
        })
    };
    for (commit, &rows) in (0..).zip(batches) {
        buffer.append(&numbers(ends[commit as usize] as u32, rows), commit);
    }
    reader.join().expect("the reader ends");
    assert_eq!(Some(&look(&buffer)), ends.last());
}

/// Bytes that a published row names are there.
pub fn histograms() {
    let buffer = Arc::new(WriteBuffer::new(1, ROWS_MAX, Arc::default()));
    let bytes = |row: u8| vec![row; 9 + usize::from(row) * 4];
    let reader = {
        let buffer = buffer.clone();
        thread::spawn(move || {
            let len = buffer.len();
            for chunk in buffer.chunks(len) {
                for row in 0..len {
                    let found = chunk.row(row);
                    assert_eq!(found.kind(), Kind::HISTOGRAM);
                    let mut out = Vec::new();
                    buffer.histogram(found.value(), &mut out);
                    assert_eq!(out, bytes(row as u8));
                }
            }
        })
    };
    for row in 0..2 {
        let mut batch = Batch::default();
        batch.push_histogram(0, 1, &bytes(row));
        buffer.append(&batch, row.into());
    }
    reader.join().expect("the reader ends");
}

/// A buffer that a reader still has keeps its chunks; one that nobody has gives them to the next.
pub fn chunks_again() {
    let pool = Arc::new(ChunkPool::default());
    let old = Arc::new(WriteBuffer::new(1, ROWS_MAX, pool.clone()));
    old.append(&numbers(0, 2), 0);
    let reader = {
        let old = old.clone();
        thread::spawn(move || assert_eq!(look(&old), 2))
    };
    drop(old);
    let new = WriteBuffer::new(2, ROWS_MAX, pool);
    new.append(&numbers(0, 3), 0);
    assert_eq!(look(&new), 3);
    reader.join().expect("the reader ends");
}
