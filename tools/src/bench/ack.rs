//! How a telnet connection learns that its lines are accepted.
//!
//! IronTSD and OpenTSDB answer `version` behind the lines before it. VictoriaMetrics answers nothing,
//! and closes a connection when the lines read from it are worked off. Which it is, one connection
//! finds out beforehand.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::Outcome;
use super::flags::AckChoice;
use super::wire::not_there;

/// A server that has not begun to answer by then does not answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// What belongs to an answer follows it closely.
const ENDS_WITHIN: Duration = Duration::from_millis(100);

/// How acceptance is learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ack {
    /// By the answer to `version`, which has these lines.
    Version(Arc<[Vec<u8>]>),
    /// By the server closing the connection.
    Close,
    /// Not at all.
    None,
}

impl Ack {
    /// As chosen, or as the server will have it.
    pub(super) fn find_out(
        choice: AckChoice,
        server: SocketAddr,
        timeout: Duration,
    ) -> Outcome<Self> {
        let found = match choice {
            AckChoice::Close => return Ok(Ack::Close),
            AckChoice::None => return Ok(Ack::None),
            AckChoice::Auto | AckChoice::Version => version(server, timeout)?,
        };
        match (found.is_empty(), choice) {
            (false, _) => Ok(Ack::Version(found.into())),
            (true, AckChoice::Version) => {
                Err(format!("{server} does not answer `version`; try --ack close").into())
            }
            (true, _) => Ok(Ack::Close),
        }
    }

    /// Whether `version` goes behind each piece.
    pub(super) fn asks(&self) -> bool {
        matches!(self, Ack::Version(_))
    }

    /// Whether this begins the answer.
    pub(super) fn is_first_line(&self, line: &[u8]) -> bool {
        matches!(self, Ack::Version(lines) if lines.first().is_some_and(|first| first == line))
    }

    /// Whether this belongs to the answer but does not begin it.
    pub(super) fn is_further_line(&self, line: &[u8]) -> bool {
        matches!(self, Ack::Version(lines) if lines.iter().skip(1).any(|further| further == line))
    }

    /// What a latency ends with.
    pub(super) fn latency_ends(&self) -> &'static str {
        match self {
            Ack::Version(_) => "the answer to `version` behind the batch",
            Ack::Close | Ack::None => "the kernel taking the bytes; the server answers no batch",
        }
    }
}

/// The lines of the answer; none if there is no answer.
fn version(server: SocketAddr, timeout: Duration) -> Outcome<Vec<Vec<u8>>> {
    let failed = |error: std::io::Error| not_there(server, &error);
    let mut socket = TcpStream::connect_timeout(&server, timeout).map_err(failed)?;
    socket.write_all(b"version\n").map_err(failed)?;
    socket.set_read_timeout(Some(ANSWERS_WITHIN))?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                break;
            }
            Err(error) => return Err(failed(error).into()),
        }
        socket.set_read_timeout(Some(ENDS_WITHIN))?;
    }
    // It took the command for a request, as VictoriaMetrics does.
    if answer.starts_with(b"HTTP/") {
        answer.clear();
    }
    let lines = answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(<[u8]>::to_vec).collect())
}
