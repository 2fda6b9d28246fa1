//! Agent lines with other names: times and values are as they were.

use irontsd::workload::Workload;

use crate::common::Outcome;

/// Lines that are made at a time.
const PIECE_LINES: u64 = 4096;
/// A value, about.
const VALUE_BYTES: usize = 6;
/// Metrics of a host.
const METRICS: u64 = 30;

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As agents send it, with two tags.
    Agent,
    /// With so many tags.
    Tags(u64),
    /// With two tags, and about so many bytes with its end.
    Bytes(u64),
}

/// Lines of one connection.
pub struct Lines {
    agent: Box<dyn Workload + Send>,
    names: Names,
    /// What stands behind all other tags.
    further_tags: String,
    series: std::ops::Range<u64>,
    series_next: u64,
    piece: Vec<u8>,
}

impl Lines {
    /// Lines made of agent lines of these series, which come in turn.
    pub fn new(
        agent: Box<dyn Workload + Send>,
        names: Names,
        series: std::ops::Range<u64>,
    ) -> Self {
        let tags = if let Names::Tags(tags) = names { tags } else { 0 };
        let further_tags = (3..=tags).map(|tag| format!(" tag{tag:02}=abcde")).collect();
        let series_next = series.start;
        Lines { agent, names, further_tags, series, series_next, piece: Vec::new() }
    }

    /// The next lines; fewer if that is all.
    pub fn take(&mut self, mut count: u64) -> Outcome<Vec<u8>> {
        let mut out = Vec::new();
        while count > 0 {
            self.piece.clear();
            let lines = self.agent.fill(&mut self.piece, count.min(PIECE_LINES));
            if lines == 0 {
                break;
            }
            count -= lines;
            let piece = std::mem::take(&mut self.piece);
            self.push(&piece, &mut out)?;
            self.piece = piece;
        }
        Ok(out)
    }

    fn push(&mut self, lines: &[u8], out: &mut Vec<u8>) -> Outcome<()> {
        if self.names == Names::Agent || self.names == Names::Tags(2) {
            out.extend_from_slice(lines);
            return Ok(());
        }
        for line in std::str::from_utf8(lines)?.lines() {
            match self.names {
                Names::Tags(1) => push_joined(line, out),
                Names::Bytes(bytes) => push_long(line, self.series_next, bytes as usize, out),
                Names::Tags(_) | Names::Agent => {
                    out.extend_from_slice(line.as_bytes());
                    out.extend_from_slice(self.further_tags.as_bytes());
                    Some(())
                }
            }
            .ok_or_else(|| format!("not an agent line: {line}"))?;
            out.push(b'\n');
            self.series_next += 1;
            if self.series_next == self.series.end {
                self.series_next = self.series.start;
            }
        }
        Ok(())
    }
}

/// `... host=web0001 cpu=3` with one tag: `... host=web0001.cpu.3`.
fn push_joined(line: &str, out: &mut Vec<u8>) -> Option<()> {
    let (head, tag) = line.rsplit_once(' ')?;
    let (key, value) = tag.split_once('=')?;
    for part in [head, ".", key, ".", value] {
        out.extend_from_slice(part.as_bytes());
    }
    Some(())
}

/// Time and value with short names, the last of which fills the line. It must not depend on the value,
/// or each would make a series.
fn push_long(line: &str, series: u64, bytes: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut words = line.splitn(5, ' ');
    let (time, value) = (words.nth(2)?, words.next()?);
    let (host, metric) = (series / METRICS, series % METRICS);
    let short = format!("put m{metric} {time} {value} h={host} p=x");
    let written = short.len() - value.len() + VALUE_BYTES + "\n".len();
    out.extend_from_slice(short.as_bytes());
    out.resize(out.len() + bytes.saturating_sub(written), b'x');
    Some(())
}
