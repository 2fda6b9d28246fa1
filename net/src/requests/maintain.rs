//! Requests that look after the data: flush, merge.

use crate::event_loop::EventLoop;
use crate::http::reply::{Framing, Reply, TEXT};
use crate::http::stream::Stream;
use crate::inbox::{ConnId, Message};
use crate::workers::Step;
use irontsd_engine::merger::Progress;

impl EventLoop {
    pub(super) fn start_flush(&mut self, place: usize) {
        let conn = &mut self.conns[place];
        conn.busy = true;
        let (id, handle) = (conn.id, self.handle.clone());
        let done = move |outcome| handle.send(Message::Flushed(id, outcome));
        self.node.engine.flush(Box::new(done));
    }

    pub(crate) fn flushed(&mut self, id: ConnId, outcome: Result<(), String>) {
        let Some(conn) = self.find(id) else { return };
        conn.busy = false;
        let answer = match outcome {
            Ok(()) => Reply::empty(200),
            Err(reason) => Reply::error(503, "The flush failed", Some(&reason)),
        };
        let mut bytes = Vec::new();
        answer.write(&mut bytes, conn.framing);
        conn.add_headers(&mut bytes, 0);
        conn.append(bytes);
        self.resume(id.place);
    }

    /// A line for each piece of progress, then one that says that all is merged. Without it, and
    /// without the final chunk, it is not.
    pub(super) fn start_merge(&mut self, place: usize) {
        let conn = &mut self.conns[place];
        conn.busy = true;
        conn.framing.keep_alive &= conn.framing.chunked;
        let (id, handle, mut bytes) = (conn.id, self.handle.clone(), Vec::new());
        let framing = Framing { gzip: false, ..conn.framing };
        let mut stream = Stream::begin(&mut bytes, TEXT, "", framing);
        conn.add_headers(&mut bytes, 0);
        conn.append(bytes);
        self.node.engine.merge(Box::new(move |progress| {
            let (text, step) = match progress {
                Progress::Going { segments, rows, of } => {
                    (format!("merging {segments} segments: {rows} of {of} samples\n"), None)
                }
                Progress::Done(Ok(())) => ("merged\n".to_owned(), Some(Step::Done)),
                Progress::Done(Err(reason)) => (format!("failed: {reason}\n"), Some(Step::Broken)),
            };
            let mut bytes = Vec::new();
            stream.piece(&mut bytes, |out| out.extend_from_slice(text.as_bytes()));
            match step {
                None => handle.send(Message::Progressed(id, bytes)),
                Some(step) => {
                    if step == Step::Done {
                        stream.end(&mut bytes, "");
                    }
                    handle.send(Message::Stepped { id, bytes, step, task: None });
                }
            }
        }));
    }
}
