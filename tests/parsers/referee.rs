//! What the bytes of a connection must do: lines found byte by byte, each taken by the plain parser alone.

use irontsd_net::policy::Policy;
use irontsd_net::telnet::scan::Scanner;

use crate::event_loop::{Effect, Loop, World, masked};

/// The referee of one connection.
pub struct Plain<'a> {
    memory: Loop<'a>,
    policy: &'a Policy,
    pub effect: Effect,
    /// Whole lines that were taken.
    pub lines: u64,
    /// Refused before the parser saw them.
    pub too_long: u64,
}

impl<'a> Plain<'a> {
    pub fn new(world: &'a World, policy: &'a Policy, scanner: Scanner) -> Plain<'a> {
        let memory = Loop::new(world, policy, scanner, 0);
        Plain { memory, policy, effect: Effect::default(), lines: 0, too_long: 0 }
    }

    /// Takes all that a connection sent.
    pub fn stream(&mut self, mut rest: &[u8]) {
        let max = self.policy.line_bytes_max;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            rest = &rest[end + 1..];
            self.lines += 1;
            if line.len() > max {
                self.refuse_long();
            } else {
                self.memory.take_plainly(&mut self.effect, line);
            }
            if self.effect.closed {
                return;
            }
        }
        // The last byte of a line that just fits may be a carriage return.
        if rest.len() > max + 1 {
            self.refuse_long();
        }
    }

    fn refuse_long(&mut self) {
        self.too_long += 1;
        if self.policy.telnet_errors {
            let max = self.policy.line_bytes_max;
            let text = format!("put: illegal argument: line too long (at most {max} bytes)\n");
            self.effect.replies.extend_from_slice(text.as_bytes());
        }
    }
}

/// Complains about what is not the same.
pub fn compare(found: &Effect, expected: &Effect) -> Result<(), String> {
    let both = found.rows.iter().zip(&expected.rows).enumerate();
    for (at, (found, expected)) in both {
        if found != expected {
            return Err(format!("row {at} is {found:?}, not {expected:?}"));
        }
    }
    if found.rows.len() != expected.rows.len() {
        return Err(format!("{} rows, not {}", found.rows.len(), expected.rows.len()));
    }
    let (said, wanted) = (masked(&found.replies), masked(&expected.replies));
    if said != wanted {
        let at = said.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
        let (said, wanted) = (said[at..].escape_ascii(), wanted[at..].escape_ascii());
        return Err(format!("replies differ at byte {at}: \"{said}\", not \"{wanted}\""));
    }
    match found.closed == expected.closed {
        true => Ok(()),
        false => Err(format!("closed is {}, not {}", found.closed, expected.closed)),
    }
}
