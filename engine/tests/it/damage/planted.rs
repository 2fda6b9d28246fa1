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

    /// Whether a text tells of the file; rows that lost their names are told by where they are.
    pub fn is_named_in(&self, text: &str) -> Result<(), String> {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let of_names = self.path.contains("/names/") && text.contains("that the names file lost");
        if of_names || text.contains(name) {
            return Ok(());
        }
        Err(format!("{name} is not named: {text:?}"))
    }
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
