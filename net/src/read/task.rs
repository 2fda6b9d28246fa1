//! An export as a task for a worker: the head, the pieces, the end.

use super::args::ExportArgs;
use super::export::{Export, STEP_BYTES};
use super::formats::Skipped;
use crate::http::reply::{Framing, Reply};
use crate::http::stream::Stream;
use crate::memory::Level;
use crate::node::Node;
use crate::workers::{Step, Task};
use irontsd_engine::scan::Snapshot;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Exports in progress at the most: each may keep buffers and segments from being let go.
const EXPORTS_MAX: usize = 32;

/// Most pieces have a little more than a step's bytes.
const PIECE_BYTES: usize = STEP_BYTES + (32 << 10);

/// Trailer fields that tell what a shape had to leave out.
const SKIPPED: [&str; 2] = ["X-Irontsd-Skipped-Series", "X-Irontsd-Skipped-Samples"];
/// The same for what is damaged, where that is allowed.
const DAMAGED: &str = "X-Irontsd-Damaged-Blocks";

/// The right to one of the exports; given back when it ends, however it ends.
pub struct Ticket(Arc<Node>);

impl Ticket {
    /// A ticket, or the sentence that says why there is none.
    pub fn take(node: &Arc<Node>) -> Result<Ticket, String> {
        let ticket = Ticket(node.clone());
        if node.counters.exports.fetch_add(1, Relaxed) < EXPORTS_MAX {
            return Ok(ticket);
        }
        Err(format!("{EXPORTS_MAX} exports are in progress: try again later"))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.counters.exports.fetch_sub(1, Relaxed);
    }
}

/// See the module.
pub struct ExportTask {
    ticket: Ticket,
    state: State,
}

enum State {
    Asked { snapshot: Snapshot, series: u32, args: ExportArgs, framing: Framing },
    Going(Box<(Export, Stream)>),
}

impl ExportTask {
    /// An export of what is stored by now.
    pub fn new(ticket: Ticket, args: ExportArgs, framing: Framing) -> ExportTask {
        let engine = &ticket.0.engine;
        let (snapshot, series) = (engine.snapshot(), engine.registry().len());
        ExportTask { ticket, state: State::Asked { snapshot, series, args, framing } }
    }
}

impl Task for ExportTask {
    fn step(&mut self, out: &mut Vec<u8>) -> Step {
        let is_first = matches!(self.state, State::Asked { .. });
        if let State::Asked { snapshot, series, args, framing } = &self.state {
            if let Err(refusal) = self.ticket.0.memory.check(Level::Scarce) {
                Reply::text(503, refusal.message).write(out, *framing);
                return Step::Done;
            }
            let export = Export::start(&self.ticket.0, snapshot, *series, args);
            let mut export = match export {
                Ok(export) => export,
                Err(text) => {
                    Reply::text(400, text).write(out, *framing);
                    return Step::Done;
                }
            };
            let mut names = Vec::new();
            if args.format.may_skip() {
                names.extend(SKIPPED);
            }
            if args.allow_damaged {
                names.push(DAMAGED);
            }
            let names = names.join(", ");
            let content_type = args.format.content_type();
            let mut stream = Stream::begin(out, content_type, &names, *framing);
            stream.piece(out, |out| export.begin(out));
            self.state = State::Going(Box::new((export, stream)));
        }
        let State::Going(going) = &mut self.state else { return Step::Broken };
        let (export, stream) = &mut **going;
        if !is_first {
            // An export that goes on fills its pieces: they need not grow step by step.
            out.reserve(PIECE_BYTES);
        }
        match stream.piece(out, |out| export.step(out)) {
            Ok(true) => Step::More,
            Ok(false) => {
                let mut fields = export.skipped().map_or(String::new(), trailers);
                let blocks = export.lost_blocks();
                if export.allows_damaged() {
                    fields.push_str(&format!("{DAMAGED}: {blocks}\r\n"));
                }
                if blocks > 0 {
                    self.ticket.0.counters.damaged_exports.fetch_add(1, Relaxed);
                }
                stream.end(out, &fields);
                Step::Done
            }
            // What is readable was streamed; without the final chunk the client sees that it is not
            // all. The damage itself was told when it was met first.
            Err(error) => {
                stream.break_off(out);
                tracing::debug!("an export ends early: {error}");
                self.ticket.0.counters.damaged_exports.fetch_add(1, Relaxed);
                Step::Broken
            }
        }
    }
}

fn trailers(skipped: Skipped) -> String {
    let [series, samples] = SKIPPED;
    format!("{series}: {}\r\n{samples}: {}\r\n", skipped.series, skipped.samples)
}
