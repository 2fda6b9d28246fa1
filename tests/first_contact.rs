//! Proves that a start that must fail says why and what to do: each as a text in
//! `tests/snapshots/`. Mounts are made in a namespace of their own, so nothing is left behind.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::common::node::irontsd;
use crate::common::snapshot::assert_snapshot;
use crate::common::transcript::transcript;
use crate::common::{Home, require};

/// Arguments for a node on free ports.
fn serve(data: &Path) -> Command {
    let mut command = irontsd();
    command.arg("serve").arg("--data-dir").arg(data);
    command.args(["--event-loops", "2"]);
    command.args(["--opentsdb-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]);
    command
}

/// Compares what a start prints with a snapshot; paths and ports are replaced.
#[track_caller]
fn refused(name: &str, command: &mut Command, changes: &[(&str, &str)]) {
    assert_snapshot(&format!("start-{name}"), &transcript(command, changes));
}

/// The same behind preparations of a shell with mounts of its own.
#[track_caller]
fn refused_after(name: &str, prepare: &str, command: &Command, changes: &[(&str, &str)]) {
    let Some(unshare) = require::program("unshare") else { return };
    if !Command::new(&unshare).args(["--mount", "true"]).status().is_ok_and(|s| s.success()) {
        return require::skip("mounts of one's own are not allowed here");
    }
    let script = format!("{prepare} && exec \"$0\" \"$@\"");
    let mut shell = Command::new(unshare);
    shell.args(["--mount", "sh", "-c", &script]).arg(command.get_program());
    shell.args(command.get_args());
    let told = transcript(&mut shell, changes);
    // What the user would have typed.
    let (_, told) = told.split_once("irontsd serve").expect("the command");
    let prepare =
        changes.iter().fold(prepare.to_owned(), |text, (from, to)| text.replace(from, to));
    assert_snapshot(&format!("start-{name}"), &format!("$ {prepare}\n$ irontsd serve{told}"));
}

#[test]
fn an_address_in_use_or_of_another_machine() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address");
    let (address, port) = (taken.to_string(), taken.port().to_string());
    let changes = [(address.as_str(), "127.0.0.1:8428"), (port.as_str(), "8428")];
    let data = Path::new("data");
    let mut command = serve(data);
    command.args(["--kairosdb-listen", &address]).current_dir(&directory);
    refused("address-in-use", &mut command, &changes);
    let mut command = serve(data);
    command.args(["--kairosdb-listen", "192.0.2.1:4243"]).current_dir(&directory);
    refused("address-elsewhere", &mut command, &[]);
}

#[test]
fn no_directory() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("file"), "x").expect("a file");
    for (name, data) in
        [("file", "file"), ("below-a-file", "file/data"), ("cannot-be-made", "/proc/irontsd")]
    {
        refused(name, serve(Path::new(data)).current_dir(&directory), &[]);
    }
}

#[test]
fn a_directory_of_a_running_node() {
    let home = Home::new(&[]);
    let mut running = home.start();
    let shown = home.data().display().to_string();
    let process = format!("process {}", running.process().id());
    let changes = [(shown.as_str(), "DIR"), (process.as_str(), "process PID")];
    refused("in-use", &mut serve(&home.data()), &changes);
}

#[test]
fn a_directory_of_a_newer_version() {
    let home = Home::new(&[]);
    home.start().stop();
    let path = home.data().join("MANIFEST");
    let text = fs::read_to_string(&path).expect("a manifest");
    let (first, _) = text.split_once('\n').expect("lines");
    let (body, _) = text.rsplit_once("checksum ").expect("a checksum");
    let body = body.replace(first, "irontsd manifest 99");
    fs::write(&path, format!("{body}checksum {:08x}\n", crc32c(body.as_bytes()))).expect("written");
    let shown = home.data().display().to_string();
    refused("newer-version", &mut serve(&home.data()), &[(&shown, "DIR")]);
}

#[test]
fn a_damaged_manifest() {
    let home = Home::new(&[]);
    home.start().stop();
    let path = home.data().join("MANIFEST");
    let text = fs::read_to_string(&path).expect("a manifest");
    fs::write(&path, text.replace("irontsd", "irontst")).expect("written");
    let shown = home.data().display().to_string();
    let told = transcript(&mut serve(&home.data()), &[(&shown, "DIR")]);
    // Where the checksum stands depends on what is stored.
    let offset = told.split_once("at offset ").and_then(|(_, rest)| rest.split_once(':'));
    let (offset, _) = offset.expect("an offset");
    assert_snapshot(
        "start-damaged-manifest",
        &told.replace(&format!("offset {offset}"), "offset N"),
    );
}

#[test]
fn a_read_only_or_full_file_system() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mounted = directory.path().display().to_string();
    let changes = [(mounted.as_str(), "/mnt")];
    let command = serve(&directory.path().join("data"));
    let mount = |options: &str| format!("mount -t tmpfs -o {options} tmpfs {mounted}");
    refused_after("read-only", &mount("ro"), &command, &changes);
    let full = format!("{} && head -c 64k /dev/zero >{mounted}/file", mount("size=64k"));
    refused_after("full", &full, &command, &changes);
}

#[test]
fn too_few_descriptors() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let shown = directory.path().display().to_string();
    let data = directory.path().join("data");
    refused_after("few-descriptors", "ulimit -n 20", &serve(&data), &[(&shown, "DIR")]);
}

/// CRC-32C bit by bit, as the plain definition has it.
fn crc32c(bytes: &[u8]) -> u32 {
    let bit = |sum: u32, _: u32| if sum & 1 == 1 { (sum >> 1) ^ 0x82F6_3B78 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), bit))
}
