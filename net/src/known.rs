//! Which metrics, tag keys and tag values are known, for nodes that refuse new ones
//! (`--auto-create-metrics off` and its siblings). Known is what any series uses.

use crate::policy::Creates;
use crate::reject::{Reason, Reject};
use irontsd_engine::name;
use irontsd_engine::series::Registry;
use parking_lot::Mutex;
use std::collections::HashSet;

/// See the module. Empty and unused while everything may be created.
#[derive(Debug, Default)]
pub struct Known(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    /// Series up to here have been looked at.
    series: u32,
    metrics: HashSet<Vec<u8>>,
    tagks: HashSet<Vec<u8>>,
    tagvs: HashSet<Vec<u8>>,
}

impl Known {
    /// Refuses a new series if it would bring a name of a kind that may not be created.
    pub fn check(
        &self,
        creates: Creates,
        registry: &Registry,
        series: &[u8],
    ) -> Result<(), Reject> {
        if creates.all() || registry.find(series).is_some() {
            return Ok(());
        }
        let mut names = self.0.lock();
        names.learn(registry);
        let unknown = |kind: &str, name: &[u8]| {
            let name = String::from_utf8_lossy(name);
            let message = format!("No such name for '{kind}': '{name}'");
            Err(Reject::new(Reason::UnknownName, message))
        };
        let metric = name::metric(series);
        if !creates.metrics && !names.metrics.contains(&*metric) {
            return unknown("metrics", &metric);
        }
        for (key, value) in name::tags(series) {
            if !creates.tagks && !names.tagks.contains(&*key) {
                return unknown("tagk", &key);
            }
            if !creates.tagvs && !names.tagvs.contains(&*value) {
                return unknown("tagv", &value);
            }
        }
        Ok(())
    }
}

impl Names {
    fn learn(&mut self, registry: &Registry) {
        let all = registry.names();
        for series in self.series..all.len() {
            let series = all.get(series);
            self.metrics.insert(name::metric(series).into_owned());
            for (key, value) in name::tags(series) {
                self.tagks.insert(key.into_owned());
                self.tagvs.insert(value.into_owned());
            }
        }
        self.series = all.len();
    }
}
