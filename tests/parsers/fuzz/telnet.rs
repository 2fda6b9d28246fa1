//! A few connections of one event loop, their bytes cut into reads and mixed; each must end with the
//! rows and replies that the plain parser gives to its lines one by one.

use fastrand::Rng;
use irontsd_net::histogram::codecs::Codec;
use irontsd_net::policy::{Creates, Policy};
use irontsd_net::reject::Reason;
use irontsd_net::telnet::lookup::Trail;
use irontsd_net::telnet::scan::Scanner;

use super::corpus::Corpus;
use super::grammar::Sender;
use super::mutate::mutate;
use super::words::TELNET;
use super::{Counts, Verdict};
use crate::event_loop::{Connection, Effect, Loop, World};
use crate::referee::{Plain, compare};

/// Bytes sent on a connection at the most, about.
const STREAM_BYTES: usize = 8 << 10;

struct Peer {
    connection: Connection,
    sender: Sender,
    sent: Vec<u8>,
}

pub fn round(chance: &mut Rng, corpus: &Corpus, world: &World, sabotaged: bool) -> Verdict {
    let policy = policy(chance);
    let variants = Scanner::variants();
    let scanner = variants[chance.usize(..variants.len())].1;
    let lookup_bytes = [200, 2000, 1 << 20][chance.usize(..3)];
    let mut memory = Loop::new(world, &policy, scanner, lookup_bytes);
    let mut counts = Counts { rounds: 1, ..Counts::default() };
    let mut peers: Vec<Peer> = (0..chance.usize(1..=3)).map(|_| Peer::new(chance)).collect();
    if !policy.creates.all() {
        make_known(world, peers.iter().map(|peer| &peer.sender));
    }
    if sabotaged {
        let (metric, tags) = peers[0].sender.series[0];
        let trail = &mut Trail::default();
        memory.lookup.learn(metric.as_bytes(), tags.as_bytes(), u32::MAX - 1, trail);
    }
    let before = world.refused();
    for _ in 0..chance.usize(1..60) {
        let place = chance.usize(..peers.len());
        counts.reads += peers[place].send(chance, corpus, &mut memory);
    }
    let refused = world.refused_since(&before);
    let before = world.refused();
    let (mut effects, mut too_long) = (Vec::new(), 0);
    for peer in &peers {
        let mut plain = Plain::new(world, &policy, scanner);
        plain.stream(&peer.sent);
        counts.lines += plain.lines;
        too_long += plain.too_long;
        effects.push(plain.effect);
    }
    let mut expected = world.refused_since(&before);
    expected[Reason::LineTooLong as usize] += too_long;
    for (peer, effect) in peers.iter().zip(&effects) {
        compare(&peer.connection.effect, effect).map_err(|complaint| {
            format!("{complaint}\npolicy {policy:?}\nsent \"{}\"", peer.sent.escape_ascii())
        })?;
        counts.rows += effect.rows.len() as u64;
        counts.bytes += peer.sent.len() as u64;
    }
    if refused != expected {
        return Err(format!("refused {refused:?}, not {expected:?}, by reason"));
    }
    counts.refused = refused.iter().sum();
    Ok(counts)
}

pub fn policy(chance: &mut Rng) -> Policy {
    let mut policy = Policy::default();
    policy.histogram_codecs.set(42, Codec::Simple);
    policy.histogram_codecs.set(7, Codec::Opaque);
    match chance.u8(..12) {
        0 | 1 => (policy.strict, policy.tags_max) = (true, 8),
        2 | 3 => policy.line_bytes_max = chance.usize(20..120),
        4 => policy.telnet_errors = false,
        5 => policy.creates = Creates { metrics: false, ..policy.creates },
        6 => policy.creates = Creates { tagvs: false, tagks: chance.bool(), ..policy.creates },
        _ => {}
    }
    policy
}

/// Half of the series exist before names cannot come into being any more.
pub fn make_known<'a>(world: &World, senders: impl Iterator<Item = &'a Sender>) {
    let policy = Policy::default();
    let mut memory = Loop::new(world, &policy, Scanner::chosen(), 0);
    for (metric, tags) in senders.flat_map(|sender| &sender.series[..4]) {
        let line = format!("put {metric} 1 1 {tags}");
        memory.take_plainly(&mut Effect::default(), line.as_bytes());
    }
}

impl Peer {
    fn new(chance: &mut Rng) -> Peer {
        let (connection, sent) = (Connection::default(), Vec::new());
        Peer { connection, sender: Sender::new(chance), sent }
    }

    /// Sends some lines in a few reads; returns how many.
    fn send(&mut self, chance: &mut Rng, corpus: &Corpus, memory: &mut Loop<'_>) -> u64 {
        let bytes = some_lines(chance, &mut self.sender, corpus);
        if self.sent.len() + bytes.len() > STREAM_BYTES {
            return 0;
        }
        self.sent.extend_from_slice(&bytes);
        let (mut rest, mut reads) = (&bytes[..], 0);
        while !rest.is_empty() {
            let most = [1, 70, usize::MAX][chance.usize(..3)].min(rest.len());
            let (read, behind) = rest.split_at(chance.usize(1..=most));
            memory.receive(&mut self.connection, read);
            (rest, reads) = (behind, reads + 1);
        }
        reads
    }
}

/// A few lines, damaged or not.
pub fn some_lines(chance: &mut Rng, sender: &mut Sender, corpus: &Corpus) -> Vec<u8> {
    let mut bytes = Vec::new();
    match chance.u8(..8) {
        0 => bytes.extend_from_slice(corpus.lines(chance)),
        _ => {
            for _ in 0..chance.usize(1..12) {
                sender.line(chance, &mut bytes);
            }
        }
    }
    if chance.u8(..3) == 0 {
        mutate(chance, &mut bytes, TELNET);
    }
    bytes
}
