//! What is wrong, where, and what it touches.

use crate::screen::text;
use irontsd_engine::error::Error;
use irontsd_engine::segment::Segment;
use irontsd_engine::types::SeriesId;
use std::path::{Path, PathBuf};

/// Series named with a fault at the most; their number is told besides.
const NAMED_MAX: usize = 10;

/// Which promise of the format is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The manifest cannot be read, or says what cannot be.
    Manifest,
    /// A file that the manifest names is not there.
    Missing,
    /// A file's first 64 bytes.
    Header,
    /// A segment's or part's last bytes.
    Footer,
    /// A segment's list of blocks and names.
    Index,
    /// A block's bytes are not those that were written.
    Block,
    /// A block's checksum holds, but a run of it cannot be read.
    Run,
    /// Series or timestamps do not ascend.
    Order,
    /// A timestamp or series lies outside of what was promised for it.
    Range,
    /// There are more or fewer of something than was promised.
    Count,
    /// Names are damaged, lost, or differ between two files.
    Names,
    /// A record of an append-only file.
    Record,
    /// The end of an append-only file: a write that was never finished, or damage.
    Torn,
    /// Bytes that should be zero.
    Padding,
    /// A delete's list of series.
    Delete,
    /// A file of a format that this build does not know.
    Version,
    /// The system does not let it be read.
    Unreadable,
}

impl Kind {
    /// As scripts know it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Manifest => "manifest",
            Kind::Missing => "missing",
            Kind::Header => "header",
            Kind::Footer => "footer",
            Kind::Index => "index",
            Kind::Block => "block",
            Kind::Run => "run",
            Kind::Order => "order",
            Kind::Range => "range",
            Kind::Count => "count",
            Kind::Names => "names",
            Kind::Record => "record",
            Kind::Torn => "torn",
            Kind::Padding => "padding",
            Kind::Delete => "delete",
            Kind::Version => "version",
            Kind::Unreadable => "unreadable",
        }
    }
}

/// What a fault touches, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// Some of the series.
    pub series: Vec<String>,
    /// How many series there are.
    pub series_count: Option<u64>,
    /// Samples.
    pub samples: Option<u64>,
    /// First and last timestamp.
    pub times: Option<(i64, i64)>,
}

impl Affected {
    /// A range of time of whatever series.
    pub fn times(times: (i64, i64)) -> Affected {
        Affected { times: Some(times), ..Affected::default() }
    }

    /// The series of a segment from one id to another.
    pub fn series(segment: &Segment, (first, last): (SeriesId, SeriesId)) -> Affected {
        let (mut series, mut count) = (Vec::new(), 0);
        for group in segment.name_groups() {
            let within = |id: SeriesId, name: &[u8]| {
                if (first..=last).contains(&id) {
                    count += 1;
                    if series.len() < NAMED_MAX {
                        series.push(text::series(name));
                    }
                }
            };
            // A damaged group is a fault of its own.
            let _damaged = segment.each_name_of(group, within);
        }
        Affected { series, series_count: Some(count), ..Affected::default() }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, below what is verified.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// Which promise is broken.
    pub kind: Kind,
    /// One sentence.
    pub what: String,
    /// What it touches.
    pub affected: Affected,
}

/// Faults of one file being gathered.
#[derive(Debug)]
pub struct Faults {
    path: PathBuf,
    file: String,
    /// What was found.
    pub found: Vec<Fault>,
}

impl Faults {
    /// None yet. `root` is what is verified.
    pub fn new(root: &Path, path: &Path) -> Faults {
        let below = path.strip_prefix(root).ok().filter(|below| !below.as_os_str().is_empty());
        let file = below.unwrap_or(path).display().to_string();
        Faults { path: path.to_owned(), file, found: Vec::new() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Notes a fault of which nothing more is known.
    pub fn note(&mut self, offset: u64, kind: Kind, what: impl Into<String>) {
        self.add(offset, kind, what, Affected::default());
    }

    /// Notes a fault.
    pub fn add(&mut self, offset: u64, kind: Kind, what: impl Into<String>, affected: Affected) {
        let file = self.file.clone();
        self.found.push(Fault { file, offset, kind, what: what.into(), affected });
    }

    /// Notes what the engine says.
    pub fn error(&mut self, kind: Kind, error: &Error, affected: Affected) {
        match error {
            Error::Damaged { offset, what, .. } => self.add(*offset, kind, what, affected),
            Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                self.add(0, Kind::Missing, "it is not there", affected);
            }
            Error::Version { .. } => self.add(0, Kind::Version, error.to_string(), affected),
            _ => self.add(0, Kind::Unreadable, error.to_string(), affected),
        }
    }
}
