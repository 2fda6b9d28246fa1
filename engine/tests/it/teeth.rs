//! Would the tests of power cuts notice? Each kind of sync does nothing in turn, as if the engine had left
//! it out, and then some power cut must lose something.

use crate::power_cuts::Run;
use crate::simulated::driver::Driver;
use crate::simulated::fault::Ignored::{self, Dirs, Files};
use crate::simulated::history::End;
use crate::simulated::reopen::{first_bad, judge_thoroughly};
use crate::simulated::tree::Tree;
use fastrand::Rng;

const LEFT_OUT: [Ignored; 12] = [
    Files(".log"),
    Files(".names"),
    Files(".seg.tmp"),
    Files(".part.tmp"),
    Files(".ids"),
    Files("MANIFEST.tmp"),
    Dirs("/data"),
    Dirs("/data/log"),
    Dirs("/data/segments"),
    Dirs("/data/names"),
    Dirs("/data/snapshots"),
    Dirs(".tmp/segments"),
];

/// What a power cut loses of some run, if anything.
fn loss(ignored: Ignored) -> Option<String> {
    (0..24).find_map(|seed| {
        let driver = Driver::new(seed, true);
        driver.disk.ignore_syncs(ignored);
        let run = Run::of(driver, 40);
        let cut = |number: u64| (Rng::with_seed(!number).usize(..=run.record.len()), number);
        let cuts = (0..100).map(cut).collect();
        let judge = |cut, number, image: &Tree| {
            judge_thoroughly(&run.history, image, End::PowerCut(cut), number)
        };
        first_bad(&run.record, &Tree::new(), cuts, judge).map(|(.., complaint)| complaint)
    })
}

#[test]
fn every_sync_that_is_left_out_is_noticed() {
    for ignored in LEFT_OUT {
        assert!(loss(ignored).is_some(), "{ignored:?}: nothing was ever lost");
    }
}
