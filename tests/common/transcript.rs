//! What a command was, printed and ended with, as one text that `snapshot` compares.

use std::process::Command;

/// Runs a command without a user's environment: its line, outputs and exit code. Messages of the log
/// lose their time, and every `from` of `changes` becomes its `to`.
#[track_caller]
pub fn transcript(command: &mut Command, changes: &[(&str, &str)]) -> String {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("IRONTSD_") {
            command.env_remove(name);
        }
    }
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let arguments: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    let mut text = format!("$ irontsd {}\n", arguments.join(" "));
    for (name, bytes) in [("", &output.stdout), ("standard error:\n", &output.stderr)] {
        if !bytes.is_empty() {
            text.push_str(name);
            String::from_utf8_lossy(bytes).lines().for_each(|line| {
                text.push_str(untimed(line));
                text.push('\n');
            });
        }
    }
    let code = output.status.code().unwrap_or_else(|| panic!("{command:?}: {}", output.status));
    text.push_str(&format!("exit code {code}\n"));
    changes.iter().fold(text, |text, (from, to)| text.replace(from, to))
}

/// A line of the log without its time.
fn untimed(line: &str) -> &str {
    let time = line.split(' ').next().unwrap_or_default();
    let is_time = time.len() > 20 && time.starts_with("20") && time.ends_with('Z');
    if is_time { line[time.len()..].trim_start() } else { line }
}
