//! What can be done to a directory.

use super::{Directory, files};
use crate::simulated::driver::DIR;
use crate::simulated::tree::{Node, Tree};
use fastrand::Rng;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// One thing done to one file.
pub struct Damage {
    path: String,
    way: Way,
}

enum Way {
    /// A byte becomes another.
    Byte { at: usize, to: u8 },
    /// The file ends there.
    Cut(usize),
    /// So many bytes come behind it.
    Tail { bytes: usize, of: u8 },
    /// It is gone.
    Missing,
    /// It is another file, or what it was earlier.
    Replaced { by: Arc<Vec<u8>>, what: String },
    /// Two pieces of it have changed places.
    Swapped { one: usize, other: usize, bytes: usize },
}

/// Everything, in an order that chance gives.
pub fn all(directory: &Directory) -> Vec<Damage> {
    let mut paths = Vec::new();
    files(&directory.tree, DIR, &mut paths);
    // The lock's text is for people only.
    paths.retain(|path| !path.ends_with("/LOCK"));
    let kinds =
        [".seg", ".ids", ".part", "1.names", "assigned.names", "1.log", "/MANIFEST", "/WITNESS"];
    for kind in kinds {
        assert!(paths.iter().any(|path| path.ends_with(kind)), "no {kind} in {paths:?}");
    }
    let mut all = Vec::new();
    for path in &paths {
        let bytes = read(&directory.tree, path).expect("readable");
        let mut add = |way| all.push(Damage { path: path.clone(), way });
        for (at, byte) in bytes.iter().enumerate() {
            for to in [byte ^ (1 << (at % 8)), 0, 0xff] {
                if to != *byte {
                    add(Way::Byte { at, to });
                }
            }
            add(Way::Cut(at));
        }
        for of in [0, 0xff, b'x'] {
            [1, 7, 64, 5000].into_iter().for_each(|bytes| add(Way::Tail { bytes, of }));
        }
        add(Way::Missing);
        for bytes_moved in [8, 64, 512] {
            for one in (0..bytes.len()).step_by(bytes_moved) {
                let other = one + bytes_moved;
                let whole = other + bytes_moved <= bytes.len();
                if whole && bytes[one..other] != bytes[other..other + bytes_moved] {
                    add(Way::Swapped { one, other, bytes: bytes_moved });
                }
            }
        }
        for (number, tree) in directory.earlier.iter().enumerate() {
            let earlier = read(tree, path).filter(|earlier| *earlier != bytes);
            earlier
                .into_iter()
                .for_each(|by| add(Way::Replaced { by, what: format!("its state {number}") }));
        }
        for other in paths.iter().filter(|other| *other != path) {
            let by = read(&directory.tree, other).expect("readable");
            add(Way::Replaced { by, what: other.clone() });
        }
    }
    Rng::with_seed(directory.seed).shuffle(&mut all);
    all
}

fn read(tree: &Tree, path: &str) -> Option<Arc<Vec<u8>>> {
    tree.file(Path::new(path)).ok().map(|id| tree.files[&id].clone())
}

/// Makes or replaces a file.
pub fn write(tree: &mut Tree, path: &str, bytes: Vec<u8>) {
    let id = tree.file(Path::new(path)).unwrap_or_else(|_| {
        let id = tree.free_id();
        let (dir, name) = tree.place(Path::new(path)).expect("a directory for it");
        tree.dirs.get_mut(&dir).expect("there").insert(name, Node::File(id));
        id
    });
    tree.files.insert(id, Arc::new(bytes));
}

impl Damage {
    /// The disk with it.
    pub fn plant(&self, tree: &Tree) -> Tree {
        let mut tree = tree.clone();
        let mut bytes = read(&tree, &self.path).expect("readable").to_vec();
        match &self.way {
            Way::Byte { at, to } => bytes[*at] = *to,
            Way::Cut(at) => bytes.truncate(*at),
            Way::Tail { bytes: more, of } => bytes.resize(bytes.len() + more, *of),
            Way::Missing => {
                let (dir, name) = tree.place(Path::new(&self.path)).expect("there");
                tree.dirs.get_mut(&dir).expect("there").remove(&name);
                tree.sweep();
                return tree;
            }
            Way::Replaced { by, .. } => bytes = by.to_vec(),
            Way::Swapped { one, other, bytes: len } => {
                let (before, behind) = bytes.split_at_mut(*other);
                before[*one..one + len].swap_with_slice(&mut behind[..*len]);
            }
        }
        write(&mut tree, &self.path, bytes);
        tree
    }

    /// Whether one bit is another, a certain one of each byte, or the file ends earlier.
    pub fn is_bit_or_cut(&self, tree: &Tree) -> bool {
        match &self.way {
            Way::Byte { at, to } => {
                let bytes = read(tree, &self.path).expect("readable");
                bytes[*at] ^ to == 1 << (at % 8)
            }
            Way::Cut(_) => true,
            _ => false,
        }
    }

    /// Whether a log ends earlier, as it did once: if it ends where a record does, above all that was ever
    /// synced, nobody can tell it from one whose node was killed then.
    pub fn is_earlier_log(&self) -> bool {
        let is_log = [".log", ".names"].iter().any(|end| self.path.ends_with(end));
        let is_shorter = match &self.way {
            Way::Cut(_) => true,
            Way::Replaced { what, .. } => what.starts_with("its state"),
            _ => false,
        };
        is_log && is_shorter
    }

    /// Whether what is left of the file is whole: it is gone, older, or ends where a record may.
    pub fn leaves_no_trace(&self) -> bool {
        match &self.way {
            Way::Cut(at) => self.path.ends_with(".log") || (self.is_of_names() && at % 8 == 0),
            Way::Missing => true,
            Way::Replaced { what, .. } => what.starts_with("its state"),
            _ => false,
        }
    }

    fn is_of_names(&self) -> bool {
        self.path.ends_with(".names")
    }

    /// Whether no start may be refused for it: what a segment or a part of names lost is served without it.
    pub fn never_stops_a_start(&self) -> bool {
        [".seg", ".part"].iter().any(|end| self.path.ends_with(end))
    }

    /// Whether one of these sentences tells of the file and of where in it: a place or a range that the
    /// damage has a part in, for a structure is named by its begin; or that all of the file is missing.
    pub fn is_named_in(&self, sentences: &[String], tree: &Tree) -> Result<(), String> {
        let (first, last) = self.place(tree);
        let holds = |sentence: &String| {
            if matches!(self.way, Way::Missing) && self.is_said_to_be_missing(sentence) {
                return true;
            }
            let of_file = sentence.strip_prefix(self.path.as_str());
            let of_file = of_file.filter(|rest| rest.starts_with([':', ' ']));
            of_file.and_then(offsets).is_some_and(|(from, to)| from <= last && to > first)
        };
        if sentences.iter().any(holds) {
            return Ok(());
        }
        Err(format!("{} is not named with bytes {first} to {last}: {sentences:#?}", self.path))
    }

    /// Whether it says that there is no such file, which has no offsets.
    fn is_said_to_be_missing(&self, sentence: &str) -> bool {
        let (dir, name) = self.path.rsplit_once('/').unwrap_or_default();
        let is_of_file = sentence.contains(self.path.as_str())
            && ["not found", "is missing"].iter().any(|words| sentence.contains(words));
        let is_of_dir = sentence.strip_prefix(dir).is_some_and(|rest| rest.starts_with(": holds "));
        is_of_file || (is_of_dir && sentence.contains(&format!(" but no {name}: ")))
    }

    /// The first and the last byte that is not what it was. Of a file that is shorter the end, and of
    /// one that is gone or another all there is.
    fn place(&self, tree: &Tree) -> (usize, usize) {
        match &self.way {
            Way::Byte { at, .. } => (*at, *at),
            Way::Cut(at) => (*at, *at),
            Way::Tail { bytes, .. } => {
                let len = read(tree, &self.path).expect("readable").len();
                (len, len + bytes - 1)
            }
            Way::Missing | Way::Replaced { .. } => (0, usize::MAX - 1),
            Way::Swapped { one, other, bytes } => (*one, other + bytes - 1),
        }
    }
}

/// The range of bytes that a sentence names, or all behind the one offset of it.
fn offsets(sentence: &str) -> Option<(usize, usize)> {
    let mut numbers = sentence.match_indices("offset ").map(|(at, word)| {
        let digits = sentence[at + word.len()..].split(|c: char| !c.is_ascii_digit());
        digits.into_iter().next().and_then(|digits| digits.parse().ok())
    });
    let from = numbers.next()??;
    let to = numbers.next().flatten().unwrap_or(usize::MAX);
    Some((from, to))
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.way {
            Way::Byte { at, to } => write!(out, "byte {at} of {path} is {to:#04x}"),
            Way::Cut(at) => write!(out, "{path} ends at {at}"),
            Way::Tail { bytes, of } => write!(out, "{bytes} bytes {of:#04x} behind {path}"),
            Way::Missing => write!(out, "{path} is missing"),
            Way::Replaced { what, .. } => write!(out, "{path} is {what}"),
            Way::Swapped { one, other, bytes } => {
                write!(out, "{bytes} bytes of {path} at {one} and {other} have changed places")
            }
        }
    }
}
