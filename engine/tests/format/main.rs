//! `FORMAT.md` is what the engine does: its offset tables fit the bytes the engine writes, its tags
//! are those of the encoders, the engine decodes its examples to the values it states, a data
//! directory made by this version is read sample by sample, and a newer version is refused.

#![expect(clippy::disallowed_methods, reason = "files are copied and patched behind the engine")]

mod document;
mod examples;
mod golden;
mod tables;
mod versions;
