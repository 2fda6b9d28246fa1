//! Abuses of the port for lines.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::run::{Pace, Target};
use crate::common::Outcome;
use crate::common::stream::connect;

/// The longest wait for the node.
const TIMEOUT: Duration = Duration::from_secs(30);
const LINES_OF_PIECE: u64 = 1000;

/// One line that never ends, in pieces of 64 KiB; returns MiB.
pub fn endless(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    const PIECES_OF_MIB: u64 = 16;
    let mut socket = connect(target.opentsdb, TIMEOUT)?;
    socket.write_all(b"put endless 1 1 h=")?;
    let piece = vec![b'x'; (1 << 20) / PIECES_OF_MIB as usize];
    let mut done = 0;
    pace.begin();
    while pace.goes_on(done, 128.0 * PIECES_OF_MIB as f64) {
        socket.write_all(&piece)?;
        done += 1;
    }
    Ok(done / PIECES_OF_MIB)
}

/// Lines of a series each that nobody knows; returns lines.
pub fn new_series(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    let line = |n: u64| format!("put flood.{} 1700000000 1 flood=yes host=h{n}\n", n % 100);
    read_lines(target, pace, 500_000.0, line)
}

/// A sample in each of a hundred thousand days, again and again with another series; returns lines.
pub fn every_day(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    const DAYS: u64 = 49_700;
    let line = |n: u64| format!("put days.{} {} {n} h=a\n", n / DAYS, n % DAYS * 86_400 + 1);
    read_lines(target, pace, 200_000.0, line)
}

/// Sends lines and reads what is answered.
fn read_lines(
    target: Target,
    pace: &mut Pace<'_>,
    per_s: f64,
    line: impl Fn(u64) -> String,
) -> Outcome<u64> {
    let mut socket = connect(target.opentsdb, TIMEOUT)?;
    let mut answers = socket.try_clone()?;
    let reader = std::thread::spawn(move || drain(&mut answers));
    let mut done = 0;
    pace.begin();
    while pace.goes_on(done, per_s) {
        let piece: String = (done..done + LINES_OF_PIECE).map(&line).collect();
        socket.write_all(piece.as_bytes())?;
        done += LINES_OF_PIECE;
    }
    socket.shutdown(Shutdown::Write)?;
    reader.join().map_err(|_| "a reader failed")?;
    Ok(done)
}

/// Reads until the node closes, or is tired of it.
fn drain(socket: &mut TcpStream) {
    let mut buffer = vec![0; 256 << 10];
    while let Ok(1..) = socket.read(&mut buffer) {}
}

/// Bad lines whose answers stay where they are; returns lines.
pub fn unread_errors(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    let mut socket = connect(target.opentsdb, TIMEOUT)?;
    let piece = "put bad x y\n".repeat(LINES_OF_PIECE as usize);
    let mut done = 0;
    pace.begin();
    while pace.goes_on(done, 500_000.0) {
        socket.write_all(piece.as_bytes())?;
        done += LINES_OF_PIECE;
    }
    Ok(done)
}

/// Commands whose answers stay where they are, until the node takes no more; returns commands.
pub fn unread_answers(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    const COMMAND: &[u8] = b"version\n";
    let mut socket = connect(target.opentsdb, TIMEOUT)?;
    socket.set_nonblocking(true)?;
    let piece = COMMAND.repeat(LINES_OF_PIECE as usize);
    let mut sent = 0;
    pace.begin();
    while !pace.has_ended() {
        match socket.write(&piece[sent % COMMAND.len()..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((sent / COMMAND.len()) as u64)
}

/// Connections that begin as something else; returns connections.
pub fn other_protocols(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    const BEGINS: [&[u8]; 5] = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x00\x6b\x01\x00\x00\x67\x03\x03",
        b"\x00\x00\x00\x54\xff\xfdMB",
        b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\r\n",
    ];
    let mut done = 0;
    pace.begin();
    while pace.goes_on(done, 1000.0) {
        let mut socket = connect(target.opentsdb, TIMEOUT)?;
        let sent = socket.write_all(BEGINS[done as usize % BEGINS.len()]);
        // The node may have closed already.
        let _closed = sent.and_then(|()| socket.shutdown(Shutdown::Write));
        drain(&mut socket);
        done += 1;
    }
    Ok(done)
}
