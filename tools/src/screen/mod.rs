//! The door to standard output for what is made for eyes: colours, the width of the terminal, and an
//! end without a word when nobody reads any more.

pub mod braille;
pub mod progress;
pub mod text;

use anstyle::{AnsiColor, Style};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};

/// Columns where no terminal says how many it has.
const WIDTH: usize = 100;
/// Columns below which nothing is made to fit.
const WIDTH_MIN: usize = 40;

/// Standard output, buffered.
pub struct Screen {
    out: BufWriter<Stdout>,
    paint: Paint,
    width: usize,
    /// The first failure; nothing is written after it.
    failed: Option<io::Error>,
}

/// Puts texts in colours, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub struct Paint(bool);

impl Paint {
    /// Colours if standard output is a terminal that has them and `NO_COLOR` is not set.
    pub fn of_stdout() -> Paint {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Paint(io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb)
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// A heading.
    pub fn head(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// What is wrong.
    pub fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    /// What is right.
    pub fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    /// What a picture is drawn with.
    pub fn ink(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }
}

impl Screen {
    /// Standard output, as wide as it is.
    pub fn new() -> Screen {
        let stdout = io::stdout();
        let size = rustix::termios::tcgetwinsize(&stdout).ok();
        let width = size.map_or(WIDTH, |size| usize::from(size.ws_col));
        let width = if width == 0 { WIDTH } else { width.max(WIDTH_MIN) };
        Screen { out: BufWriter::new(stdout), paint: Paint::of_stdout(), width, failed: None }
    }

    /// Colours for this output.
    pub fn paint(&self) -> Paint {
        self.paint
    }

    /// Columns there are.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether nobody reads any more, so nothing more need be made.
    pub fn is_gone(&self) -> bool {
        self.failed.is_some()
    }

    /// Prints a line.
    pub fn line(&mut self, text: &str) {
        if self.failed.is_none()
            && let Err(error) = writeln!(self.out, "{}", text.trim_end())
        {
            self.failed = Some(error);
        }
    }

    /// Prints an empty line and a heading.
    pub fn heading(&mut self, text: &str) {
        let text = self.paint.head(text);
        self.line("");
        self.line(&text);
    }

    /// Ends the output. A reader that went away is no error.
    pub fn end(mut self) -> Result<(), String> {
        let failed = self.failed.take().or_else(|| self.out.flush().err());
        match failed {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(format!("cannot write to standard output: {error}"))
            }
            _ => Ok(()),
        }
    }
}
