//! Which metrics, tag keys and tag values are known, for nodes that refuse new ones
//! (`--auto-create-metrics off` and its siblings). Known is what any series uses or somebody assigned.

use crate::policy::Creates;
use crate::reject::{Reason, Reject};
use irontsd_engine::assigned::NameKind;
use irontsd_engine::engine::Engine;
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
    pub fn check(&self, creates: Creates, engine: &Engine, series: &[u8]) -> Result<(), Reject> {
        let registry = engine.registry();
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
        let assigned = |kind, name: &[u8]| engine.assigned().find(kind, name).is_some();
        let metric = name::metric(series);
        let is_known = names.metrics.contains(&*metric) || assigned(NameKind::Metric, &metric);
        if !creates.metrics && !is_known {
            return unknown("metrics", &metric);
        }
        for (key, value) in name::tags(series) {
            let is_known = names.tagks.contains(&*key) || assigned(NameKind::Tagk, &key);
            if !creates.tagks && !is_known {
                return unknown("tagk", &key);
            }
            let is_known = names.tagvs.contains(&*value) || assigned(NameKind::Tagv, &value);
            if !creates.tagvs && !is_known {
                return unknown("tagv", &value);
            }
        }
        Ok(())
    }
}

impl Names {
    fn learn(&mut self, registry: &Registry) {
        let len = registry.len();
        registry.each_name(self.series..len, |_, series| {
            self.metrics.insert(name::metric(series).into_owned());
            for (key, value) in name::tags(series) {
                self.tagks.insert(key.into_owned());
                self.tagvs.insert(value.into_owned());
            }
        });
        self.series = len;
    }
}
