//! Lines in datagrams: as many whole lines in each as fit, and no answers.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use super::Outcome;
use super::clock::now;
use super::meter::Meter;
use super::wire::Wire;

/// What goes through an Ethernet in one piece, without the headers.
const DATAGRAM_BYTES: usize = 1400;

/// A socket for datagrams.
pub(super) struct Udp {
    socket: UdpSocket,
    meter: Arc<Meter>,
    number: usize,
}

impl Udp {
    /// A socket of its own.
    pub(super) fn connect(server: SocketAddr, meter: &Arc<Meter>, number: usize) -> Outcome<Self> {
        let any: SocketAddr =
            if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
        let socket = UdpSocket::bind(any)?;
        socket.connect(server)?;
        Ok(Udp { socket, meter: Arc::clone(meter), number })
    }

    fn send_datagram(&self, bytes: &[u8]) -> Outcome<()> {
        match self.socket.send(bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => self.send_datagram(bytes),
            Err(error) => {
                Err(format!("sending a datagram: {error}; does the server take them?").into())
            }
        }
    }
}

impl Wire for Udp {
    fn send(&mut self, lines: &mut Vec<u8>, points: u64, due: Instant) -> Outcome<()> {
        for datagram in datagrams(lines) {
            self.send_datagram(datagram)?;
        }
        self.meter.sent(points, lines.len());
        self.meter.accepted(self.number, points, now().saturating_duration_since(due));
        Ok(())
    }
}

/// Whole lines, as many as fit, and at least one.
fn datagrams(mut lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let fits = lines.len().min(DATAGRAM_BYTES);
        let end = match lines.len() <= DATAGRAM_BYTES {
            true => lines.len(),
            false => line_end(lines, fits),
        };
        let (datagram, rest) = lines.split_at(end);
        lines = rest;
        (!datagram.is_empty()).then_some(datagram)
    })
}

fn line_end(lines: &[u8], fits: usize) -> usize {
    let within = lines[..fits].iter().rposition(|byte| *byte == b'\n');
    let behind = || lines[fits..].iter().position(|byte| *byte == b'\n').map(|at| at + fits);
    within.or_else(behind).map_or(lines.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_hold_whole_lines() {
        let line = format!("put {}\n", "x".repeat(600));
        let long = format!("put {}\n", "y".repeat(3000));
        let text = [line.as_str(), &line, &line, &long, &line].concat();
        let found: Vec<usize> = datagrams(text.as_bytes()).map(<[u8]>::len).collect();
        assert_eq!(found, [line.len() * 2, line.len(), long.len(), line.len()]);
        assert_eq!(datagrams(b"").count(), 0);
    }
}
