//! What to do about a node that cannot start, said with the reason.

use irontsd_engine::error::Error;
use irontsd_engine::instructions::Instructions;
use rustix::io::Errno;
use std::io;
use std::io::ErrorKind::*;
use std::net::SocketAddr;

/// What can be looked at without a node.
pub const WHAT_TO_GIVE: &str =
    "give a node's --data-dir, a snapshot in it (snapshots/NAME), or a file of one";

/// What to do about a directory that cannot be opened because it is damaged.
pub const SAVE_WHAT_IS_SOUND: &str =
    "`irontsd verify DIR --repair NEW_DIR` writes what is sound to a new directory";

/// How the descriptor limit is raised.
const RAISE: &str = "raise the hard limit, with `ulimit -Hn 65536` or LimitNOFILE= in a unit";

/// Why the data directory cannot be opened.
pub fn data_dir(error: &Error) -> String {
    match error {
        Error::Io { source, .. } => format!("cannot {error}; {}", file_system(source)),
        Error::Version { .. } => format!(
            "{error}; start the newer irontsd that wrote it, or restore a backup made before the \
             upgrade"
        ),
        Error::Damaged { .. } => {
            format!("{error}; restore it from a backup or a snapshot, or choose another --data-dir")
        }
        // These say it themselves.
        _ => error.to_string(),
    }
}

fn file_system(error: &io::Error) -> &'static str {
    match error.kind() {
        StorageFull | QuotaExceeded => {
            "free some space and start again, what was acknowledged is in the logs"
        }
        PermissionDenied => "give this user the directory, or choose another with --data-dir",
        ReadOnlyFilesystem => "mount it for writing, or choose another directory with --data-dir",
        AlreadyExists | NotADirectory => {
            "something in that path is no directory; choose another with --data-dir"
        }
        NotFound => "no directory can be made there; choose another with --data-dir",
        _ if is_too_many_files(error) => RAISE,
        _ => "see the system's log about that disk, or choose another directory with --data-dir",
    }
}

fn is_too_many_files(error: &io::Error) -> bool {
    let code = Errno::from_io_error(error);
    code.is_some_and(|code| [Errno::MFILE, Errno::NFILE].contains(&code))
}

/// Why an address cannot be listened on; `flag` chooses it.
pub fn listen(flag: &str, address: SocketAddr, error: &io::Error) -> String {
    let port = address.port();
    let hint = match error.kind() {
        AddrInUse => format!(
            "`ss -lntup 'sport = :{port}'` shows who has it; stop that or choose another address \
             with {flag}"
        ),
        AddrNotAvailable => format!(
            "`ip -brief address` lists this machine's addresses; choose one with {flag}, or \
             {flag} :{port} for all"
        ),
        PermissionDenied => format!(
            "ports below 1024 need CAP_NET_BIND_SERVICE; grant it or choose another with {flag}"
        ),
        _ if is_too_many_files(error) => RAISE.to_owned(),
        _ => format!("choose another address with {flag}"),
    };
    format!("cannot listen on {address}: {error}; {hint}")
}

/// With so few descriptors nothing would work.
pub fn too_few_descriptors(found: u64, needed: u64) -> String {
    format!("only {found} file descriptors are allowed and {needed} are needed to begin: {RAISE}")
}

/// With so few descriptors there will be few connections.
pub fn few_descriptors(found: u64, reserved: u64) -> String {
    let connections = found - reserved;
    format!(
        "only {found} file descriptors are allowed, so about {connections} connections: {RAISE}"
    )
}

/// Instructions that were asked for and that this machine lacks.
pub fn instructions(wanted: Instructions, best: Instructions) -> String {
    format!(
        "this machine cannot run --instructions {wanted}; the most it can is {best}, which is \
         taken without the flag"
    )
}
