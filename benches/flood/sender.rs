//! One connection that sends a line of a new series each, as fast as the node takes them.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::common::Outcome;
use crate::common::stream::connect;

/// Lines of one write.
const PIECE_LINES: u64 = 4096;

/// A flood that goes on.
pub struct Flood {
    stop: Arc<AtomicBool>,
    sender: JoinHandle<Outcome<u64>>,
    reader: JoinHandle<Outcome<()>>,
}

impl Flood {
    /// Connects and begins.
    pub fn start(node: SocketAddr, timeout: Duration) -> Outcome<Self> {
        let socket = connect(node, timeout)?;
        let answers = socket.try_clone()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let sender = std::thread::spawn(move || send(socket, &stopped));
        let reader = std::thread::spawn(move || drain(answers));
        Ok(Flood { stop, sender, reader })
    }

    /// Ends it, waits until the node has dealt with every line and returns their number.
    pub fn finish(self) -> Outcome<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let lines = self.sender.join().map_err(|_| "the flood failed")??;
        self.reader.join().map_err(|_| "the flood's reader failed")??;
        Ok(lines)
    }
}

fn send(mut socket: TcpStream, stop: &AtomicBool) -> Outcome<u64> {
    let (mut lines, mut piece) = (0, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        piece.clear();
        for line in lines..lines + PIECE_LINES {
            writeln!(piece, "put flood.{} 1700000000 1 flood=yes host=h{line}", line % 100)?;
        }
        socket.write_all(&piece)?;
        lines += PIECE_LINES;
    }
    socket.shutdown(Shutdown::Write)?;
    Ok(lines)
}

/// Reads answers until the node closes, which it does behind the last of them.
fn drain(mut socket: TcpStream) -> Outcome<()> {
    let mut buffer = vec![0; 256 * 1024];
    while socket.read(&mut buffer)? > 0 {}
    Ok(())
}
