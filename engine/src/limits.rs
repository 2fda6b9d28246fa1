//! Every bound of the engine in one place, with its unit and its reason.

/// Rows in one piece of a write buffer: pieces are recycled, so large enough to be rare.
pub const CHUNK_ROWS: usize = 1 << 16;

/// Rows over all shards at which the write buffers are flushed, by default. Twenty-five bytes a
/// row: about 50 MB, and as much again while a flush is in progress.
pub const FLUSH_ROWS: u64 = 2 << 20;

/// How often logs are synced by default. Each round costs a journal commit of the file system.
pub const SYNC_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// Samples of one run at the most: a reader decodes a run as a whole.
pub const RUN_ROWS_MAX: usize = 8192;

/// A block is closed at this many samples or runs, whichever comes first.
pub const BLOCK_ROWS: usize = 16 * 1024;
/// See [`BLOCK_ROWS`].
pub const BLOCK_RUNS: usize = 4096;

/// Names in one compressed group of a segment.
pub const NAME_GROUP: usize = 1024;

/// Longest canonical series name in bytes; the protocols refuse longer ones by name.
pub const NAME_BYTES_MAX: usize = 64 << 10;

/// Longest payload of one log record in bytes. A batch is cut well below it.
pub const RECORD_BYTES_MAX: usize = 64 << 20;

/// Rows in one commit at the most, so that a record stays far below [`RECORD_BYTES_MAX`].
pub const BATCH_ROWS_MAX: usize = 2 << 20;

/// Commits in one epoch at the most: their number is kept in 32 bits beside each row.
pub const EPOCH_COMMITS_MAX: u32 = 1 << 31;

/// Shards (event loops) at the most; a shard number is part of a log's file name.
pub const SHARDS_MAX: usize = 256;

const _: () = assert!(BATCH_ROWS_MAX * 25 <= RECORD_BYTES_MAX);
const _: () = assert!(RUN_ROWS_MAX <= BLOCK_ROWS);
