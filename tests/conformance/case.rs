//! The case files: a legend in the first line, then one case a line.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use crate::common::{Home, Json, Node};

use super::run::Verdict;

/// One case.
#[derive(Clone)]
pub struct Case {
    pub id: String,
    /// The line as it stands in the file.
    pub line: Arc<str>,
    pub json: Json,
}

/// The path of a file in `tests/cases/`.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/cases").join(name)
}

/// The text of a file in `tests/cases/`.
#[track_caller]
pub fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|e| panic!("tests/cases/{name}: {e}"))
}

/// Every case of a file.
pub fn load(name: &str) -> Vec<Case> {
    text(name).lines().skip(1).filter(|line| !line.is_empty()).map(Case::new).collect()
}

/// The legend of a file.
pub fn legend(name: &str) -> Json {
    Json::parse(text(name).lines().next().expect("a legend"))
}

impl Case {
    fn new(line: &str) -> Case {
        let json = Json::parse(line);
        Case { id: json.get("id").str().to_owned(), line: line.into(), json }
    }

    /// Whether the case says of itself that it may differ.
    pub fn is_optional(&self) -> bool {
        self.json.find("optional") == Some(&Json::Bool(true))
    }

    /// A node with the flags of this case and of `mode` on an empty directory.
    pub fn node(&self, mode: &str) -> Result<Node, String> {
        let flags = self.json.get("flags").items().iter().map(Json::str);
        let strict = (mode == "strict").then_some("--strict");
        start(&flags.chain(strict).collect::<Vec<_>>())
    }
}

/// A node with `flags` on an empty directory; flags that it does not know are its refusal.
pub fn start(flags: &[&str]) -> Result<Node, String> {
    let home = Home::new(&[&["--event-loops", "2"], flags].concat());
    Node::ready_or_ended(&home, home.launch()).map_err(|mut process| {
        let is_usage = process.exit_status().code() == Some(2);
        let log = process.log();
        let why = log.lines().next().unwrap_or_default().trim_start_matches("error: ");
        format!("{}: {why}", if is_usage { "flag" } else { "the node does not start" })
    })
}

/// Fails unless `holds`, with a message that is only made then.
pub fn ensure(holds: bool, message: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(message()) }
}
