//! A column on its way into a block: its bytes, and the streams among them whose code is chosen
//! only when all runs of the block are known.

use super::huffman::{Candidate, Coder};
use super::stream::Dense;

/// A column that lacks nothing but the choice of codes.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Everything but the streams.
    pub bytes: Vec<u8>,
    /// Streams, and before which of the bytes each stands.
    pub(super) streams: Vec<(usize, Dense)>,
}

impl Column {
    /// A column of bytes alone.
    pub fn plain(bytes: Vec<u8>) -> Column {
        Column { bytes, streams: Vec::new() }
    }

    pub(super) fn push(&mut self, stream: Dense) {
        self.streams.push((self.bytes.len(), stream));
    }

    pub(super) fn append(&mut self, other: Column) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.streams.extend(other.streams.into_iter().map(|(at, stream)| (start + at, stream)));
    }

    /// About how many bits it will take.
    pub(super) fn estimate(&self) -> u64 {
        let streams: u64 = self.streams.iter().map(|(_, stream)| stream.estimate()).sum();
        8 * self.bytes.len() as u64 + streams
    }

    /// The streams that may be written in a code.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> {
        self.streams.iter().map(|(_, stream)| stream.candidate())
    }

    /// Appends the column; `codes` has the code of each of its candidates and its number.
    pub fn write<'a>(
        &self,
        codes: &mut impl Iterator<Item = Option<(u8, &'a Coder)>>,
        out: &mut Vec<u8>,
    ) {
        let mut from = 0;
        for (at, stream) in &self.streams {
            out.extend_from_slice(&self.bytes[from..*at]);
            stream.write(codes.next().flatten(), out);
            from = *at;
        }
        out.extend_from_slice(&self.bytes[from..]);
    }
}
