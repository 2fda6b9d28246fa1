//! The `irontsd` binary: reads the command line, sets up logging, hands over.

use clap::Parser;
use irontsd::flags::{Cli, Command, NameKind, Uid};
use irontsd::{assign, bench, config, export, generate, import, inspect, logging, serve, verify};
use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::parse().command {
        Some(Command::Serve(_)) => run_node(arguments(1)),
        // No command: the defaults and the environment, as `serve` alone would take them.
        None => run_node(vec!["irontsd".into()]),
        Some(Command::Mkmetric { names, ask }) => assign::run(NameKind::Metrics, &names, &ask),
        Some(Command::Uid(Uid::Assign { kind, names, ask })) => assign::run(kind, &names, &ask),
        Some(Command::Bench(flags)) => bench::run(&flags),
        Some(Command::Inspect(flags)) => inspect::run(&flags),
        Some(Command::Verify(flags)) => verify::run(&flags),
        Some(Command::Export(flags)) => export::run(&flags),
        Some(Command::Import(flags)) => import::run(&flags),
        Some(Command::Config(command)) => config::run(&command, arguments(2)),
        Some(Command::Generate(what)) => generate::run(&what),
    }
}

/// The arguments behind so many words; the last of these stands for the program.
fn arguments(words: usize) -> Vec<OsString> {
    env::args_os().skip(words).collect()
}

fn run_node(arguments: Vec<OsString>) -> ExitCode {
    let flags = match config::gather(arguments) {
        Ok(settings) => settings.flags,
        Err(code) => return code,
    };
    let _logging = logging::start(flags.log_level, flags.log_format);
    abort_on_panic();
    serve::run(&flags)
}

/// A thread that died would leave a node that looks alive; a node that died is started again and
/// replays its logs.
fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
}
