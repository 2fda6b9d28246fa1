//! Which series have which labels: selectors and lists of labels answered without walking names.
//!
//! The index costs ingestion nothing. It is made of immutable parts, each for a range of ids. Series not
//! covered yet are covered now and then by [`Index::keep_up`]. A search walks the names of the uncovered tail, which
//! takes less time than to cover it, and leaves word ([`Index::was_asked`]). A list would walk it for each page, so
//! if it is long it is covered in the thread that lists, unless another is at it. Parts are merged so that each is at
//! least twice as large as all behind it together: there are few, and a series is merged a few times.
//!
//! `posting`, `block` and `dictionary` hold a part, `build` and `merge` make one, `filter` is the question,
//! `automaton`, `part` and `find` answer it; `labels` lists names and values, `metrics`
//! series, `cardinality` counts them.

mod automaton;
mod block;
mod build;
mod cardinality;
mod dictionary;
pub mod filter;
mod find;
mod labels;
mod merge;
mod metrics;
mod part;
mod posting;
#[cfg(test)]
mod tests;

pub use cardinality::{Cardinality, Counted};
pub use find::Group;
pub use labels::{Listing, Texts};
pub use metrics::OfMetrics;
/// A set of series.
pub use roaring::RoaringBitmap as Set;

use crate::series::Registry;
use crate::types::SeriesId;
use build::Builder;
use parking_lot::{Mutex, RwLock};
use part::Part;
use rapidhash::v3::RapidSecrets;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Series at the end whose names are walked rather than indexed: about a tenth of a millisecond.
const TAIL_MAX: u32 = 512;
/// Series added to a part before it is asked whether it is full.
const STEP: u32 = 1024;

/// See the module.
#[derive(Debug)]
pub struct Index {
    secrets: RapidSecrets,
    /// Ascending, without gaps, from the first id.
    parts: RwLock<Arc<Vec<Arc<Part>>>>,
    /// Held by whoever adds parts.
    extending: Mutex<()>,
    /// A search has walked a long tail.
    asked: AtomicBool,
}

/// The index as it was at a moment. Series behind its parts are not in it.
#[derive(Debug)]
struct View(Arc<Vec<Arc<Part>>>);

impl View {
    fn covered(&self) -> SeriesId {
        self.0.last().map_or(0, |part| part.ids.end)
    }
}

impl Index {
    /// An empty index; the seed keeps senders from choosing names whose hashes collide.
    pub fn new(seed: u64) -> Index {
        let secrets = RapidSecrets::seed(seed);
        let (parts, extending, asked) = Default::default();
        Index { secrets, parts, extending, asked }
    }

    /// Bytes of memory, about.
    pub fn memory(&self) -> usize {
        self.view().0.iter().map(|part| part.texts.memory()).sum()
    }

    fn view(&self) -> View {
        View(self.parts.read().clone())
    }

    /// The view for a search: whatever it covers.
    fn view_for_search(&self, len: u32) -> View {
        let view = self.view();
        if len.saturating_sub(view.covered()) > TAIL_MAX {
            self.asked.store(true, Relaxed);
        }
        view
    }

    /// Whether a search has walked a long tail since this was last asked.
    pub fn was_asked(&self) -> bool {
        self.asked.swap(false, Relaxed)
    }

    /// A view that covers the series below `len` up to a short tail, unless somebody is busy
    /// extending the index.
    fn view_of(&self, registry: &Registry, len: u32) -> View {
        let view = self.view();
        if len.saturating_sub(view.covered()) <= TAIL_MAX {
            return view;
        }
        let Some(_extending) = self.extending.try_lock() else { return view };
        self.cover(registry, || true);
        self.view()
    }

    /// Covers all series known now.
    pub fn extend(&self, registry: &Registry) {
        let _extending = self.extending.lock();
        self.cover(registry, || true);
    }

    /// Covers all series known now but for a short tail, while it may go on. Returns how many that
    /// were; none, if somebody else is at it.
    pub fn keep_up(&self, registry: &Registry, goes_on: impl Fn() -> bool) -> u32 {
        let Some(_extending) = self.extending.try_lock() else { return 0 };
        let covered = self.covered();
        if registry.len().saturating_sub(covered) <= TAIL_MAX {
            return 0;
        }
        self.cover(registry, goes_on);
        self.covered() - covered
    }

    /// The first series that is not covered.
    pub fn covered(&self) -> SeriesId {
        self.view().covered()
    }

    fn cover(&self, registry: &Registry, goes_on: impl Fn() -> bool) {
        let (len, mut next) = (registry.len(), self.view().covered());
        while next < len {
            if !goes_on() {
                return;
            }
            let mut builder = Builder::new(next, self.secrets);
            while next < len && !builder.is_full() {
                let ids = next..len.min(next + STEP);
                next = ids.end;
                registry.each_name(ids, |series, name| builder.add(series, name));
            }
            self.change(|parts| parts.push(Arc::new(builder.finish(next))));
        }
        let parts = self.view().0;
        let from = merged_from(&parts);
        if from + 1 < parts.len() {
            let merged = Arc::new(merge::merge(&parts[from..]));
            self.change(|parts| {
                parts.truncate(from);
                parts.push(merged);
            });
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Part>>)) {
        let mut changed = Vec::clone(&self.parts.read());
        change(&mut changed);
        *self.parts.write() = Arc::new(changed);
    }
}

/// The first of the parts at the end that should be one.
fn merged_from(parts: &[Arc<Part>]) -> usize {
    let mut from = parts.len().saturating_sub(1);
    let mut behind = parts.last().map_or(0, |part| u64::from(part.len()));
    while from > 0 && u64::from(parts[from - 1].len()) < 2 * behind {
        from -= 1;
        behind += u64::from(parts[from].len());
    }
    from
}
