//! A simulated disk, clock and chance, and an engine driven on them.
//!
//! `tree` is what a disk shows at one moment; `disk` is the disk, which keeps a `record` of every change
//! and has a `fault` on demand; `cut` makes of a record what a power cut would leave; `history` is what was
//! sent and promised, and judges what is found later; `driver` sends it, `rows` are what it sends; `reopen`
//! opens what is left of a disk; `world` has clock and chance.

pub mod cut;
pub mod disk;
pub mod driver;
pub mod fault;
pub mod history;
pub mod record;
pub mod reopen;
pub mod rows;
pub mod tree;
pub mod world;
