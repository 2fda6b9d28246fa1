//! A telnet case: its bytes on a fresh connection, the exact answer, what is stored afterwards.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::common::Json;

use super::case::{Case, ensure};
use super::run::Verdict;
use super::stored;

/// How long an answer may pause; only a node that does not close reaches it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends the case in one piece to a node of its own.
pub fn whole(case: &Case, mode: &str) -> Verdict {
    let node = case.node(mode)?;
    let expected = case.json.get(mode);
    let started_ms = stored::now_ms();
    let mut stream = connect(node.opentsdb());
    write(&mut stream, case.json.get("send").str().as_bytes())?;
    check_answer(&finish(stream, expected)?, expected)?;
    stored::check(&node, expected.get("stored"), &[], started_ms)
}

/// A connection that sends what it is given at once.
pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("the node accepts");
    stream.set_nodelay(true).expect("a socket option");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket option");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket option");
    stream
}

/// Sends bytes; a node that closed by then need not read them.
pub fn write(stream: &mut TcpStream, bytes: &[u8]) -> Verdict {
    match stream.write_all(bytes) {
        Err(error) if !is_closed(&error) => Err(format!("cannot send: {error}")),
        _ => Ok(()),
    }
}

/// Half-closes, unless the node must close by itself, and reads the answer to its end.
pub fn finish(mut stream: TcpStream, expected: &Json) -> Result<Vec<u8>, String> {
    if expected.find("closed").is_none() {
        // Fails if the node has closed already, which the answer tells.
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if !is_closed(&error) => {
            Err(format!("no end behind {:?}: {error}", String::from_utf8_lossy(&answer)))
        }
        _ => Ok(answer),
    }
}

/// The answer must be as `expect` or `expect_prefix` says.
pub fn check_answer(answer: &[u8], expected: &Json) -> Verdict {
    let wanted = |name: &str| expected.find(name).map(Json::str);
    let found = || String::from_utf8_lossy(answer);
    if let Some(text) = wanted("expect") {
        ensure(answer == text.as_bytes(), || format!("answer {:?}, not {text:?}", found()))?;
    }
    let prefix = wanted("expect_prefix").unwrap_or_default();
    let starts_so = answer.starts_with(prefix.as_bytes());
    ensure(starts_so, || format!("answer {:?}, not {prefix:?} and more", found()))
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionReset | NotConnected)
}
