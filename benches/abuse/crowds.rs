//! Abuses by many connections.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use super::run::{Pace, Target};
use crate::common::Outcome;
use crate::common::stream::connect;

/// The longest wait for the node.
const TIMEOUT: Duration = Duration::from_secs(30);

fn crowd(target: Target, count: usize, begin: &[&[u8]]) -> Outcome<Vec<TcpStream>> {
    let one = |number: usize| {
        let node = if number.is_multiple_of(2) { target.http } else { target.opentsdb };
        let mut socket = connect(node, TIMEOUT)?;
        socket.write_all(begin[number % begin.len()])?;
        Ok(socket)
    };
    (0..count).map(one).collect()
}

/// Requests and lines that come byte by byte; returns bytes.
pub fn slow_senders(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    const COUNT: usize = 1000;
    const BEGINS: [&[u8]; 4] = [
        b"GET /api/version HTTP/1.1\r\nHost: h\r\nX: ",
        b"put slow 1 1 h=",
        b"POST /api/put HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n",
        b"POST /api/put HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
    ];
    let mut sockets = crowd(target, COUNT, &BEGINS)?;
    let mut done = 0;
    pace.begin();
    while pace.goes_on(done, COUNT as f64) {
        // One that was ended is not sent to any more.
        let _ended = sockets[done as usize % COUNT].write(b"x");
        done += 1;
    }
    Ok(done)
}

/// Exports of everything that are hardly read; returns KiB.
pub fn slow_readers(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    const COUNT: usize = 48;
    const KIB_A_READ: usize = 4;
    const EXPORT: &[u8] =
        b"GET /api/v1/export?match[]=%7B__name__!=%22%22%7D HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut sockets = crowd(target, COUNT, &[EXPORT])?;
    for socket in &mut sockets {
        // What the kernel takes on is not the node's to hold.
        SockRef::from(&*socket).set_recv_buffer_size(KIB_A_READ << 10)?;
        socket.set_nonblocking(true)?;
    }
    let (mut done, mut bytes, mut piece) = (0, 0, [0; KIB_A_READ << 10]);
    pace.begin();
    while pace.goes_on(done, COUNT as f64) {
        bytes += sockets[done as usize % COUNT].read(&mut piece).unwrap_or(0);
        done += 1;
    }
    Ok((bytes >> 10) as u64)
}

/// Connections that do nothing, some in the middle of something; returns connections.
pub fn idle(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    const BEGINS: [&[u8]; 4] =
        [b"", b"put idle 1 1 h=a\n", b"GET /api/version HTTP/1.1\r\nHost: ", b"put idle 1"];
    hold(target, 10_000, &BEGINS, pace)
}

/// More connections than the node has descriptors; returns connections.
pub fn many(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    hold(target, 500, &[b""], pace)
}

fn hold(target: Target, count: usize, begins: &[&[u8]], pace: &mut Pace<'_>) -> Outcome<u64> {
    let sockets = crowd(target, count, begins)?;
    pace.begin();
    pace.rest();
    Ok(sockets.len() as u64)
}

/// Connections that come and go, one after the other; returns connections.
pub fn flood(target: Target, pace: &mut Pace<'_>) -> Outcome<u64> {
    const BEGINS: [&[u8]; 4] = [
        b"",
        b"put flood 2 2 h=",
        b"POST /api/put HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n[",
        b"version\nput m x\n",
    ];
    let mut done = 0;
    pace.begin();
    while pace.goes_on(done, 1000.0) {
        come_and_go(if done % 2 == 0 { target.http } else { target.opentsdb }, done, &BEGINS)?;
        done += 1;
    }
    Ok(done)
}

fn come_and_go(node: SocketAddr, number: u64, begins: &[&[u8]]) -> Outcome<()> {
    let mut socket = connect(node, TIMEOUT)?;
    match socket.write_all(begins[number as usize % begins.len()]) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    if number.is_multiple_of(3) {
        SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
    }
    Ok(())
}
