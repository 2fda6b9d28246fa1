//! Directories and files in memory: what a disk shows at one moment.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Number of a file or directory; it outlives names.
pub type Id = u32;

/// The root directory, which is always there.
pub const ROOT: Id = 0;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    File(Id),
    Dir(Id),
}

/// Names of one directory.
pub type Names = BTreeMap<String, Node>;

/// See the module. Contents are shared until they are changed.
#[derive(Clone, Debug)]
pub struct Tree {
    pub files: BTreeMap<Id, Arc<Vec<u8>>>,
    pub dirs: BTreeMap<Id, Names>,
}

impl Tree {
    /// An empty disk.
    pub fn new() -> Tree {
        Tree { files: BTreeMap::new(), dirs: BTreeMap::from([(ROOT, Names::new())]) }
    }

    /// An id that nothing has.
    pub fn free_id(&self) -> Id {
        let last = |id: Option<&Id>| id.copied().unwrap_or(ROOT);
        last(self.files.keys().next_back()).max(last(self.dirs.keys().next_back())) + 1
    }

    /// What a path stands for.
    pub fn node(&self, path: &Path) -> io::Result<Node> {
        let mut node = Node::Dir(ROOT);
        for name in path.iter().filter(|name| *name != "/") {
            let Node::Dir(dir) = node else { return Err(io::ErrorKind::NotADirectory.into()) };
            let name = name.to_str().expect("tests use plain names");
            node = *self.dirs[&dir].get(name).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(node)
    }

    pub fn file(&self, path: &Path) -> io::Result<Id> {
        match self.node(path)? {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub fn dir(&self, path: &Path) -> io::Result<Id> {
        match self.node(path)? {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// The directory in which a path's last name stands, and that name.
    pub fn place(&self, path: &Path) -> io::Result<(Id, String)> {
        let dir = self.dir(path.parent().expect("not the root"))?;
        let name = path.file_name().and_then(|name| name.to_str()).expect("tests use plain names");
        Ok((dir, name.to_owned()))
    }

    /// Drops what has no name.
    pub fn sweep(&mut self) {
        let (mut files, mut dirs) = (BTreeMap::new(), BTreeMap::new());
        let mut queue = vec![ROOT];
        while let Some(dir) = queue.pop() {
            let names = self.dirs.remove(&dir).expect("a directory has one name");
            for node in names.values() {
                match *node {
                    Node::Dir(dir) => queue.push(dir),
                    Node::File(file) => _ = files.insert(file, self.files[&file].clone()),
                }
            }
            dirs.insert(dir, names);
        }
        *self = Tree { files, dirs };
    }

    /// Copies a directory to the real disk, for people to look at.
    pub fn copy_out(&self, dir: Id, to: &Path) {
        std::fs::create_dir_all(to).expect("a directory to copy to");
        for (name, node) in &self.dirs[&dir] {
            match *node {
                Node::Dir(dir) => self.copy_out(dir, &to.join(name)),
                Node::File(file) => {
                    std::fs::write(to.join(name), &**self.files[&file]).expect("room for a copy");
                }
            }
        }
    }
}

/// Writes into bytes, which grow as they must; a gap is zeros.
pub fn put(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(written);
}
