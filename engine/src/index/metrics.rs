//! The series of some metrics after the other, for those who want series in name order a page at a time.

use super::merge::Merge;
use super::part::values_of;
use super::{Index, Set};
use crate::name::METRIC_LABEL;
use crate::series::Registry;

/// Series among which the first in name order are, from a metric on.
#[derive(Debug)]
pub struct OfMetrics {
    /// They, and those that are not in the index yet, of whatever metric.
    pub series: Set,
    /// The last metric they are complete for; `None` if they are for all.
    pub last: Option<Vec<u8>>,
}

impl Index {
    /// The series below `len` that are among some (all, if `None`) of the first metrics from `first` on, of
    /// so many metrics that they are `enough`.
    pub fn of_metrics(
        &self,
        registry: &Registry,
        among: Option<&Set>,
        len: u32,
        first: &[u8],
        enough: u64,
    ) -> OfMetrics {
        let view = self.view_of(registry, len);
        let mut found = OfMetrics { series: Set::new(), last: None };
        let key = values_of(METRIC_LABEL);
        let mut merge = Merge::from(&view.0, &[&key, first].concat());
        while let Some(metric) = merge.text().and_then(|text| text.strip_prefix(&*key)) {
            for posting in merge.postings() {
                found.series.extend(posting.ids_among(among).take_while(|&series| series < len));
            }
            if found.series.len() >= enough {
                found.last = Some(metric.to_vec());
                break;
            }
            merge.advance();
        }
        let tail = view.covered().min(len)..len;
        match among {
            Some(among) => found.series.extend(among.range(tail)),
            None => _ = found.series.insert_range(tail),
        }
        found
    }
}
