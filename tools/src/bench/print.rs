//! The door to the terminal: text to standard output, errors to standard error, colours where people
//! look. Who stops reading, such as `head`, is no error.

use std::io::{IsTerminal, Write};

/// Prints to standard output.
pub(super) fn say(text: &str) {
    let _gone = writeln!(std::io::stdout(), "{text}");
}

/// Prints an error to standard error.
pub(super) fn complain(text: &str) {
    let _gone = writeln!(std::io::stderr(), "error: {text}");
}

/// Colours, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    /// As standard output can show, and the user wishes (`NO_COLOR`).
    pub(super) fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Paint { on: std::io::stdout().is_terminal() && !unwanted }
    }

    /// What matters.
    pub(super) fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    /// What is beside it.
    pub(super) fn dim(self, text: &str) -> String {
        self.code("2", text)
    }

    /// What is well.
    pub(super) fn good(self, text: &str) -> String {
        self.code("32", text)
    }

    /// What is not.
    pub(super) fn bad(self, text: &str) -> String {
        self.code("31", text)
    }

    fn code(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
