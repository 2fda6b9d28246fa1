//! The names of a segment, group by group, as they stand in its file.
//!
//! One segment mostly has the series of the one before, so packed groups are kept from segment to
//! segment and copied: a name never changes. What a segment does not use is let go.

use super::coded::Encoder;
use super::ids;
use crate::limits::NAME_GROUP;
use crate::series::Registry;
use crate::types::SeriesId;
use std::collections::BTreeMap;

/// Groups that are larger together are not kept.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// One group: these ids, packed with their names.
#[derive(Debug)]
pub struct Group {
    /// Its ids, ascending.
    pub ids: Vec<SeriesId>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    used: bool,
}

/// Groups kept for the next segment, by the part of ids they are for.
#[derive(Debug, Default)]
pub struct Groups(BTreeMap<u32, Group>);

impl Groups {
    /// Passes on the groups that name some series, ascending by id; they may name others, too.
    pub fn each<E>(
        &mut self,
        series: &[SeriesId],
        registry: &Registry,
        mut sink: impl FnMut(&Group) -> Result<(), E>,
    ) -> Result<(), E> {
        self.0.values_mut().for_each(|group| group.used = false);
        let part = |id: SeriesId| id / NAME_GROUP as u32;
        for ids in series.chunk_by(|&a, &b| part(a) == part(b)) {
            let kept = self.0.get_mut(&part(ids[0])).filter(|group| serves(&group.ids, ids));
            match kept {
                Some(group) => {
                    group.used = true;
                    sink(group)?;
                }
                None => {
                    let group = pack(ids, registry);
                    sink(&group)?;
                    self.0.insert(part(ids[0]), group);
                }
            }
        }
        self.0.retain(|_, group| group.used);
        let bytes = |group: &Group| group.bytes.len() + group.ids.len() * 4;
        if self.0.values().map(bytes).sum::<usize>() > KEPT_BYTES_MAX {
            self.0.clear();
        }
        Ok(())
    }
}

/// Whether a group names all of these, and not many others.
fn serves(group: &[SeriesId], ids: &[SeriesId]) -> bool {
    if group.len() < ids.len() || group.len() > 2 * ids.len() {
        return false;
    }
    let mut rest = group.iter();
    ids.iter().all(|id| rest.any(|other| other == id))
}

fn pack(ids: &[SeriesId], registry: &Registry) -> Group {
    let mut bytes = ids::encode(ids);
    let mut names = Encoder::new(registry.secrets());
    registry.each(ids.iter().copied(), |_, name| names.add(name));
    names.finish(&mut bytes);
    Group { ids: ids.to_vec(), bytes, used: true }
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
        let mut groups = Groups::default();
        let mut named = |series: Vec<SeriesId>| {
            let mut found = Vec::new();
            let sink = |group: &Group| {
                found.extend_from_slice(&group.ids);
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
        assert_eq!(groups.0.len(), 1, "what is not used is let go");
    }
}
