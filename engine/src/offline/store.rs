//! What was found at a path, open for reading as a node would serve it.

use crate::buffer::WriteBuffer;
use crate::deletes::Delete;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::index::{Group, Index};
use crate::manifest::{Manifest, SegmentEntry};
use crate::offline::directory;
use crate::recover::Recovery;
use crate::scan::{Aside, Snapshot};
use crate::segment::Segment;
use crate::series::Registry;
use crate::types::SeriesId;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A data directory or a snapshot.
    Directory,
    /// One segment, wherever it was copied to.
    Segment,
}

/// A data directory, snapshot or segment, open for reading. What it returns stays the same, whatever
/// a node does to the files afterwards.
#[derive(Debug)]
pub struct Store {
    pub(super) path: PathBuf,
    pub(super) origin: Origin,
    pub(super) manifest: Manifest,
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) aside: Vec<Arc<Aside>>,
    pub(super) deletes: Vec<Arc<Delete>>,
    pub(super) epochs: Vec<Vec<Arc<WriteBuffer>>>,
    pub(super) registry: Registry,
    pub(super) index: Index,
    pub(super) found: Recovery,
}

impl Store {
    /// Opens what is there. Damage that a node would start with is in [`Store::found`], and what it
    /// took is not served; an error is what would keep a node from starting.
    pub fn open(env: &Env, path: &Path) -> Result<Store> {
        match env.disk.list(path) {
            Ok(_) => directory::open(env, path),
            Err(error) if error.kind() == ErrorKind::NotADirectory => open_segment(env, path),
            Err(error) => Err(Error::io("open", path, error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the path is.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The manifest; made up for a single segment.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The segments that could be opened, oldest epochs first.
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// Segments that could not be opened.
    pub fn set_aside(&self) -> &[Arc<Aside>] {
        &self.aside
    }

    /// Names and their ids. None can be written.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What a start would report: counts, ends that would be cut, and damage.
    pub fn found(&self) -> &Recovery {
        &self.found
    }

    /// The series that pass all filters of any group, ascending by id; all that have a name if there
    /// is no group.
    pub fn find(&self, groups: &[Group<'_>]) -> Vec<SeriesId> {
        self.index.find(&self.registry, groups, self.registry.len())
    }

    /// Everything there is, after the duplicate rule and deletes: [`Snapshot::scan`] and
    /// [`crate::scan::Cursor`] read it.
    pub fn snapshot(&self) -> Snapshot {
        let epoch = |buffers: &Vec<Arc<WriteBuffer>>| {
            buffers.iter().map(|buffer| (buffer.clone(), buffer.len())).collect()
        };
        Snapshot {
            segments: self.segments.clone(),
            epochs: self.epochs.iter().map(epoch).collect(),
            deletes: self.deletes.clone(),
            floor_ms: self.manifest.floor_ms,
            aside: self.aside.clone(),
        }
    }
}

/// A segment names its own series.
fn open_segment(env: &Env, path: &Path) -> Result<Store> {
    let segment = Segment::open(env, path)?;
    let registry = Registry::in_memory(env, path);
    let mut names = Vec::new();
    segment.each_name(|series, name| {
        if !name.is_empty() {
            names.push((series, name.to_vec()));
        }
    })?;
    registry.restore(names);
    let footer = *segment.footer();
    let entry = SegmentEntry {
        name: segment.file_name(),
        bytes: segment.bytes(),
        level: 0,
        epochs: footer.epochs,
        times: footer.timestamps,
        deletes: u64::MAX,
    };
    let manifest = Manifest { floor_ms: i64::MIN, segments: vec![entry], ..Manifest::default() };
    let found = Recovery {
        segments: 1,
        segment_samples: footer.samples,
        series: footer.series,
        ..Recovery::default()
    };
    Ok(Store {
        path: path.to_owned(),
        origin: Origin::Segment,
        manifest,
        segments: vec![Arc::new(segment)],
        aside: Vec::new(),
        deletes: Vec::new(),
        epochs: Vec::new(),
        registry,
        index: Index::new(env.chance.number()),
        found,
    })
}
