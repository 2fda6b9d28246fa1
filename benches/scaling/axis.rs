//! What is varied, and the places at which it is measured.

use clap::ValueEnum;

use super::lines::Names;

const SERIES: u64 = 40_000;
const CONNECTIONS: u64 = 4;
const WRITE_BYTES: usize = 256 << 10;
/// Senders that are many send little at a time.
const CONNECTIONS_WRITE_BYTES: usize = 16 << 10;

/// What is varied while all else stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Axis {
    /// Number of series.
    Series,
    /// Tags of a line.
    Tags,
    /// Bytes of a line.
    Length,
    /// Connections that send.
    Connections,
    /// Bytes of a write.
    Batch,
}

/// A place on an axis.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where it is.
    pub at: f64,
    /// The same as people write it.
    pub label: String,
    /// Number of series.
    pub series: u64,
    /// What lines look like.
    pub names: Names,
    /// Connections that send.
    pub connections: u64,
    /// Bytes of a write, at most.
    pub write_bytes: usize,
}

impl Axis {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Axis> {
        Axis::value_variants().iter().copied()
    }

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Axis::Series => "Number of series",
            Axis::Tags => "Tags of a line",
            Axis::Length => "Length of a line",
            Axis::Connections => "Connections (writes of 16 KiB)",
            Axis::Batch => "Bytes of a write",
        }
    }

    /// What is counted along it.
    pub fn unit(self) -> &'static str {
        match self {
            Axis::Series => "series",
            Axis::Tags => "tags",
            Axis::Length => "bytes, about",
            Axis::Connections => "connections",
            Axis::Batch => "bytes of a write",
        }
    }

    /// Where it is measured; `series` is for the axis of series.
    pub fn places(self, series: &[u64]) -> Vec<Place> {
        match self {
            Axis::Series => {
                let place = |&series| Place { series, ..Place::new(series) };
                series.iter().map(place).collect()
            }
            Axis::Tags => {
                let place = |tags| Place { names: Names::Tags(tags), ..Place::new(tags) };
                [1, 2, 5, 10, 20].map(place).to_vec()
            }
            Axis::Length => {
                let place = |bytes| Place { names: Names::Bytes(bytes), ..Place::new(bytes) };
                [40, 60, 100, 200, 400].map(place).to_vec()
            }
            Axis::Connections => {
                let write_bytes = CONNECTIONS_WRITE_BYTES;
                let place =
                    |connections| Place { connections, write_bytes, ..Place::new(connections) };
                [1, 4, 16, 100, 1000].map(place).to_vec()
            }
            Axis::Batch => {
                let place = |bytes: u64| Place { write_bytes: bytes as usize, ..Place::new(bytes) };
                [100, 1 << 10, 16 << 10, 256 << 10].map(place).to_vec()
            }
        }
    }
}

impl Place {
    fn new(at: u64) -> Self {
        Place {
            at: at as f64,
            label: short(at),
            series: SERIES,
            names: Names::Agent,
            connections: CONNECTIONS,
            write_bytes: WRITE_BYTES,
        }
    }
}

/// Thousands and millions as such, powers of two as theirs.
fn short(number: u64) -> String {
    let units = [(1_000_000, " M"), (1000, " k"), (1 << 10, " Ki"), (1, "")];
    let fits = units.into_iter().find(|(unit, _)| number.is_multiple_of(*unit));
    fits.map_or_else(String::new, |(unit, text)| format!("{}{text}", number / unit))
}
