//! Series names on disk and in memory.
//!
//! `coded` packs a list of names, `slots` finds a name among many by its hash, `filter` tells of most
//! that they are not there (all pure); `part` is a sealed, mapped file of names and slots; `groups` makes the names of a segment; `log` is the append-only files
//! that names go to first; `tail` holds in memory what no part holds yet; `seal` decides when which
//! becomes which; `load` reads all at a start. [`crate::series::Registry`] puts them together.

pub mod coded;
mod filter;
pub mod groups;
pub mod ids;
pub mod load;
pub mod log;
pub mod part;
pub(crate) mod seal;
pub mod slots;
pub mod tail;
