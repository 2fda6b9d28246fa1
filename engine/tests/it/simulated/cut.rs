//! What a power cut leaves of a recorded run.
//!
//! Synced bytes and names are there. Of the others each may be there or not, without regard to order:
//! writes whole, or sector by sector with zeros or garbage between; names of a directory up to a moment,
//! or any of them; a rename perhaps by half, with both names. An image is drawn by luck.

use super::record::Op;
use super::tree::{Id, Names, Node, Tree, put};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A run at one moment: what is durable, and what is on its way.
#[derive(Clone, Debug)]
pub struct Durable {
    files: BTreeMap<Id, Kept<Arc<Vec<u8>>, Change>>,
    dirs: BTreeMap<Id, Kept<Names, Renaming>>,
}

/// Something durable with changes to it, in their order.
#[derive(Clone, Debug)]
struct Kept<D, C> {
    durable: D,
    changes: Vec<(C, Certainty)>,
}

impl<D: Default, C> Default for Kept<D, C> {
    fn default() -> Kept<D, C> {
        Kept { durable: D::default(), changes: Vec::new() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    /// A later sync makes it certain.
    Open,
    /// A sync failed: no later one helps.
    Forsaken,
    Certain,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Arc<[u8]>),
    Cut(usize),
}

type Renaming = Vec<(String, Option<Node>)>;

impl<D, C> Kept<D, C> {
    fn add(&mut self, change: C) {
        self.changes.push((change, Certainty::Open));
    }

    fn judge(&mut self, certainty: Certainty) {
        let open = self.changes.iter_mut().filter(|(_, c)| *c == Certainty::Open);
        open.for_each(|(_, c)| *c = certainty);
    }

    /// Takes the changes off that are certain and have nothing uncertain before them.
    fn settled(&mut self) -> Vec<C> {
        let certain = |(_, certainty): &&(C, Certainty)| *certainty == Certainty::Certain;
        let count = self.changes.iter().take_while(certain).count();
        self.changes.drain(..count).map(|(change, _)| change).collect()
    }
}

fn rename(names: &mut Names, changes: &[(String, Option<Node>)]) {
    for (name, node) in changes {
        match node {
            Some(node) => _ = names.insert(name.clone(), *node),
            None => _ = names.remove(name),
        }
    }
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(offset, written) => put(bytes, *offset, written),
        Change::Cut(len) => bytes.resize(*len, 0),
    }
}

impl Durable {
    /// The begin of a run on this disk.
    pub fn new(tree: &Tree) -> Durable {
        let file = |(&id, bytes): (&Id, &Arc<Vec<u8>>)| {
            (id, Kept { durable: bytes.clone(), changes: Vec::new() })
        };
        let dir = |(&id, names): (&Id, &Names)| {
            (id, Kept { durable: names.clone(), changes: Vec::new() })
        };
        Durable {
            files: tree.files.iter().map(file).collect(),
            dirs: tree.dirs.iter().map(dir).collect(),
        }
    }

    /// Goes one operation further.
    pub fn step(&mut self, op: &Op) {
        match op {
            Op::Write { file, offset, bytes } => {
                self.file(*file).add(Change::Write(*offset, bytes.clone()));
            }
            Op::Cut { file, len } => self.file(*file).add(Change::Cut(*len)),
            Op::Sync { file } => {
                let kept = self.file(*file);
                kept.judge(Certainty::Certain);
                let settled = kept.settled();
                if !settled.is_empty() {
                    let bytes = Arc::make_mut(&mut kept.durable);
                    settled.iter().for_each(|change| apply(bytes, change));
                }
            }
            Op::FailedSync { file } => self.file(*file).judge(Certainty::Forsaken),
            Op::Names { dir, changes } => self.dir(*dir).add(changes.clone()),
            Op::SyncDir { dir } => {
                let kept = self.dir(*dir);
                kept.judge(Certainty::Certain);
                for changes in kept.settled() {
                    rename(&mut kept.durable, &changes);
                }
            }
            // Unlike the bytes of a file, names may be synced again.
            Op::FailedSyncDir { .. } => {}
        }
    }

    fn file(&mut self, id: Id) -> &mut Kept<Arc<Vec<u8>>, Change> {
        self.files.entry(id).or_default()
    }

    fn dir(&mut self, id: Id) -> &mut Kept<Names, Renaming> {
        self.dirs.entry(id).or_default()
    }

    /// One of the disks that a power cut now may leave.
    pub fn image(&self, rng: &mut Rng) -> Tree {
        let mut luck = Luck::draw(rng);
        let files = self.files.iter().map(|(&id, kept)| (id, luck.file(kept))).collect();
        let mut dirs: BTreeMap<Id, Names> =
            self.dirs.iter().map(|(&id, kept)| (id, luck.dir(kept))).collect();
        // A new directory that nothing was put into has no changes of its own.
        let named: Vec<Id> =
            dirs.values().flat_map(|names| names.values()).filter_map(dir_id).collect();
        named.into_iter().for_each(|id| _ = dirs.entry(id).or_default());
        let mut tree = Tree { files, dirs };
        for node in tree.dirs.values().flat_map(|names| names.values()) {
            if let Node::File(id) = node {
                tree.files.entry(*id).or_default();
            }
        }
        keep_one_name(&mut tree);
        tree.sweep();
        tree
    }
}

fn dir_id(node: &Node) -> Option<Id> {
    match node {
        Node::Dir(id) => Some(*id),
        Node::File(_) => None,
    }
}

/// Directories have no second names: of a rename done by half the new name stays.
fn keep_one_name(tree: &mut Tree) {
    let mut seen = std::collections::BTreeSet::new();
    for names in tree.dirs.values_mut() {
        // A name without `.tmp` comes first.
        names.retain(|_, node| dir_id(node).is_none_or(|id| seen.insert(id)));
    }
}

/// How kind one power cut is.
struct Luck<'a> {
    rng: &'a mut Rng,
    writes: Writes,
    names: Kindness,
}

#[derive(Clone, Copy)]
enum Writes {
    Some(Kindness),
    Sectors(usize),
}

#[derive(Clone, Copy)]
enum Kindness {
    None,
    All,
    /// Those up to a moment.
    Prefix,
    Each,
}

impl Luck<'_> {
    fn draw(rng: &mut Rng) -> Luck<'_> {
        use Kindness::{All, Each, None, Prefix};
        let writes = [
            Writes::Some(None),
            Writes::Some(All),
            Writes::Some(Prefix),
            Writes::Some(Each),
            Writes::Sectors(512),
            Writes::Sectors(512),
            Writes::Sectors(4096),
        ];
        let writes = writes[rng.usize(..writes.len())];
        let names = [None, All, Prefix, Each, Each][rng.usize(..5)];
        Luck { rng, writes, names }
    }

    /// Which of so many uncertain changes are there.
    fn choose(&mut self, kindness: Kindness, count: usize) -> Vec<bool> {
        let prefix = self.rng.usize(..=count);
        let kept = |at: usize| match kindness {
            Kindness::None => false,
            Kindness::All => true,
            Kindness::Prefix => at < prefix,
            Kindness::Each => self.rng.bool(),
        };
        (0..count).map(kept).collect()
    }

    fn file(&mut self, kept: &Kept<Arc<Vec<u8>>, Change>) -> Arc<Vec<u8>> {
        let mut content = kept.durable.clone();
        if kept.changes.is_empty() {
            return content;
        }
        let bytes = Arc::make_mut(&mut content);
        let kindness = match self.writes {
            Writes::Some(kindness) => kindness,
            Writes::Sectors(_) => Kindness::All,
        };
        let chosen = self.choose(kindness, kept.changes.len());
        for ((change, certainty), chosen) in kept.changes.iter().zip(chosen) {
            match (change, self.writes) {
                _ if *certainty == Certainty::Certain => apply(bytes, change),
                (Change::Write(offset, written), Writes::Sectors(sector)) => {
                    self.tear(bytes, *offset, written, sector);
                }
                (Change::Cut(_), Writes::Sectors(_)) if self.rng.bool() => {}
                _ if chosen => apply(bytes, change),
                _ => {}
            }
        }
        content
    }

    /// Writes some sectors of a write, and zeros or garbage in the place of others.
    fn tear(&mut self, bytes: &mut Vec<u8>, offset: usize, written: &[u8], sector: usize) {
        let mut from = 0;
        while from < written.len() {
            let to = written.len().min((offset + from + 1).next_multiple_of(sector) - offset);
            match self.rng.u8(..8) {
                0..4 => put(bytes, offset + from, &written[from..to]),
                4..6 => {}
                6 => put(bytes, offset + from, &vec![0; to - from]),
                _ => {
                    let garbage: Vec<u8> = (from..to).map(|_| self.rng.u8(..)).collect();
                    put(bytes, offset + from, &garbage);
                }
            }
            from = to;
        }
    }

    fn dir(&mut self, kept: &Kept<Names, Renaming>) -> Names {
        let mut names = kept.durable.clone();
        let chosen = self.choose(self.names, kept.changes.len());
        for ((changes, certainty), chosen) in kept.changes.iter().zip(chosen) {
            if *certainty == Certainty::Certain {
                rename(&mut names, changes);
            } else if chosen {
                let half = matches!(self.names, Kindness::Each) && self.rng.u8(..4) == 0;
                rename(&mut names, if half { &changes[..1] } else { changes });
            }
        }
        names
    }
}
