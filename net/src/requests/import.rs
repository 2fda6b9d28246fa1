//! `/api/v1/import`, and series taken in commits of a bounded size.

use super::extra_labels;
use crate::event_loop::EventLoop;
use crate::http::reply::{PLAIN_JSON, Reply};
use crate::http::session::Request;
use crate::import;
use crate::intake::Content;
use crate::reject::{Protocol, Reject};

impl EventLoop {
    pub(super) fn import(&mut self, place: usize, request: &Request) {
        let extra = match extra_labels(&request.url_query(), false) {
            Ok(extra) => extra,
            Err(text) => return self.answer(place, &Reply::text(400, text)),
        };
        let node = self.node.clone();
        let mut lost = false;
        let outcome = import::judge(&request.body, &node.policy, &extra, |name, samples| {
            let points = samples.iter().map(|(ms, sample)| (*ms, sample.content()));
            lost = lost || !self.take_series(place, Protocol::Import, name, points)?;
            Ok(())
        });
        for (line, reject) in &outcome.errors {
            let input = format!("line {line}");
            self.intake(place).reject(Protocol::Import, reject, input.as_bytes());
        }
        for (reason, count) in outcome.more() {
            node.rejections.count_more(Protocol::Import, reason, count);
        }
        // What was lost is answered already, and the connection ends.
        if !lost {
            let (status, body) = import::answer(&outcome);
            let content_type = if status == 204 { "" } else { PLAIN_JSON };
            self.answer(place, &Reply::new(status, content_type, body));
        }
    }

    /// Takes samples of one series, in commits of a bounded size; whether all went well so far.
    pub(crate) fn take_series<'a>(
        &mut self,
        place: usize,
        protocol: Protocol,
        name: &[u8],
        samples: impl Iterator<Item = (i64, Content<'a>)> + Clone,
    ) -> Result<bool, Reject> {
        if let Some(oldest) = samples.clone().map(|(timestamp_ms, _)| timestamp_ms).min() {
            self.intake(place).admit(oldest)?;
        }
        let series = self.intake(place).series(name)?;
        for (timestamp_ms, content) in samples {
            self.intake(place).push_content(protocol, series, timestamp_ms, content);
            if !self.commit_if_many(place) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
