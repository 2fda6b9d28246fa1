//! Lines recorded in a file, dealt out to connections so that each series stays on one of them and
//! keeps its order.

use std::sync::Arc;

use super::Workload;

/// Recorded lines by connection.
pub struct Replay {
    connections: Vec<Arc<[u8]>>,
    lines: u64,
}

impl Replay {
    /// Deals out the lines of a file; empty ones are left out.
    pub fn new(text: &[u8], connections: usize) -> Self {
        let mut parts = vec![Vec::new(); connections.max(1)];
        let mut lines = 0;
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let part = (series_hash(line) % parts.len() as u64) as usize;
            parts[part].extend_from_slice(line);
            parts[part].push(b'\n');
            lines += 1;
        }
        Replay { connections: parts.into_iter().map(Arc::from).collect(), lines }
    }

    /// Lines of all connections.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The lines of one connection.
    pub fn connection(&self, number: usize) -> ReplayLines {
        ReplayLines { bytes: Arc::clone(&self.connections[number]), at: 0 }
    }
}

/// Metric and tags, whatever their order; time and value do not count.
fn series_hash(line: &[u8]) -> u64 {
    let words = line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let names = words.enumerate().filter(|(at, _)| !matches!(at, 0 | 2 | 3));
    names.map(|(_, word)| super::digest::word_hash(word)).fold(0, u64::wrapping_add)
}

/// The recorded lines of one connection.
pub struct ReplayLines {
    bytes: Arc<[u8]>,
    at: usize,
}

impl Workload for ReplayLines {
    fn fill(&mut self, out: &mut Vec<u8>, lines_max: u64) -> u64 {
        let rest = &self.bytes[self.at..];
        let (mut length, mut lines) = (0, 0);
        while lines < lines_max && length < rest.len() {
            let end = rest[length..].iter().position(|byte| *byte == b'\n');
            length += end.map_or(rest.len() - length, |end| end + 1);
            lines += 1;
        }
        out.extend_from_slice(&rest[..length]);
        self.at += length;
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::collect;

    #[test]
    fn series_stay_together_and_in_order() {
        let lines: String = (0..100)
            .map(|n| match n % 2 {
                0 => format!("put m {n} 1 a=x{} b=y\n", n % 7),
                _ => format!("put m {n} 1 b=y  a=x{}\r\n", n % 7),
            })
            .collect();
        let replay = Replay::new(format!("{lines}\n\nput last 1 1").as_bytes(), 3);
        assert_eq!(replay.lines(), 101);
        let mut found = 0;
        for number in 0..3 {
            let (bytes, count) = collect(&mut replay.connection(number));
            let text = String::from_utf8(bytes).expect("ASCII");
            found += count;
            for series in 0..7 {
                let tag = format!("a=x{series}");
                let times: Vec<u64> = (text.lines())
                    .filter(|line| line.split_whitespace().any(|word| word == tag))
                    .filter_map(|line| line.split(' ').nth(2)?.parse().ok())
                    .collect();
                assert!(times.is_empty() || times.len() > 13, "{times:?}");
                assert!(times.is_sorted(), "{times:?}");
            }
        }
        assert_eq!(found, 101);
    }
}
