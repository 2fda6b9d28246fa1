//! What was wrong in a KairosDB body, and the answer that says so. Pure.

use crate::http::reply::{PLAIN_JSON, Reply};
use crate::put::reply::push_json_string;
use crate::reject::{Reason, Reject};

/// Errors listed in an answer at the most; a body can hold millions.
const LISTED_MAX: usize = 100;
/// KairosDB sends these with each answer.
const HEADERS: &str = "Access-Control-Allow-Origin: *\r\nPragma: no-cache\r\n\
                       Cache-Control: no-cache\r\nExpires: 0\r\n";

/// See the module.
#[derive(Debug, Default)]
pub struct Errors {
    listed: Vec<Reject>,
    /// Those beyond, by reason.
    more: [u64; Reason::ALL.len()],
}

impl Errors {
    /// Adds one; its text is made only if it is listed.
    pub fn add(&mut self, reason: Reason, message: impl FnOnce() -> String) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push(Reject::new(reason, message()));
        } else {
            self.more[reason as usize] += 1;
        }
    }

    /// The first hundred, in the order of the body.
    pub fn listed(&self) -> &[Reject] {
        &self.listed
    }

    /// How many more there were of each reason.
    pub fn more(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.iter().copied().zip(self.more).filter(|(_, count)| *count > 0)
    }

    /// The answer: 204, or 400 with the errors.
    pub fn reply(&self) -> Reply {
        if self.listed.is_empty() {
            return Reply { headers: HEADERS.to_owned(), ..Reply::empty(204) };
        }
        let more: u64 = self.more.iter().sum();
        let more = (more > 0).then(|| format!("and {more} more"));
        let texts = self.listed.iter().map(|reject| reject.message.as_str());
        reply(400, texts.chain(more.as_deref()))
    }
}

/// An answer that lists errors.
pub fn reply<'a>(status: u16, texts: impl IntoIterator<Item = &'a str>) -> Reply {
    let mut body = b"{\"errors\":[".to_vec();
    for (at, text) in texts.into_iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        push_json_string(&mut body, text);
    }
    body.extend_from_slice(b"]}");
    Reply { headers: HEADERS.to_owned(), ..Reply::new(status, PLAIN_JSON, body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_are_listed_and_all_are_counted() {
        let mut errors = Errors::default();
        assert_eq!(errors.reply().status, 204);
        (0..103).for_each(|n| errors.add(Reason::Json, || format!("error {n}")));
        assert_eq!(errors.more().collect::<Vec<_>>(), [(Reason::Json, 3)]);
        let answer = errors.reply();
        let text = String::from_utf8(answer.body).expect("UTF-8");
        assert_eq!(answer.status, 400);
        assert!(text.starts_with("{\"errors\":[\"error 0\",\"error 1\","), "{text}");
        assert!(text.ends_with("\"error 99\",\"and 3 more\"]}"), "{text}");
    }
}
