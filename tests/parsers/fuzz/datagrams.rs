//! Datagrams one after the other; each line must do what it does alone, nothing known before it.

use fastrand::Rng;
use irontsd_net::telnet::lookup::Trail;
use irontsd_net::telnet::scan::Scanner;

use super::corpus::Corpus;
use super::grammar::Sender;
use super::telnet::{make_known, policy, some_lines};
use super::{Counts, Verdict};
use crate::event_loop::{Effect, Loop, World};
use crate::referee::compare;

pub fn round(chance: &mut Rng, corpus: &Corpus, world: &World) -> Verdict {
    let policy = policy(chance);
    let mut sender = Sender::new(chance);
    if !policy.creates.all() {
        make_known(world, std::iter::once(&sender));
    }
    let scanner = Scanner::chosen();
    let mut memory = Loop::new(world, &policy, scanner, [200, 1 << 20][chance.usize(..2)]);
    let mut trail = Trail::default();
    let mut counts = Counts { rounds: 1, ..Counts::default() };
    for _ in 0..chance.usize(1..8) {
        let bytes = some_lines(chance, &mut sender, corpus);
        let (mut found, mut expected) = (Effect::default(), Effect::default());
        let before = world.refused();
        memory.datagram(&mut found, &mut trail, &bytes);
        let refused = world.refused_since(&before);
        let before = world.refused();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let mut fresh = Loop::new(world, &policy, scanner, 0);
            fresh.datagram(&mut expected, &mut Trail::default(), line);
            counts.lines += 1;
        }
        let alone = world.refused_since(&before);
        let context =
            |what| format!("{what}\npolicy {policy:?}\ndatagram \"{}\"", bytes.escape_ascii());
        compare(&found, &expected).map_err(context)?;
        if refused != alone {
            return Err(context(format!("refused {refused:?}, not {alone:?}, by reason")));
        }
        counts.reads += 1;
        counts.bytes += bytes.len() as u64;
        counts.rows += found.rows.len() as u64;
        counts.refused += refused.iter().sum::<u64>();
    }
    Ok(counts)
}
