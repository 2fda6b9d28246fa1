//! The result with everything needed to repeat it.

use std::path::Path;

use super::Outcome;
use super::node::Node;
use super::options::TestOptions;
use super::results::Results;
use ::irontsd::bench::machine;

/// Everything about one benchmark's run.
pub struct Record {
    /// The heading.
    pub title: String,
    /// The tables, as Markdown.
    pub tables: String,
    /// Name and value, in the order to print them.
    pub facts: Vec<(String, String)>,
    /// What the figures mean, paragraph by paragraph.
    pub notes: Vec<String>,
}

impl Record {
    /// A record that knows the machine; make it before anything is measured.
    pub fn begin(title: impl Into<String>, options: &TestOptions) -> Outcome<Self> {
        let file_system = ("file system", machine::file_system(&options.scratch()));
        let facts = machine::describe()?.into_iter().chain([file_system]);
        let facts = facts.map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Record { title: title.into(), tables: String::new(), facts, notes: Vec::new() })
    }

    /// Adds a fact.
    pub fn fact(&mut self, name: &str, value: impl Into<String>) {
        self.facts.push((name.to_owned(), value.into()));
    }

    /// Adds release and flags of a node.
    pub fn node(&mut self, node: &dyn Node) {
        self.program(node.name(), &node.version(), &node.flags());
    }

    /// Adds release and flags of each node.
    pub fn nodes<F>(&mut self, results: &[Results<F>]) {
        results.iter().for_each(|node| self.program(node.name, &node.version, &node.flags));
    }

    fn program(&mut self, name: &str, version: &str, flags: &[String]) {
        self.fact(name, format!("{version}; flags `{}`", flags.join(" ")));
    }

    /// Adds what the figures mean.
    pub fn notes(&mut self, notes: &[&str]) {
        self.notes.extend(notes.iter().map(|note| (*note).to_owned()));
    }

    /// The record as Markdown.
    pub fn text(&self) -> String {
        let mut text = format!("# {}\n\n{}\n\n", self.title, self.tables.trim());
        self.facts.iter().for_each(|(name, value)| text += &format!("- {name}: {value}\n"));
        text += &format!("- command: `{}`\n\n", command());
        self.notes.iter().for_each(|note| text += &format!("{note}\n\n"));
        text.trim_end().to_owned() + "\n"
    }

    /// Prints it, and writes it where the options say, if anywhere.
    pub fn publish(&self, options: &TestOptions) -> Outcome<()> {
        println!("\n{}", self.text());
        options.record.as_ref().map_or(Ok(()), |path| write(path, &self.text()))
    }
}

/// What cargo calls this benchmark.
pub fn bench_name() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    let name = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    // Cargo appends a hash.
    name.rsplit_once('-').map_or(name.clone(), |(bench, _)| bench.to_owned())
}

/// The command that repeats this.
fn command() -> String {
    let bench = bench_name();
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let arguments: Vec<String> = arguments.collect();
    let command = format!("cargo bench --bench {bench} -- {}", arguments.join(" "));
    command.trim_end_matches([' ', '-']).to_owned()
}

/// Writes a file. Cargo runs benchmarks in their package's directory, so a relative path is taken from the
/// workspace's root, where the command was given.
pub fn write(path: &Path, text: &str) -> Outcome<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::write(root.join(path), text)
        .map_err(|error| format!("{}: {error}", path.display()).into())
}
