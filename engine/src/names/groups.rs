//! The names of a segment, group by group, as they stand in its file.
//!
//! A segment mostly has series that one not long before had, so packed groups are kept and copied: a name
//! never changes. Those not used for longest are let go when they are too many.

use super::coded::Encoder;
use super::ids;
use crate::bytes::Reader;
use crate::limits::NAME_GROUP;
use crate::series::Registry;
use crate::types::SeriesId;
use std::collections::BTreeMap;

/// Bytes of groups that are kept at the most.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// One group: some ids, packed with their names.
#[derive(Debug)]
pub struct Group {
    /// Its first id.
    pub first: SeriesId,
    /// How many it has.
    pub names: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The last segment that it was for.
    used: u64,
}

/// Groups kept for the next segments.
#[derive(Debug)]
pub struct Groups {
    /// A group may have so many times the names that are wanted.
    times_max: usize,
    /// By the part of ids they are for.
    kept: BTreeMap<u32, Group>,
    /// Segments so far.
    segments: u64,
}

impl Groups {
    /// For fresh segments: to copy names is so much less than to pack them that many others may be among
    /// them. Merges soon leave those out.
    pub fn for_flushes() -> Groups {
        Groups { times_max: 8, kept: BTreeMap::new(), segments: 0 }
    }

    /// For segments that stay.
    pub fn for_merges() -> Groups {
        Groups { times_max: 2, ..Groups::for_flushes() }
    }

    /// Passes on the groups that name some series, ascending by id; they may name others, too.
    pub fn each<E>(
        &mut self,
        series: &[SeriesId],
        registry: &Registry,
        mut sink: impl FnMut(&Group) -> Result<(), E>,
    ) -> Result<(), E> {
        self.segments += 1;
        let part = |id: SeriesId| id / NAME_GROUP as u32;
        for ids in series.chunk_by(|&a, &b| part(a) == part(b)) {
            let kept = self
                .kept
                .get_mut(&part(ids[0]))
                .filter(|group| group.names <= self.times_max * ids.len() && serves(group, ids));
            match kept {
                Some(group) => {
                    group.used = self.segments;
                    sink(group)?;
                }
                None => {
                    let group = pack(ids, registry, self.segments);
                    sink(&group)?;
                    self.kept.insert(part(ids[0]), group);
                }
            }
        }
        self.let_go(KEPT_BYTES_MAX);
        Ok(())
    }

    /// Lets groups go until so many bytes are left at the most, first those not used for longest.
    fn let_go(&mut self, bytes_max: usize) {
        let mut bytes: usize = self.kept.values().map(|group| group.bytes.len()).sum();
        if bytes <= bytes_max {
            return;
        }
        let mut by_use: Vec<_> =
            self.kept.iter().map(|(part, group)| (group.used, *part)).collect();
        by_use.sort_unstable();
        for (_, part) in by_use {
            if bytes <= bytes_max {
                break;
            }
            bytes -= self.kept.remove(&part).map_or(0, |group| group.bytes.len());
        }
    }
}

/// Whether a group names all of these.
fn serves(group: &Group, wanted: &[SeriesId]) -> bool {
    let ids = ids::decode(&mut Reader::new(&group.bytes), group.first, group.names);
    let mut rest = ids.unwrap_or_default().into_iter();
    wanted.iter().all(|id| rest.any(|other| other == *id))
}

fn pack(ids: &[SeriesId], registry: &Registry, used: u64) -> Group {
    let mut bytes = ids::encode(ids);
    let mut names = Encoder::new(registry.secrets());
    registry.each(ids.iter().copied(), |_, name| names.add(name));
    names.finish(&mut bytes);
    bytes.shrink_to_fit();
    Group { first: ids[0], names: ids.len(), bytes, used }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_packed_anew_only_where_they_must() {
        let dir = tempfile::tempdir().expect("a directory");
        let registry = Registry::create(&crate::env::real(), dir.path()).expect("new");
        for id in 0..NAME_GROUP as u32 + 100 {
            registry.find_or_reserve(format!("m h={id}").as_bytes());
        }
        let mut groups = Groups::for_merges();
        let mut named = |series: Vec<SeriesId>| {
            let mut found = Vec::new();
            let sink = |group: &Group| {
                let ids = ids::decode(&mut Reader::new(&group.bytes), group.first, group.names);
                found.extend(ids.expect("own bytes"));
                Ok::<(), ()>(())
            };
            groups.each(&series, &registry, sink).expect("no error");
            found
        };
        let all: Vec<SeriesId> = (0..NAME_GROUP as u32 + 100).collect();
        assert_eq!(named(all.clone()), all);
        let most: Vec<_> = all.iter().copied().filter(|id| id % 3 != 0).collect();
        assert_eq!(named(most), all, "names beside those asked for are no harm");
        let few: Vec<_> = all.iter().copied().filter(|id| id % 3 == 0).collect();
        assert_eq!(named(few.clone()), few);
        assert_eq!(named(all.clone()), all);
        assert_eq!(named(vec![5]), [5]);
        assert_eq!(named(all.clone()), all);
        assert_eq!(groups.kept.len(), 2);
        groups.each(&[0], &registry, |_| Ok::<(), ()>(())).expect("no error");
        groups.let_go(groups.kept[&0].bytes.len());
        assert_eq!(
            groups.kept.keys().collect::<Vec<_>>(),
            [&0],
            "the one not used for longest goes"
        );
    }
}
