//! The list of cases that are known not to pass yet, and the verdict over a file of cases.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::{env, fs, io};

use super::case::{self, Case};
use super::run::Verdict;

const NAME: &str = "pending.txt";

const HEADER: &str = "# file mode id reason: the cases that do not pass yet, written by \
                      IRONTSD_WRITE_PENDING=1; see tests/conformance.rs\n";

/// Characters of a reason.
const REASON_LENGTH_MAX: usize = 110;

/// The files of cases, in their order in the list.
const FILES: [&str; 3] = ["wire-telnet", "wire-http", "export"];

/// The tests of this process read and rewrite the list one after the other.
static TURN: Mutex<()> = Mutex::new(());

/// What the cases of one file found in one mode.
pub struct Outcome<'a> {
    mode: &'static str,
    verdicts: Vec<(&'a Case, Verdict)>,
}

/// A line of the list.
#[derive(Clone)]
struct Entry {
    file: String,
    mode: String,
    id: String,
    reason: String,
}

/// Prints the counts of a file and fails where the run and the list disagree.
#[track_caller]
pub fn judge(file: &str, outcomes: &[Outcome]) {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if env::var_os("IRONTSD_WRITE_PENDING").is_some_and(|v| v == "1") {
        rewrite(file, outcomes);
    }
    let listed = read();
    drop(turn);
    outcomes.iter().for_each(|outcome| outcome.print(file));
    let complaints = outcomes.iter().flat_map(|outcome| outcome.complaints(file, &listed));
    let complaints: Vec<String> = complaints.chain(strange(file, outcomes, &listed)).collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

impl<'a> Outcome<'a> {
    /// The verdicts over `cases`, in their order.
    pub fn new(mode: &'static str, cases: &'a [Case], verdicts: Vec<Verdict>) -> Outcome<'a> {
        Outcome { mode, verdicts: cases.iter().zip(verdicts).collect() }
    }

    /// Prints the counts, and the cases asked for by name, past the harness.
    fn print(&self, file: &str) {
        let (mode, all) = (self.mode, self.verdicts.len());
        let failed = self.verdicts.iter().filter(|(_, verdict)| verdict.is_err()).count();
        let name = if file == mode { file } else { &format!("{} {mode}", &file["wire-".len()..]) };
        let counts = format!("{}/{all} passed, {failed} pending", all - failed);
        let _ = writeln!(io::stderr(), "conformance: {name} {counts}");
        let Ok(part) = env::var("IRONTSD_SHOW_CASES") else { return };
        for (case, verdict) in self.verdicts.iter().filter(|(case, _)| case.id.contains(&part)) {
            let verdict = verdict.as_ref().map_or_else(String::as_str, |()| "passed");
            let _ = writeln!(io::stderr(), "{file} {mode} {}: {verdict}", case.id);
        }
    }

    /// Failures outside the list and successes inside it.
    fn complaints(&self, file: &str, listed: &[Entry]) -> Vec<String> {
        let complaint = |(case, verdict): &(&Case, Verdict)| {
            let name = format!("{file} {} {}", self.mode, case.id);
            let is_listed = listed.iter().any(|entry| entry.names(file, self.mode, &case.id));
            match (verdict, is_listed) {
                (Err(found), false) => Some(format!("{name}: {found}")),
                (Ok(()), true) => Some(format!("{name}: passes, remove it from cases/{NAME}")),
                _ => None,
            }
        };
        self.verdicts.iter().filter_map(complaint).collect()
    }

    /// The lines of the list that this run calls for.
    fn entries(&self, file: &str, listed: &[Entry]) -> Vec<Entry> {
        let entry = |(case, verdict): &(&Case, Verdict)| {
            let found = verdict.as_ref().err()?;
            Some(self.entry(file, case, found, listed))
        };
        self.verdicts.iter().filter_map(entry).collect()
    }

    fn entry(&self, file: &str, case: &Case, found: &str, listed: &[Entry]) -> Entry {
        let known = listed.iter().find(|entry| entry.names(file, self.mode, &case.id));
        let reason = match known {
            // Such a case may stay: what somebody wrote about it stays too.
            Some(entry) if case.is_optional() => entry.reason.clone(),
            _ if case.is_optional() => short(&format!("optional: {found}")),
            _ => short(found),
        };
        let (file, mode, id) = (file.to_owned(), self.mode.to_owned(), case.id.clone());
        Entry { file, mode, id, reason }
    }
}

impl Entry {
    #[track_caller]
    fn parse(line: &str) -> Entry {
        let words: Vec<String> = line.splitn(4, ' ').map(str::to_owned).collect();
        let words = <[String; 4]>::try_from(words);
        let [file, mode, id, reason] = words.unwrap_or_else(|_| panic!("{NAME}: {line:?}"));
        Entry { file, mode, id, reason }
    }

    fn names(&self, file: &str, mode: &str, id: &str) -> bool {
        self.file == file && self.mode == mode && self.id == id
    }

    fn line(&self) -> String {
        format!("{} {} {} {}\n", self.file, self.mode, self.id, self.reason)
    }
}

/// Complaints about lines that are repeated, or whose case was not run.
fn strange(file: &str, outcomes: &[Outcome], listed: &[Entry]) -> Vec<String> {
    let ran = |entry: &Entry| {
        let outcome = outcomes.iter().find(|outcome| outcome.mode == entry.mode);
        outcome.is_some_and(|outcome| outcome.verdicts.iter().any(|(case, _)| case.id == entry.id))
    };
    let is_strange = |(place, entry): &(usize, &Entry)| {
        let known = !FILES.contains(&entry.file.as_str());
        let repeated = |other: &Entry| other.names(&entry.file, &entry.mode, &entry.id);
        known || entry.file == file && (!ran(entry) || listed[..*place].iter().any(repeated))
    };
    let strange = listed.iter().enumerate().filter(is_strange);
    strange.map(|(_, entry)| format!("cases/{NAME}: strange: {}", entry.line().trim())).collect()
}

fn read() -> Vec<Entry> {
    let text = fs::read_to_string(case::path(NAME)).unwrap_or_default();
    text.lines().filter(|line| !line.starts_with('#')).map(Entry::parse).collect()
}

/// Replaces the lines of one file of cases.
fn rewrite(file: &str, outcomes: &[Outcome]) {
    let old = read();
    let mut entries: Vec<Entry> = old.iter().filter(|entry| entry.file != file).cloned().collect();
    entries.extend(outcomes.iter().flat_map(|outcome| outcome.entries(file, &old)));
    entries.sort_by_key(|entry| FILES.iter().position(|file| *file == entry.file));
    let text: String = entries.iter().map(Entry::line).collect();
    fs::write(case::path(NAME), format!("{HEADER}{text}")).expect("the list can be written");
}

/// One line of bounded length.
fn short(found: &str) -> String {
    let line = found.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(REASON_LENGTH_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
