//! Two connections that send the same bytes through one event loop, so that the second meets series that
//! are known; both must do what the plain parser does line by line. The first byte chooses policy and
//! variant, the second how the stream is cut into reads.

use std::cell::RefCell;

use irontsd_net::histogram::codecs::Codec;
use irontsd_net::policy::Policy;
use irontsd_net::reject::Reason;
use irontsd_net::telnet::scan::Scanner;

use super::pieces;
use crate::event_loop::{Connection, Loop, World};
use crate::referee::{Plain, compare};

/// Series after which a new world begins, to bound memory.
const SERIES_MAX: u32 = 50_000;

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

/// See the module.
pub fn check(bytes: &[u8]) {
    let Some((&[how, cut], stream)) = bytes.split_first_chunk::<2>() else { return };
    WORLD.with_borrow_mut(|world| {
        if world.series() > SERIES_MAX {
            *world = World::new();
        }
        agree(world, how, cut, stream);
    });
}

fn agree(world: &World, how: u8, cut: u8, stream: &[u8]) {
    let variants = Scanner::variants();
    let scanner = variants[usize::from(how & 3) % variants.len()].1;
    let policy = policy(how >> 4);
    let lookup_bytes = if how & 4 == 0 { 1 << 20 } else { 300 };
    let before = world.refused();
    let mut plain = Plain::new(world, &policy, scanner);
    plain.stream(stream);
    let mut expected = world.refused_since(&before);
    expected[Reason::LineTooLong as usize] += plain.too_long;
    let mut memory = Loop::new(world, &policy, scanner, lookup_bytes);
    for round in ["new", "known"] {
        let before = world.refused();
        let mut connection = Connection::default();
        pieces(stream, cut).for_each(|read| memory.receive(&mut connection, read));
        let refused = world.refused_since(&before);
        if let Err(complaint) = compare(&connection.effect, &plain.effect) {
            panic!("series {round}: {complaint}\npolicy {policy:?}");
        }
        assert_eq!(refused, expected, "refused by reason, series {round}\npolicy {policy:?}");
    }
}

fn policy(which: u8) -> Policy {
    let mut policy = Policy::default();
    policy.histogram_codecs.set(42, Codec::Simple);
    policy.histogram_codecs.set(7, Codec::Opaque);
    match which {
        0 => (policy.strict, policy.tags_max) = (true, 8),
        1 => policy.line_bytes_max = 40,
        2 => policy.telnet_errors = false,
        _ => {}
    }
    policy
}
