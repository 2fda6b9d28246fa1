//! The `irontsd` binary: reads the command line, sets up logging, hands over.

use clap::Parser;
use irontsd::flags::{Cli, Command, NameKind, Serve, Uid};
use irontsd::{assign, serve};
use std::io::IsTerminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    let flags = match Cli::parse().command {
        Some(Command::Serve(flags)) => *flags,
        Some(Command::Mkmetric { names, ask }) => {
            return assign::run(NameKind::Metrics, &names, &ask);
        }
        Some(Command::Uid(Uid::Assign { kind, names, ask })) => {
            return assign::run(kind, &names, &ask);
        }
        // No command: the defaults and the environment, as `serve` alone would take them.
        None => Serve::parse_from(["irontsd"]),
    };
    log_to_stderr(flags.log_level);
    abort_on_panic();
    serve::run(&flags)
}

fn log_to_stderr(level: tracing::Level) {
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
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
