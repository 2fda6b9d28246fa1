//! A plain telnet client.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::stream::connect;

/// What the answer to `version` starts with; it is one line.
const VERSION: &str = "irontsd ";

/// One connection.
pub struct Telnet {
    stream: BufReader<TcpStream>,
}

impl Telnet {
    /// Connects.
    #[track_caller]
    pub fn connect(addr: SocketAddr) -> Telnet {
        Telnet::try_connect(addr).expect("the node accepts")
    }

    /// Connects to a node that may be gone.
    pub fn try_connect(addr: SocketAddr) -> io::Result<Telnet> {
        let stream = connect(addr)?;
        Ok(Telnet { stream: BufReader::new(stream) })
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.try_send(bytes.as_ref()).expect("the node reads");
        self
    }

    /// Sends bytes to a node that may be gone.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// The next line without its end, or `None` once the node has closed.
    #[track_caller]
    pub fn line(&mut self) -> Option<String> {
        self.try_line().expect("a line or the end")
    }

    /// The same from a node that may be gone.
    pub fn try_line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        let line = line.strip_suffix(b"\n");
        Ok(line.map(|line| String::from_utf8_lossy(line).into_owned()))
    }

    /// Waits until everything sent is acknowledged; returns the lines that came before.
    #[track_caller]
    pub fn barrier(&mut self) -> Vec<String> {
        self.send("version\n");
        self.until_version().expect("the connection is open")
    }

    /// Reads up to the answer to a `version`; returns the lines before, or `None` at the end.
    #[track_caller]
    pub fn until_version(&mut self) -> Option<Vec<String>> {
        let mut before = Vec::new();
        loop {
            let line = self.line()?;
            if line.starts_with(VERSION) {
                return Some(before);
            }
            before.push(line);
        }
    }

    /// A barrier with a node that may be killed meanwhile.
    pub fn try_barrier(&mut self) -> io::Result<()> {
        self.try_send(b"version\n")?;
        match self.try_line()? {
            Some(line) if line.starts_with(VERSION) => Ok(()),
            Some(line) => Err(io::Error::other(line)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Says that nothing more comes and returns everything the node still sends.
    #[track_caller]
    pub fn finish(mut self) -> Vec<u8> {
        self.stream.get_mut().shutdown(Shutdown::Write).expect("a half-close");
        self.rest()
    }

    /// Everything until the node closes.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("the node closes");
        rest
    }

    /// The socket, to read and write from two threads.
    pub fn socket(&self) -> TcpStream {
        self.stream.get_ref().try_clone().expect("a second handle")
    }
}

/// Sends all of `bytes`, half-closes, and returns everything answered.
#[track_caller]
pub fn converse(addr: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut telnet = Telnet::connect(addr);
    telnet.send(bytes);
    String::from_utf8_lossy(&telnet.finish()).into_owned()
}
