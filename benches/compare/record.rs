//! The result with everything needed to repeat it.

use std::path::Path;

use super::load::Load;
use super::machine::Machine;
use super::options::Options;
use super::run::Results;
use crate::Outcome;

const NOTES: [&str; 6] = [
    "The same bytes, made beforehand, go to each node in turn; each run starts on an empty \
     directory, so the first sample of every series is a new series.",
    "The senders run on the same cores as the server: points per second are those of both \
     together, CPU time is the server's alone (user and system, /proc/PID/stat).",
    "Accepted: IronTSD has answered `version` behind the last line of every connection, which \
     means logged and visible. VictoriaMetrics has closed every connection after its last line, \
     which means that the rows are in memory; it has no log.",
    "Sealed: every point lies in synced files. IronTSD is told to by /internal/force_flush; \
     VictoriaMetrics gets the same request and then writes after some 5 s by its own clock, so \
     compare its CPU there and not its seconds. Background merging runs as it does by default.",
    "Memory peaks: resident from VmHWM, anonymous sampled every 10 ms, both until sealed. Disk: \
     allocated blocks of the data directory with log, index and segments, when sealed, when \
     merged (both are asked to by /internal/force_merge) and after a clean stop, without the caches \
     that VictoriaMetrics saves when it stops. Merged too: all CPU from the first byte to the end of \
     that merge.",
    "GOGC and GOMAXPROCS are unset. Cores busy elsewhere, until accepted, should be near \
     0; a record with more was made on a machine that had other work.",
];

/// Everything about one comparison.
pub struct Record<'a> {
    /// How it was started.
    pub options: &'a Options,
    /// Where.
    pub machine: Machine,
    /// What was sent.
    pub load: &'a Load,
    /// What came out.
    pub results: &'a [Results],
    /// The same as a table.
    pub table: String,
}

impl Record<'_> {
    /// The record as Markdown.
    pub fn text(&self) -> String {
        let workload = format!("{:?}", self.options.workload).to_lowercase();
        let mut text = format!("# compare: {workload} lines\n\n{}\n", self.table);
        text += &format!("- load: {}\n", self.load);
        text += &format!("- runs of each node: {}, in turn\n", self.options.runs);
        for (name, value) in &self.machine.facts {
            text += &format!("- {name}: {value}\n");
        }
        for node in self.results {
            let flags = node.flags.join(" ");
            text += &format!("- {}: {}; flags `{flags}`\n", node.name, node.version);
        }
        text += &format!("- checked: {}\n", self.checks());
        text += &format!("- command: `{}`\n\n", command());
        NOTES.iter().for_each(|note| text += &format!("{note}\n\n"));
        text.trim_end().to_owned() + "\n"
    }

    fn checks(&self) -> String {
        let export = match self.options.skip_verify {
            true => "the export was not checked".to_owned(),
            false => format!("every run's export equals what was sent ({})", self.load.digest),
        };
        format!("every run's counters say all points stored, none refused; {export}")
    }
}

/// The command that repeats this.
fn command() -> String {
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let arguments: Vec<String> = arguments.collect();
    format!("cargo bench --bench compare -- {}", arguments.join(" ")).trim_end().to_owned()
}

/// Writes the record to a file. Cargo runs benchmarks in their package's directory, so a relative
/// path is taken from the workspace's root, where the command was given.
pub fn write(path: &Path, record: &Record<'_>) -> Outcome<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::write(root.join(path), record.text())
        .map_err(|error| format!("{}: {error}", path.display()).into())
}
