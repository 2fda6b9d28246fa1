//! KairosDB's lines and bodies on an event loop.

use super::{body, errors};
use crate::conn::Speaks;
use crate::event_loop::EventLoop;
use crate::http::reply::Reply;
use crate::http::session::{Request, gunzip};
use crate::intake::{Content, Intake};
use crate::reject::{Protocol, Reason, Reject};
use std::borrow::Cow;

impl EventLoop {
    /// Takes the whole lines of a connection; how many bytes are done with.
    pub(crate) fn take_kairosdb(&mut self, place: usize, bytes: &[u8]) -> usize {
        let conn = &mut self.conns[place];
        let Speaks::Kairosdb(session) = &mut conn.speaks else { return 0 };
        let mut intake = Intake {
            node: &self.node,
            policy: &self.node.policy,
            lookup: &mut self.lookup,
            pending: &mut self.pending,
            peer: Some(conn.peer),
            oldest_ms: self.node.engine.oldest_ms(),
        };
        if intake.is_open() {
            return session.take(bytes, &mut intake, &mut conn.out);
        }
        // Lines have no answers, so a later one must not pass for theirs: the end tells.
        let (refused, mut out) = (intake.pending.refused, Vec::new());
        let taken = session.take(bytes, &mut intake, &mut out);
        if self.pending.refused > refused {
            conn.closing = true;
        } else {
            conn.out.extend_from_slice(&out);
        }
        taken
    }

    /// `POST /api/v1/datapoints`.
    pub(crate) fn datapoints(&mut self, place: usize, request: &Request) {
        let node = self.node.clone();
        let body = match unpacked(request, node.policy.body_bytes_max) {
            Ok(body) => body,
            Err(reject) => {
                self.intake(place).reject(Protocol::Kairosdb, &reject, b"");
                return self.answer(place, &errors::reply(400, [reject.message.as_str()]));
            }
        };
        let mut lost = false;
        let errors = body::judge(&body, &node.policy, |name, samples| {
            let points = samples.iter().map(|&(ms, value)| (ms, Content::Number(value)));
            lost = lost || !self.take_series(place, Protocol::Kairosdb, name, points)?;
            Ok(())
        });
        for reject in errors.listed() {
            self.intake(place).reject(Protocol::Kairosdb, reject, b"");
        }
        for (reason, count) in errors.more() {
            node.rejections.count_more(Protocol::Kairosdb, reason, count);
        }
        // What was lost is answered already, and the connection ends.
        if !lost {
            self.answer(place, &errors.reply());
        }
    }
}

/// KairosDB takes gzip also where only the content type says so.
fn unpacked(request: &Request, bytes_max: usize) -> Result<Cow<'_, [u8]>, Reject> {
    let head = &request.head;
    let gzip = head.content_type.as_deref().is_some_and(|kind| {
        kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/gzip")
    });
    if !gzip || head.content_encoding.is_some() {
        return Ok(Cow::Borrowed(&request.body));
    }
    match gunzip(&request.body, bytes_max) {
        Ok(body) if body.len() > bytes_max => {
            let message = format!("the body exceeds {bytes_max} bytes");
            Err(Reject::new(Reason::BodyTooLarge, message))
        }
        Ok(body) => Ok(Cow::Owned(body)),
        Err(error) => {
            let message = format!("the body does not decompress: {error}");
            Err(Reject::new(Reason::BadRequest, message))
        }
    }
}

/// The answer to points that could not be made durable.
pub(crate) fn unavailable(reason: &str) -> Reply {
    errors::reply(500, [reason])
}
