//! The export cases: requests on the HTTP port of nodes that hold a data set.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;

use flate2::read::MultiGzDecoder;

use crate::common::{Http, Json, Node, Response, Telnet};

use super::case::{self, Case, ensure};
use super::compare::{self, Rules};
use super::run::Verdict;
use super::{http, lines, stored};

/// The data set of a node that holds nothing; a case on it gets a node of its own.
const EMPTY: &str = "none";

/// The nodes that hold the data sets, by name; these are only read.
pub type DataSets = BTreeMap<String, Target>;

/// Where a node listens.
pub struct Target {
    opentsdb: SocketAddr,
    http: SocketAddr,
    /// The clock when it started, at a whole second.
    now_ms: i64,
}

/// Starts and fills a node for every data set of the legend.
pub fn load() -> (Vec<Node>, DataSets) {
    let legend = case::legend("export.jsonl");
    let sets = legend.get("datasets").members().iter().filter(|(name, _)| name != EMPTY);
    let load = |(name, steps): &(String, Json)| {
        let (node, target) = Target::start().expect("a node without flags");
        target.take(steps);
        (node, (name.clone(), target))
    };
    sets.map(load).unzip()
}

/// Runs a case on the node of its data set, or on one of its own.
pub fn run(case: &Case, sets: &DataSets) -> Verdict {
    match case.json.get("dataset").str() {
        EMPTY => {
            let (_node, target) = Target::start()?;
            target.run(case)
        }
        name => sets[name].run(case),
    }
}

impl Target {
    fn start() -> Result<(Node, Target), String> {
        let node = case::start(&[])?;
        let (opentsdb, http) = (node.opentsdb(), node.http());
        let now_ms = stored::now_ms() / 1000 * 1000;
        Ok((node, Target { opentsdb, http, now_ms }))
    }

    fn run(&self, case: &Case) -> Verdict {
        let case = ours(Json::parse(&self.dated(&case.line)));
        if let Some(steps) = case.find("setup") {
            self.take(steps);
        }
        check_answer(&http::request(self.http, &case), &case)
    }

    /// Does the steps of a data set or setup and seals what they stored.
    fn take(&self, steps: &Json) {
        steps.items().iter().for_each(|step| self.step(step));
        let sealed = Http::connect(self.http).post("/internal/force_flush", b"");
        assert_eq!(sealed.status, 200, "force_flush");
    }

    /// Whatever a step answers: what it should have stored is the matter of the cases.
    fn step(&self, step: &Json) {
        if let Some(text) = step.find("telnet") {
            self.telnet(text.str());
        } else if let Some(file) = step.find("telnet_file") {
            self.telnet(&case::text(file.str()));
        } else if let Some(file) = step.find("put_file") {
            Http::connect(self.http).post("/api/put", case::text(file.str()).as_bytes());
        } else {
            http::request(self.http, step);
        }
    }

    fn telnet(&self, lines: &str) {
        Telnet::connect(self.opentsdb).send(self.dated(lines)).barrier();
    }

    /// The text with `{{now_s-60}}` and `{{now_ms+1}}` replaced by what they stand for.
    fn dated(&self, text: &str) -> String {
        let mut parts = text.split("{{now_");
        let mut dated = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (stamp, rest) = part.split_once("}}").expect("closing braces");
            let (unit, offset) = stamp.split_at(stamp.find(['+', '-']).expect("an offset"));
            let now = if unit == "ms" { self.now_ms } else { self.now_ms / 1000 };
            dated += &(now + offset.parse::<i64>().expect("an offset")).to_string();
            dated += rest;
        }
        dated
    }
}

/// The case with the fields of `irontsd` in the place of the peer's.
fn ours(case: Json) -> Json {
    let changes = case.find("irontsd").map(|ours| ours.members().to_vec()).unwrap_or_default();
    let Json::Object(mut members) = case else { panic!("not an object") };
    members.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    members.extend(changes.into_iter().filter(|(_, value)| *value != Json::Null));
    Json::Object(members)
}

fn check_answer(answer: &Response, case: &Json) -> Verdict {
    http::check_status(answer, case)?;
    if let Some(wanted) = case.find("content_type").map(Json::str) {
        let found = answer.header("content-type").unwrap_or_default();
        ensure(found == wanted, || format!("content type {found:?}, not {wanted:?}"))?;
    }
    http::check_headers(answer, case.find("response_headers"))?;
    let body = text(answer)?;
    http::check_body(&body, case)?;
    if case.find("series").is_some() {
        lines::check_series(&body, case)?;
    }
    if case.find("lines").is_some() {
        lines::check_text(&body, case)?;
    }
    case.find("json").map_or(Ok(()), |json| check_json(&body, json, case))
}

/// The body as text, unpacked if it is packed.
fn text(answer: &Response) -> Result<String, String> {
    let mut body = answer.body.clone();
    if answer.header("content-encoding") == Some("gzip") {
        body.clear();
        let unpacked = MultiGzDecoder::new(answer.body.as_slice()).read_to_end(&mut body);
        unpacked.map_err(|error| format!("not gzip: {error}"))?;
    }
    String::from_utf8(body).map_err(|error| format!("not UTF-8: {error}"))
}

fn check_json(body: &str, expected: &Json, case: &Json) -> Verdict {
    let unordered = case.find("unordered").map(Json::items).unwrap_or_default();
    let unordered: Vec<String> = unordered.iter().map(|path| path.str().to_owned()).collect();
    compare::check(expected, &Json::parse(body), &Rules { subset: false, unordered: &unordered })
}

#[test]
fn placeholders_count_from_the_start() {
    let addr = SocketAddr::from(([127, 0, 0, 1], 1));
    let target = Target { opentsdb: addr, http: addr, now_ms: 5_000_000 };
    let text = target.dated("a {{now_s-60}} b {{now_ms+1}}{{now_s+0}}");
    assert_eq!(text, "a 4940 b 50000015000");
}

#[test]
fn the_fields_of_irontsd_replace_the_peers() {
    let ours = ours(Json::parse(r#"{"a":1,"b":2,"c":3,"irontsd":{"a":null,"b":4,"d":5}}"#));
    let fields = ["a", "b", "c", "d"].map(|name| ours.find(name).map(Json::str));
    assert_eq!(fields, [None, Some("4"), Some("3"), Some("5")]);
}
