//! The power is cut again and again while a node recovers from a power cut: in the end it shows exactly
//! what an undisturbed recovery shows.
//!
//! `IRONTSD_RECOVERY_CUTS=FIRST..END` says of which images the recovery is disturbed, each at every
//! operation of the disk, and three deep.

use crate::common::Node;
use crate::model::{Meaning, meaning};
use crate::power_cuts::{Run, for_each, numbers};
use crate::simulated::disk::SimulatedDisk;
use crate::simulated::driver::{DIR, open};
use crate::simulated::record::Op;
use crate::simulated::reopen::{Verdict, images};
use crate::simulated::tree::Tree;
use crate::simulated::world::SimulatedClock;
use fastrand::Rng;

/// Cuts of one chain behind the first.
const DEEP: u64 = 3;

/// What a node shows that recovers from a tree and flushes everything, and what that did to the disk.
fn recover(tree: &Tree, wall_ms: i64, salt: u64) -> Result<(Meaning, Vec<Op>), String> {
    let (disk, clock) = (SimulatedDisk::over(tree.clone()), SimulatedClock::new(wall_ms));
    let mut node: Node = open(&disk, DIR, &clock, salt, |_| {}).map_err(|e| e.to_string())?;
    let faults = node.engine.faults();
    if !faults.is_empty() {
        return Err(format!("what was not finished was taken for damage: {faults:?}"));
    }
    let before = meaning(&node.content((1, i64::MAX)), (1, i64::MAX));
    node.flush();
    let after = meaning(&node.content((1, i64::MAX)), (1, i64::MAX));
    drop(node);
    if before == after { Ok((after, disk.record())) } else { Err("a flush changes it".into()) }
}

/// Cuts a recovery once, at a place of luck, and goes on with what that leaves.
fn chain(tree: &Tree, wall_ms: i64, should: &Meaning, number: u64, deep: u64) -> Verdict {
    let (is, record) = recover(tree, wall_ms, (number << 4) + deep)?;
    if is != *should {
        return Err(format!("{deep} cuts later it shows something else"));
    }
    if deep == DEEP {
        return Ok(());
    }
    let cut = Rng::with_seed(number ^ (deep << 60)).usize(..=record.len());
    images(&record, tree, vec![(cut, number)], |_, _, image| {
        chain(image, wall_ms, should, number, deep + 1)
    });
    Ok(())
}

#[test]
fn a_recovery_may_be_cut_anywhere_three_deep() {
    for_each(numbers("IRONTSD_RECOVERY_CUTS", 0..40), |first| {
        let run = Run::new(first, 25);
        let cut = Rng::with_seed(first).usize(run.record.len() / 2..=run.record.len());
        images(&run.record, &Tree::new(), vec![(cut, first)], |cut, _, image| {
            let wall_ms = run.history.wall_ms(cut);
            let (should, record) = recover(image, wall_ms, first << 32)?;
            let cuts = (0..=record.len()).map(|cut| (cut, (first << 16) + cut as u64)).collect();
            images(&record, image, cuts, |_, number, image| {
                chain(image, wall_ms, &should, number, 1)
            });
            Ok(())
        });
    });
}
