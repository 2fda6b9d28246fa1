//! A small data directory with every kind of file, and what it was on the way there.

use crate::common::{Model, Node, Sample};
use crate::simulated::disk::SimulatedDisk;
use crate::simulated::driver::{DIR, open};
use crate::simulated::history::AGE_MS;
use crate::simulated::tree::Tree;
use crate::simulated::world::SimulatedClock;
use fastrand::Rng;
use irontsd_engine::assigned::NameKind;
use irontsd_engine::histogram::Histogram;
use irontsd_engine::shard::Shard;
use irontsd_engine::types::{Samples, Value};

/// See the module. No sample is written twice.
pub struct Directory {
    /// The disk with it, at rest.
    pub tree: Tree,
    /// The same at earlier moments.
    pub earlier: Vec<Tree>,
    pub model: Model,
    /// What was synced of it; the rest may go without a word, as if the node had been killed earlier.
    pub synced: Model,
    pub seed: u64,
}

const SERIES: u8 = 7;

impl Directory {
    /// Left by an orderly stop, or else by a kill.
    pub fn new(seed: u64, is_stopped: bool) -> Directory {
        let disk = SimulatedDisk::over(Tree::new());
        let clock = SimulatedClock::new(AGE_MS);
        let mut node = open(&disk, DIR, &clock, seed << 4, |_| {}).expect("opens");
        let (mut rng, mut model) = (Rng::with_seed(seed), Model::new());
        let mut earlier = Vec::new();
        fill(&mut node, 1..9, &mut rng, &mut model);
        node.flush();
        earlier.push(disk.tree());
        fill(&mut node, 9..15, &mut rng, &mut model);
        node.merge();
        earlier.push(disk.tree());
        let names: [(NameKind, &[u8]); 2] = [(NameKind::Metric, b"one"), (NameKind::Tagk, b"two")];
        node.engine.assigned().assign(&names).expect("assigned");
        fill(&mut node, 15..20, &mut rng, &mut model);
        node.flush();
        earlier.push(disk.tree());
        for (series, times) in [(1, (3, 5)), (2, (4, 4))] {
            node.delete(&[series], times, &mut model);
            earlier.push(disk.tree());
        }
        node.commit(0, &[row(SERIES, 30, &mut rng)], &mut model);
        let synced = if is_stopped {
            node.close();
            model.clone()
        } else {
            for times in [20..23, 23..25] {
                fill(&mut node, times, &mut rng, &mut model);
                sync(&mut node);
                earlier.push(disk.tree());
            }
            let synced = model.clone();
            fill(&mut node, 25..27, &mut rng, &mut model);
            node.commit(0, &[row(SERIES + 2, 30, &mut rng)], &mut model);
            // An engine that is let go syncs its logs once more; a process that is killed does not.
            let killed = disk.tree();
            drop(node);
            return Directory { tree: killed, earlier, model, synced, seed };
        };
        Directory { tree: disk.tree(), earlier, model, synced, seed }
    }

    /// A row of a series that nobody has sent before.
    pub fn later_row(&self) -> (u8, i64, Sample) {
        (SERIES + 1, 40, Sample::Number(Value::integer(-1)))
    }
}

/// Integers, decimals, doubles and histograms; every one is another.
fn row(series: u8, time: i64, rng: &mut Rng) -> (u8, i64, Sample) {
    let number = i64::from(series) * 1000 + time;
    let sample = match series {
        0 => Sample::Number(Value::integer(number)),
        1 | 2 => Sample::Number(Value::float(number as f64 / 4.0)),
        3 => Sample::Number(Value::integer(rng.i64(..))),
        4 => {
            let mut bytes = Vec::new();
            let opaque = Histogram::Opaque { id: 7, bytes: number.to_le_bytes().to_vec() };
            opaque.encode(&mut bytes).expect("short");
            Sample::Histogram(bytes)
        }
        _ => Sample::Number(Value::float(rng.f64())),
    };
    (series, time, sample)
}

/// Commits rows of all series, in turn through both shards.
fn fill(node: &mut Node, times: std::ops::Range<i64>, rng: &mut Rng, model: &mut Model) {
    for time in times {
        let rows: Vec<_> = (0..SERIES).map(|series| row(series, time, rng)).collect();
        node.commit(usize::from(time % 2 == 1), &rows, model);
    }
}

/// Waits until all that is committed is synced.
fn sync(node: &mut Node) {
    node.shards[0].request_sync();
    while node.shards.iter().any(|shard| shard.synced() < shard.committed()) {
        node.shards.iter_mut().for_each(Shard::poll);
        std::thread::yield_now();
    }
}

/// One of the samples read.
pub fn sample(samples: &Samples, at: usize) -> Sample {
    match samples.histogram(at) {
        Some(bytes) => Sample::Histogram(bytes.to_vec()),
        None => Sample::Number(samples.value(at)),
    }
}
