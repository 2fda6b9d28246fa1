//! Every bound of the engine in one place, with its unit and its reason.

/// Rows in one piece of a write buffer: pieces are recycled, so large enough to be rare; few where a model
/// goes through all of them.
pub const CHUNK_ROWS: usize =
    if cfg!(any(feature = "loom", feature = "shuttle")) { 2 } else { 1 << 16 };

/// Rows over all shards at which the write buffers are flushed, by default. Twenty bytes a
/// row: about 40 MB, and as much again while a flush is in progress.
pub const FLUSH_ROWS: u64 = 2 << 20;

/// How often logs are synced by default. Each round costs a journal commit of the file system.
pub const SYNC_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// Free bytes of the disk below which rows are refused by default: room for flushes, which free
/// more than they take.
pub const MIN_FREE_DISK_BYTES: u64 = 64 << 20;

/// Bytes a second that merges read and write, by default: what a slow disk can do, of which most of what is
/// read is in memory still. Agent lines at 17 million points a second need about two thirds of it.
pub const MERGE_BYTES_PER_SECOND: u64 = 128 << 20;

/// Bytes that a merge writes and does not sync, about: an eighth of a second's worth.
pub const MERGE_UNSYNCED_BYTES_MAX: u64 = 16 << 20;

/// Bytes of a part of names, about, by default.
pub const NAMES_PART_BYTES_MAX: u64 = 512 << 20;

/// Samples of one run at the most: a reader decodes a run as a whole.
pub const RUN_ROWS_MAX: usize = 8192;

/// A block is closed at this many samples or runs, whichever comes first.
pub const BLOCK_ROWS: usize = 16 * 1024;
/// The same for a block that a merge writes: its runs share codes, so more of them pay for a code.
pub const BLOCK_ROWS_MERGED: usize = 64 * 1024;
/// See [`BLOCK_ROWS`].
pub const BLOCK_RUNS: usize = 4096;

/// A block is closed at this many bytes of values; only histograms come near it.
pub const BLOCK_BYTES: usize = 1 << 20;

/// Ids whose names stand in one group of a segment, sharing their texts and a checksum.
pub const NAME_GROUP: usize = 64 << 10;

/// Names in memory, and bytes of them, from which they are sealed into a part after a flush.
pub const UNSEALED_NAMES: u32 = 256 << 10;
/// See [`UNSEALED_NAMES`].
pub const UNSEALED_BYTES: u64 = 32 << 20;

/// Ids in a row whose names damage may have taken, each of which costs memory. A names log that goes on
/// further ahead is not one that was ever written.
pub const LOST_IDS_MAX: u32 = 64 << 20;

/// Longest canonical series name in bytes; the protocols refuse longer ones by name.
pub const NAME_BYTES_MAX: usize = 64 << 10;

/// Longest histogram in bytes, as the engine writes it: about seven thousand buckets.
pub const HISTOGRAM_BYTES_MAX: usize = 64 << 10;

/// Histogram bytes that weigh as much as a row where rows decide: about what a row takes.
pub const ROW_BYTES: usize = 32;

/// A run of histograms is closed at this many bytes, and a reader takes no more at a time.
pub const RUN_BYTES_MAX: usize = 1 << 20;

/// Longest payload of one log record in bytes. A batch is cut well below it.
pub const RECORD_BYTES_MAX: usize = 64 << 20;

/// Weight of one commit at the most, so that a record stays below [`RECORD_BYTES_MAX`]: rows, and
/// histogram bytes as [`ROW_BYTES`] each.
pub const BATCH_ROWS_MAX: usize = 2 << 20;

/// Weight that a shard's owner may commit between two looks at [`crate::shard::Shard::is_full`]:
/// one request, however it is packed.
pub const OVERSHOOT_ROWS_MAX: u64 = 16 << 20;

/// Commits in one epoch at the most: their number is kept in 32 bits beside each row.
pub const EPOCH_COMMITS_MAX: u32 = 1 << 31;

/// Shards (event loops) at the most; a shard number is part of a log's file name.
pub const SHARDS_MAX: usize = 256;

const _: () = assert!(BATCH_ROWS_MAX * ROW_BYTES <= RECORD_BYTES_MAX && ROW_BYTES > 20);
const _: () = assert!(RUN_ROWS_MAX <= BLOCK_ROWS);
