//! The engine's own code, driven by a few threads of a checker.

pub mod buffer;
pub mod epochs;
pub mod files;
pub mod gate;

#[cfg(feature = "loom")]
pub use loom::thread;
#[cfg(not(feature = "loom"))]
pub use shuttle::thread;
