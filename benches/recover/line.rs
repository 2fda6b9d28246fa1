//! A telnet connection that asks whether a put line is taken.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::common::Outcome;
use crate::common::stream::connect;

/// The connection.
pub struct Line {
    socket: TcpStream,
    answers: BufReader<TcpStream>,
    sent: u64,
}

impl Line {
    /// Connects; the node need not have accepted it.
    pub fn open(node: SocketAddr, timeout: Duration) -> Outcome<Line> {
        let socket = connect(node, timeout)?;
        Ok(Line { answers: BufReader::new(socket.try_clone()?), socket, sent: 0 })
    }

    /// Sends so many points; whether all were taken.
    pub fn puts(&mut self, count: u64) -> Outcome<bool> {
        let line = |n| format!("put recover {} {n} h=a\n", 1_700_000_000 + n);
        let lines: String = (self.sent..self.sent + count).map(line).collect();
        self.sent += count;
        self.socket.write_all(lines.as_bytes())?;
        self.ask()?;
        let mut taken = true;
        loop {
            let answer = self.answer()?;
            match answer.starts_with("put:") {
                true => taken = false,
                false => return Ok(taken),
            }
        }
    }

    /// Sends `version`, without waiting for the answer.
    pub fn ask(&mut self) -> Outcome<()> {
        Ok(self.socket.write_all(b"version\n")?)
    }

    /// The next line of answers.
    pub fn answer(&mut self) -> Outcome<String> {
        let mut answer = String::new();
        match self.answers.read_line(&mut answer)? {
            0 => Err("the node ended a connection".into()),
            _ => Ok(answer),
        }
    }

    /// Whether no answer comes for so long.
    pub fn is_silent(&mut self, wait: Duration) -> Outcome<bool> {
        let timeout = self.socket.read_timeout()?;
        self.socket.set_read_timeout(Some(wait))?;
        let silent = match self.answers.fill_buf() {
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            Ok(_) => false,
        };
        self.socket.set_read_timeout(timeout)?;
        Ok(silent)
    }
}
