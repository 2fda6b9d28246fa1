//! `irontsd generate`, which the package is built with: manual pages and completions are printed
//! from the declaration of the flags, so they cannot be behind it.

use crate::flags::{Cli, Generate};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::io::{self, Write};
use std::process::ExitCode;

/// Exit code when there is no such page, or nobody takes it.
const CANNOT_PRINT: u8 = 1;

/// Prints what is asked for.
pub fn run(what: &Generate) -> ExitCode {
    match print(what, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(CANNOT_PRINT)
        }
    }
}

#[expect(clippy::print_stderr, reason = "the interface of this command")]
fn complain(error: &io::Error) {
    eprintln!("error: {error}");
}

fn print(what: &Generate, out: &mut impl Write) -> io::Result<()> {
    let mut cli = Cli::command();
    match what {
        Generate::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut cli, "irontsd", &mut script);
            out.write_all(&script)
        }
        Generate::Pages => pages(cli).iter().try_for_each(|page| writeln!(out, "{}", name(page))),
        Generate::Page { name: wanted } => {
            let found = pages(cli).into_iter().find(|page| name(page) == *wanted);
            let missing = || io::Error::other(format!("no page {wanted}: see `generate pages`"));
            let version = concat!("irontsd ", env!("CARGO_PKG_VERSION"));
            Man::new(found.ok_or_else(missing)?).manual("IronTSD").source(version).render(out)
        }
    }
}

/// The commands that have a page: all that are shown.
fn pages(mut cli: Command) -> Vec<Command> {
    cli.build();
    let mut pages = vec![cli];
    let mut at = 0;
    while let Some(page) = pages.get(at) {
        let shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
        let below: Vec<_> = page.get_subcommands().filter(shown).cloned().collect();
        pages.extend(below);
        at += 1;
    }
    pages
}

/// As `man` is asked for it.
fn name(page: &Command) -> String {
    page.get_display_name().unwrap_or_else(|| page.get_name()).to_owned()
}
