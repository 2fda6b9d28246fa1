//! A simulated disk, clock and chance, and an engine driven on them.
//!
//! `tree` is what a disk shows at one moment; `disk` is the disk, which records every change and
//! fails on demand; `cut` makes of a record what a power cut would leave; `history` is what was sent and
//! promised, and judges what is found later; `driver` sends it; `reopen` opens what is left of a disk.

pub mod cut;
pub mod disk;
pub mod driver;
pub mod history;
pub mod reopen;
pub mod tree;
pub mod world;
