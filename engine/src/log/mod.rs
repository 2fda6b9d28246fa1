//! The log: what was accepted and is not yet in a segment.
//!
//! One file per shard and epoch, `log/EPOCH-SHARD.log`, appended to before anything becomes visible
//! and removed once a synced segment named by the manifest holds its rows. A record is one commit:
//! it is there whole or not at all.

pub mod append;
pub mod record;
pub mod replay;
pub mod rows;
pub mod tagged;

/// File name of the log of a shard in an epoch.
pub fn file_name(epoch: u32, shard: usize) -> String {
    format!("{epoch:010}-{shard:03}.log")
}

/// Epoch and shard of a log's file name.
pub fn parse_file_name(name: &str) -> Option<(u32, usize)> {
    let (epoch, shard) = name.strip_suffix(".log")?.split_once('-')?;
    let parsed = (epoch.parse().ok()?, shard.parse().ok()?);
    (file_name(parsed.0, parsed.1) == name).then_some(parsed)
}
