//! What the node accepts: limits and relaxations, chosen at start.
//! The rules are OpenTSDB 2.5's; each field names one place where the operator may move them.

use crate::histogram::codecs::Codecs;
use crate::http::cors::Origins;
use std::time::Duration;

/// See the module.
#[derive(Debug, Clone)]
pub struct Policy {
    /// OpenTSDB's rules without the relaxations.
    pub strict: bool,
    /// Which names may come into being by being used.
    pub creates: Creates,
    /// Most tags of a point.
    pub tags_max: usize,
    /// Longest telnet line in bytes, line end excluded.
    pub line_bytes_max: usize,
    /// Largest HTTP body in bytes, as sent and decompressed.
    pub body_bytes_max: usize,
    /// Whose pages may read answers.
    pub origins: Origins,
    /// Error lines on telnet.
    pub telnet_errors: bool,
    /// How long an export's reader may take no byte before it is cut.
    pub export_stall: Duration,
    /// How long a request that has begun may bring less than 64 KiB without being whole.
    pub request_timeout: Duration,
    /// Most connections at a time: further ones wait until some have ended.
    pub connections_max: usize,
    /// How long a loop remembers, at least, how a series was spelled; at most twice as long.
    pub forget_after: Duration,
    /// Whether every acknowledgement waits for a sync.
    pub sync_each: bool,
    /// How bytes of histograms are read.
    pub histogram_codecs: Codecs,
}

/// Which names may come into being by being used in a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creates {
    /// Metrics.
    pub metrics: bool,
    /// Tag keys.
    pub tagks: bool,
    /// Tag values.
    pub tagvs: bool,
}

impl Creates {
    /// Whether no name is ever refused for being new.
    pub fn all(self) -> bool {
        self.metrics && self.tagks && self.tagvs
    }
}

impl Default for Creates {
    fn default() -> Self {
        Creates { metrics: true, tagks: true, tagvs: true }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            strict: false,
            creates: Creates::default(),
            tags_max: 40,
            line_bytes_max: 64 << 10,
            body_bytes_max: 32 << 20,
            origins: Origins::default(),
            telnet_errors: true,
            export_stall: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            connections_max: usize::MAX,
            forget_after: Duration::from_secs(3600),
            sync_each: false,
            histogram_codecs: Codecs::default(),
        }
    }
}
