//! The simulated disk itself: files in memory, a record of every change, and failures on demand.
//!
//! Everything is one lock: operations happen one after the other, in the order of the record. What a
//! power cut would leave of them is the business of [`super::cut`].

use super::fault::{Fault, Ignored, Kind};
use super::record::Op;
use super::tree::{Id, Names, Node, Tree, put};
use irontsd_engine::env::{Disk, File, Lock, Mapping};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See the module. A clone is the same disk.
#[derive(Clone, Debug)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    tree: Tree,
    next: Id,
    record: Vec<Op>,
    fault: Option<Fault>,
    /// Operations that the fault hit.
    hit: u64,
    /// Files whose sync failed.
    lost: BTreeSet<Id>,
    broken_rules: Vec<String>,
    locked: BTreeSet<PathBuf>,
    ignored: Option<Ignored>,
}

impl SimulatedDisk {
    /// A disk on which all of this is durable.
    pub fn over(tree: Tree) -> SimulatedDisk {
        SimulatedDisk(Arc::new(Mutex::new(State {
            next: tree.free_id(),
            tree,
            record: Vec::new(),
            fault: None,
            hit: 0,
            lost: BTreeSet::new(),
            broken_rules: Vec::new(),
            locked: BTreeSet::new(),
            ignored: None,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes so far: the number of the next one.
    pub fn position(&self) -> usize {
        self.state().record.len()
    }

    /// All changes so far.
    pub fn record(&self) -> Vec<Op> {
        self.state().record.clone()
    }

    /// What is there now, as everybody but a power cut sees it.
    pub fn tree(&self) -> Tree {
        let mut tree = self.state().tree.clone();
        tree.sweep();
        tree
    }

    /// Lets operations fail from now on; `None` ends that.
    pub fn set_fault(&self, fault: Option<Fault>) {
        let mut state = self.state();
        (state.fault, state.hit) = (fault, 0);
    }

    /// Lets some syncs do nothing; which did nothing before.
    pub fn ignore_syncs(&self, ignored: impl Into<Option<Ignored>>) -> Option<Ignored> {
        std::mem::replace(&mut self.state().ignored, ignored.into())
    }

    /// How many operations failed on demand.
    pub fn hit(&self) -> u64 {
        self.state().hit
    }

    /// Whether a sync failed.
    pub fn has_failed_sync(&self) -> bool {
        let failed = |op: &Op| matches!(op, Op::FailedSync { .. } | Op::FailedSyncDir { .. });
        self.state().record.iter().any(failed)
    }

    /// What the engine did that the contract of a disk forbids.
    pub fn broken_rules(&self) -> Vec<String> {
        self.state().broken_rules.clone()
    }

    fn begin(&self, kind: Kind) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.strike(kind).map_or(Ok(()), |fault| fault.told(kind))?;
        Ok(state)
    }

    fn file(&self, id: Id, path: &Path) -> Arc<dyn File> {
        Arc::new(SimulatedFile { disk: self.clone(), id, path: path.to_owned() })
    }
}

impl State {
    /// The fault, if it hits this operation.
    fn strike(&mut self, kind: Kind) -> Option<Fault> {
        let fault = self.fault.as_mut()?;
        if !fault.strikes(kind) {
            return None;
        }
        let struck = *fault;
        if !struck.forever {
            self.fault = None;
        }
        self.hit += 1;
        Some(struck)
    }

    fn new_id(&mut self) -> Id {
        self.next += 1;
        self.next - 1
    }

    /// The one way in which names change.
    fn change(&mut self, dir: Id, changes: Vec<(String, Option<Node>)>) {
        let names = self.tree.dirs.get_mut(&dir).expect("directories stay while they are used");
        for (name, node) in &changes {
            match node {
                Some(node) => _ = names.insert(name.clone(), *node),
                None => _ = names.remove(name),
            }
        }
        self.record.push(Op::Names { dir, changes });
    }

    fn write(&mut self, file: Id, offset: usize, bytes: &[u8]) {
        let content = self.tree.files.get_mut(&file).expect("files stay while they are used");
        put(Arc::make_mut(content), offset, bytes);
        self.record.push(Op::Write { file, offset, bytes: bytes.into() });
    }

    fn new_file(&mut self, path: &Path) -> io::Result<Id> {
        let (dir, name) = self.tree.place(path)?;
        if self.tree.dirs[&dir].contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = self.new_id();
        self.tree.files.insert(id, Arc::default());
        self.change(dir, vec![(name, Some(Node::File(id)))]);
        Ok(id)
    }

    fn remove_tree(&mut self, dir: Id) {
        let names: Names = self.tree.dirs[&dir].clone();
        for (name, node) in names {
            if let Node::Dir(sub) = node {
                self.remove_tree(sub);
            }
            self.change(dir, vec![(name, None)]);
        }
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let id = self.begin(Kind::Name)?.new_file(path)?;
        Ok(self.file(id, path))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let id = self.begin(Kind::Look)?.tree.file(path)?;
        Ok(self.file(id, path))
    }

    fn map(&self, path: &Path) -> io::Result<Mapping> {
        let state = self.begin(Kind::Read)?;
        let file = state.tree.file(path)?;
        Ok(Mapping::new(Content(state.tree.files[&file].clone())))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.begin(Kind::Read)?;
        let file = state.tree.file(path)?;
        Ok(state.tree.files[&file].to_vec())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.begin(Kind::Look)?;
        let dir = state.tree.dir(dir)?;
        Ok(state.tree.dirs[&dir].keys().cloned().collect())
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.begin(Kind::Name)?;
        let mut above: Vec<&Path> =
            dir.ancestors().filter(|path| !path.as_os_str().is_empty()).collect();
        above.reverse();
        for path in above {
            match state.tree.node(path) {
                Ok(Node::Dir(_)) => {}
                Ok(Node::File(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => {
                    let (parent, name) = state.tree.place(path)?;
                    let id = state.new_id();
                    state.tree.dirs.insert(id, BTreeMap::new());
                    state.change(parent, vec![(name, Some(Node::Dir(id)))]);
                }
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.begin(Kind::Name)?;
        let node = state.tree.node(from)?;
        let ((dir, old), (to_dir, new)) = (state.tree.place(from)?, state.tree.place(to)?);
        assert_eq!(dir, to_dir, "renames stay within one directory");
        // The new name first: a rename that is done by half shows both.
        state.change(dir, vec![(new, Some(node)), (old, None)]);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.begin(Kind::Name)?;
        let file = state.tree.file(from)?;
        let (dir, name) = state.tree.place(to)?;
        if state.tree.dirs[&dir].contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change(dir, vec![(name, Some(Node::File(file)))]);
        Ok(())
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        let mut state = self.begin(Kind::Free)?;
        let dir = state.tree.dir(path)?;
        state.remove_tree(dir);
        let (parent, name) = state.tree.place(path)?;
        state.change(parent, vec![(name, None)]);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.begin(Kind::Free)?;
        state.tree.file(path)?;
        let (dir, name) = state.tree.place(path)?;
        state.change(dir, vec![(name, None)]);
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let dir = state.tree.dir(path)?;
        if state.ignored.is_some_and(|ignored| ignored.hits_dir(path)) {
            return Ok(());
        }
        let told = state.strike(Kind::Sync).map_or(Ok(()), |fault| fault.told(Kind::Sync));
        let failed = Op::FailedSyncDir { dir };
        state.record.push(if told.is_ok() { Op::SyncDir { dir } } else { failed });
        told
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Lock, String>> {
        let mut state = self.begin(Kind::Name)?;
        if !state.locked.insert(path.to_owned()) {
            return Ok(Err("another engine".to_owned()));
        }
        let file = match state.tree.file(path) {
            Ok(file) => file,
            Err(_) => state.new_file(path)?,
        };
        state.write(file, 0, holder.as_bytes());
        Ok(Ok(Lock::new(Locked { disk: self.clone(), path: path.to_owned() })))
    }
}

/// Gives a lock back.
#[derive(Debug)]
struct Locked {
    disk: SimulatedDisk,
    path: PathBuf,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.disk.state().locked.remove(&self.path);
    }
}

/// A file's bytes as they were when it was mapped.
#[derive(Debug)]
struct Content(Arc<Vec<u8>>);

impl Deref for Content {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    id: Id,
    path: PathBuf,
}

impl File for SimulatedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        if state.ignored.is_some_and(|ignored| ignored.hits_write(&self.path)) {
            return Ok(());
        }
        let (offset, fault) = (offset as usize, state.strike(Kind::Write));
        let Some(fault) = fault else {
            state.write(self.id, offset, bytes);
            return Ok(());
        };
        let (whole, rest) = bytes.split_at(fault.prefix.min(bytes.len()));
        state.write(self.id, offset, whole);
        fault.told(Kind::Write)?;
        state.write(self.id, offset + whole.len(), rest);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if state.ignored.is_some_and(|ignored| ignored.hits_file(&self.path)) {
            return Ok(());
        }
        if state.lost.contains(&self.id) {
            let rule = format!("file {} was synced again after a failed sync", self.id);
            state.broken_rules.push(rule);
        }
        if let Some(fault) = state.strike(Kind::Sync)
            && let Err(error) = fault.told(Kind::Sync)
        {
            state.lost.insert(self.id);
            state.record.push(Op::FailedSync { file: self.id });
            return Err(error);
        }
        state.record.push(Op::Sync { file: self.id });
        Ok(())
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.begin(Kind::Free)?;
        let content = state.tree.files.get_mut(&self.id).expect("files stay while they are used");
        Arc::make_mut(content).resize(len as usize, 0);
        state.record.push(Op::Cut { file: self.id, len: len as usize });
        Ok(())
    }
}
