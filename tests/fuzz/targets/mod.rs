//! What is fuzzed: readers of bytes from outside. Each target takes any bytes and panics if a fast path
//! does not do what its plain twin does, or if something that must always hold does not.
//!
//! Where checksums would stop all changed bytes, a target puts them right first (`repair`), so that
//! what lies behind them is reached: a hostile file has good checksums.

pub mod chunked;
pub mod head;
pub mod histogram;
pub mod import_lines;
pub mod kairosdb;
pub mod log;
pub mod manifest;
pub mod memory_disk;
pub mod names;
pub mod packed;
pub mod put;
pub mod repair;
pub mod segment;
pub mod selector;
pub mod telnet;
pub mod time;

/// A target and its name, which its folder of seeds has, too.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: &[Target] = &[
    ("telnet", telnet::check),
    ("head", head::check),
    ("chunked", chunked::check),
    ("packed", packed::check),
    ("put", put::check),
    ("histogram", histogram::check),
    ("kairosdb", kairosdb::check),
    ("selector", selector::check),
    ("time", time::check),
    ("import", import_lines::check),
    ("log", log::check),
    ("manifest", manifest::check),
    ("segment", segment::check),
    ("names", names::check),
];

/// Cuts bytes into pieces of one size, or leaves them whole for 0.
fn pieces(bytes: &[u8], size: u8) -> impl Iterator<Item = &[u8]> {
    let size = if size == 0 { bytes.len().max(1) } else { size.into() };
    bytes.chunks(size)
}
