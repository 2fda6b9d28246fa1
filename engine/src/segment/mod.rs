//! Segments: sealed files of samples, sorted by series, then time.
//!
//! A segment is written to a temporary name, synced, renamed and then named by the manifest; from
//! then on it never changes. It explains its own series, so it can be read without anything else.
//! `format` and `block` know the bytes (pure), `writer` builds and seals, `reader` maps and verifies.

pub mod block;
pub mod format;
pub mod reader;
pub mod writer;

pub use reader::Segment;
pub use writer::SegmentWriter;

/// File name of the segment flushed from an epoch.
pub fn file_name(epoch: u32) -> String {
    format!("{epoch:010}.seg")
}

/// File name of the segment with this number among those that merges made.
pub fn merged_file_name(number: u64) -> String {
    format!("merged-{number:010}.seg")
}

/// Whether a file in the segment directory is ours.
pub fn is_file_name(name: &str) -> bool {
    let number = name.strip_prefix("merged-").and_then(|rest| rest.strip_suffix(".seg"));
    let merged = number.and_then(|number| number.parse().ok());
    parse_file_name(name).is_some() || merged.is_some_and(|number| merged_file_name(number) == name)
}

/// Epoch of a segment's file name.
pub fn parse_file_name(name: &str) -> Option<u32> {
    let epoch = name.strip_suffix(".seg")?.parse().ok()?;
    (file_name(epoch) == name).then_some(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        for (name, is_ours, epoch) in [
            ("0000000007.seg", true, Some(7)),
            ("merged-0000000007.seg", true, None),
            ("7.seg", false, None),
            ("merged-7.seg", false, None),
            ("merged-.seg", false, None),
            ("0000000007.seg.tmp", false, None),
        ] {
            assert_eq!((is_file_name(name), parse_file_name(name)), (is_ours, epoch), "{name}");
        }
    }
}
