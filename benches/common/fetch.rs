//! Reads of large answers as raw bytes, so that the client costs next to nothing and both nodes get
//! the same one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Outcome;
use super::stream::connect;

const READ_BYTES: usize = 256 * 1024;

/// What an answer took.
#[derive(Clone, Copy, Debug)]
pub struct Fetched {
    /// Bytes of head, body and the framing of chunks.
    pub bytes: u64,
    /// From the request to the first byte of the body.
    pub first_byte: Duration,
    /// From the request to the end.
    pub whole: Duration,
}

/// Asks for a path on a new connection and reads to its end; `sink` sees every piece.
pub fn fetch(
    node: SocketAddr,
    path: &str,
    timeout: Duration,
    mut sink: impl FnMut(&[u8]),
) -> Outcome<Fetched> {
    let mut socket = connect(node, timeout)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {node}\r\nConnection: close\r\n\r\n");
    let start = Instant::now();
    socket.write_all(request.as_bytes())?;
    let mut buffer = vec![0; READ_BYTES];
    let mut head = Vec::new();
    let mut first_byte = None;
    let mut bytes = 0;
    loop {
        let read = socket.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        sink(&buffer[..read]);
        if first_byte.is_none() {
            head.extend_from_slice(&buffer[..read]);
            let end = head.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            if end.is_some_and(|end| head.len() > end + 4) {
                first_byte = Some(start.elapsed());
            }
        }
    }
    if !head.starts_with(b"HTTP/1.1 200") {
        return Err(format!("GET {path}: {:?}", String::from_utf8_lossy(&head)).into());
    }
    let first_byte = first_byte.ok_or_else(|| format!("GET {path}: no body"))?;
    Ok(Fetched { bytes, first_byte, whole: start.elapsed() })
}

/// The least a server can do: it sends bytes from memory, once, to whoever asks for anything.
pub fn serve_once(bytes: Vec<u8>) -> Outcome<(SocketAddr, JoinHandle<std::io::Result<()>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let thread = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept()?;
        read_request(&mut socket)?;
        bytes.chunks(READ_BYTES).try_for_each(|piece| socket.write_all(piece))
    });
    Ok((address, thread))
}

fn read_request(socket: &mut TcpStream) -> std::io::Result<()> {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    Ok(())
}
