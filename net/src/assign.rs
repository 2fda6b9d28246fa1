//! `/api/uid/assign`: names made known by hand, for nodes that do not let new ones come into being.
//!
//! OpenTSDB numbers every name. Here only assigned ones have a number; a name that a series uses is
//! known without it, and gets one when somebody tries to assign it, for the answer that says so.

use crate::http::query::Query;
use crate::http::reply::{Framing, JSON, Reply};
use crate::node::Node;
use crate::point;
use crate::put::plain::reader::{Fault, Reader, Token};
use crate::put::reply::{bad_json, push_json_string};
use crate::workers::{Step, Task};
use irontsd_engine::assigned::NameKind;
use irontsd_engine::name;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
/// How deep a name stands in the body.
const NAME_DEPTH: usize = 3;

/// Names to assign: what they are for, as the client called it, and the names; `None` is a null.
pub type Wanted = Vec<(String, Vec<Option<String>>)>;

/// The names that a request asks for, or the answer to one that asks for none.
pub fn wanted(post: bool, query: &Query, body: &[u8]) -> Result<Wanted, Reply> {
    let wanted = if post { from_body(body)? } else { from_query(query) };
    if wanted.is_empty() {
        return Err(Reply::error(400, "Missing values to assign UIDs", None));
    }
    Ok(wanted)
}

fn from_query(query: &Query) -> Wanted {
    let names = |kind: &str| {
        let list = query.first(kind).filter(|list| !list.is_empty())?;
        // As Java splits: empty names at the end do not count.
        let names = list.trim_end_matches(',').split(',').map(|name| Some(name.to_owned()));
        Some((kind.to_owned(), names.collect()))
    };
    ["metric", "tagk", "tagv"].into_iter().filter_map(names).collect()
}

fn from_body(body: &[u8]) -> Result<Wanted, Reply> {
    if body.is_empty() {
        let details = "Supply valid JSON formatted data in the body of your request";
        return Err(Reply::error(400, "Missing message content", Some(details)));
    }
    let utf8 = std::str::from_utf8(body);
    utf8.map_err(|error| bad_json(Fault { at: error.valid_up_to(), what: "invalid UTF-8" }))?;
    read_body(body).map_err(bad_json)
}

fn read_body(body: &[u8]) -> Result<Wanted, Fault> {
    let mut reader = Reader::new(body);
    let at = reader.offset();
    if reader.token()? != Token::Object {
        return Err(Fault { at, what: "expected an object" });
    }
    let mut wanted = Wanted::new();
    while let Some(kind) = reader.key(wanted.is_empty())? {
        let at = reader.offset();
        if reader.token()? != Token::Array {
            return Err(Fault { at, what: "expected an array of names" });
        }
        let mut names = Vec::new();
        while reader.item(names.is_empty())? {
            let at = reader.offset();
            let token = reader.token()?;
            reader.skip(&token, NAME_DEPTH)?;
            names.push(match token {
                Token::Text(text) => Some(String::from_utf8_lossy(&text).into_owned()),
                Token::Number(text) | Token::Bool(text) => {
                    Some(String::from_utf8_lossy(text).into_owned())
                }
                Token::Null => None,
                _ => return Err(Fault { at, what: "the name is not a text" }),
            });
        }
        wanted.push((String::from_utf8_lossy(&kind).into_owned(), names));
    }
    Ok(wanted)
}

/// Assigns names and tells which; it waits for the disk.
#[derive(Debug)]
pub struct AssignTask {
    /// Whose names.
    pub node: Arc<Node>,
    /// How the answer is framed.
    pub framing: Framing,
    /// Which.
    pub wanted: Wanted,
}

impl Task for AssignTask {
    fn step(&mut self, out: &mut Vec<u8>) -> Step {
        assign(&self.node, &self.wanted).write(out, self.framing);
        Step::Done
    }
}

fn assign(node: &Node, wanted: &Wanted) -> Reply {
    let mut good = Vec::new();
    for (kind, names) in wanted {
        let names = names.iter().flatten();
        good.extend(names.filter_map(|name| check(node, kind, name).ok().zip(Some(&**name))));
    }
    let used = used_by_series(node, &good);
    let bytes: Vec<_> = good.iter().map(|&(kind, name)| (kind, name.as_bytes())).collect();
    let mut given = match node.engine.assigned().assign(&bytes) {
        Ok(given) => given.into_iter().zip(used),
        Err(error) => {
            let reason = error.to_string();
            tracing::error!("names were not assigned: {reason}");
            return Reply::error(503, "Names cannot be assigned", Some(&reason));
        }
    };
    let mut answer = Answer::default();
    for (kind, names) in wanted {
        let (mut uids, mut errors) = (BTreeMap::new(), BTreeMap::new());
        for name in names {
            let shown = name.as_deref().unwrap_or("null");
            let outcome = match name {
                None => Err(format!("Invalid {kind}: null")),
                Some(name) => check(node, kind, name),
            };
            // Exactly the names that passed the check were given numbers, in this order.
            match outcome.map(|_| given.next()) {
                Err(message) => drop(errors.insert(shown, message)),
                Ok(Some(((number, true), false))) => drop(uids.insert(shown, uid(number))),
                Ok(Some(((number, _), _))) => {
                    let message = format!("Name already exists with UID: {}", uid(number));
                    errors.insert(shown, message);
                }
                Ok(None) => {}
            }
        }
        answer.add(kind, &uids);
        if !errors.is_empty() {
            answer.failed = true;
            answer.add(&format!("{kind}_errors"), &errors);
        }
    }
    answer.reply()
}

fn check(node: &Node, kind: &str, name: &str) -> Result<NameKind, String> {
    let checked = point::check_name(&node.policy, kind, name.as_bytes());
    checked.map_err(|reject| reject.message)?;
    // OpenTSDB looks at the kind only after the name.
    match kind.to_lowercase().as_str() {
        "metric" => Ok(NameKind::Metric),
        "tagk" => Ok(NameKind::Tagk),
        "tagv" => Ok(NameKind::Tagv),
        _ => Err("Unknown type name".to_owned()),
    }
}

/// A number as OpenTSDB shows it, counted from 1.
fn uid(number: u32) -> String {
    format!("{:06X}", u64::from(number) + 1)
}

/// Which of some names any series uses.
fn used_by_series(node: &Node, names: &[(NameKind, &str)]) -> Vec<bool> {
    let mut places: [HashMap<&[u8], bool>; 3] = Default::default();
    for (kind, name) in names {
        places[*kind as usize - 1].insert(name.as_bytes(), false);
    }
    let [metrics, tagks, tagvs] = &mut places;
    let note = |names: &mut HashMap<&[u8], bool>, name: &[u8]| {
        if let Some(used) = names.get_mut(name) {
            *used = true;
        }
    };
    let registry = node.engine.registry();
    registry.each_name(0..registry.len(), |_, series| {
        note(metrics, &name::metric(series));
        for (key, value) in name::tags(series) {
            note(tagks, &key);
            note(tagvs, &value);
        }
    });
    names.iter().map(|(kind, name)| places[*kind as usize - 1][name.as_bytes()]).collect()
}

#[derive(Default)]
struct Answer {
    out: Vec<u8>,
    failed: bool,
}

impl Answer {
    fn add(&mut self, key: &str, members: &BTreeMap<&str, String>) {
        self.out.push(if self.out.is_empty() { b'{' } else { b',' });
        push_json_string(&mut self.out, key);
        self.out.extend_from_slice(b":{");
        for (at, (name, text)) in members.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            push_json_string(&mut self.out, name);
            self.out.push(b':');
            push_json_string(&mut self.out, text);
        }
        self.out.push(b'}');
    }

    fn reply(mut self) -> Reply {
        self.out.push(b'}');
        Reply::new(if self.failed { 400 } else { 200 }, JSON, self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> String {
        let answer = wanted(true, &Query::default(), body.as_bytes()).expect_err("refused");
        assert_eq!(answer.status, 400);
        String::from_utf8(answer.body).expect("UTF-8")
    }

    #[test]
    fn names_from_a_query_string() {
        let mut query = Query::default();
        query.add("metric=a,b,&tagv=%C3%A9&other=x&tagk=");
        let names = |names: &[&str]| names.iter().map(|name| Some((*name).to_owned())).collect();
        let expected =
            vec![("metric".to_owned(), names(&["a", "b"])), ("tagv".to_owned(), names(&["é"]))];
        assert_eq!(wanted(false, &query, b"{}").expect("names"), expected);
        assert_eq!(wanted(false, &Query::default(), b"").expect_err("none").status, 400);
    }

    #[test]
    fn names_from_a_body() {
        let body = br#" {"metric":["a",5,null,true],"x":[]} "#;
        let text = |text: &str| Some(text.to_owned());
        let expected = vec![
            ("metric".to_owned(), vec![text("a"), text("5"), None, text("true")]),
            ("x".to_owned(), vec![]),
        ];
        assert_eq!(wanted(true, &Query::default(), body).expect("names"), expected);
        assert!(refusal("").contains("Missing message content"));
        assert!(refusal("{}").contains("Missing values to assign UIDs"));
        assert!(refusal("[]").contains("expected an object at byte 0"));
        assert!(refusal(r#"{"metric":"a"}"#).contains("expected an array of names at byte 10"));
        assert!(refusal(r#"{"metric":[["a"]]}"#).contains("the name is not a text at byte 11"));
        assert!(refusal(r#"{"metric":["a"]"#).contains("the text ends too early at byte 15"));
    }
}
