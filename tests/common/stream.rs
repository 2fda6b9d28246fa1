//! Sockets of clients that wait for nothing longer than a test may.

use std::io;
use std::net::{SocketAddr, TcpStream};

use super::wait::DEADLINE;

/// Connects to a node that may be gone.
pub fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    Ok(stream)
}
