//! Every telnet case, cut at every byte and fed byte by byte: rows, replies and refusals are those
//! of the whole, whether its series were known before or not.

use irontsd_net::histogram::codecs::Codec;
use irontsd_net::policy::Policy;
use irontsd_net::telnet::scan::Scanner;
use simd_json::OwnedValue;
use simd_json::prelude::{ValueAsArray, ValueAsScalar, ValueObjectAccess};

use crate::cases;
use crate::event_loop::{Connection, Effect, Loop, World, masked};

#[test]
fn telnet_cases_cut_at_every_byte() {
    let cases: Vec<Case> = cases::telnet().map(|case| Case::new(&case)).collect();
    for (_, scanner) in Scanner::variants() {
        let world = World::new();
        let cuts: usize = cases.iter().map(|case| at_every_byte(case, &world, scanner)).sum();
        assert!(cases.len() > 100 && cuts > 2 * 50 * cases.len(), "{} {cuts}", cases.len());
    }
}

/// A case, as far as its bytes and flags go.
struct Case {
    id: String,
    send: Vec<u8>,
    flags: Vec<String>,
}

impl Case {
    fn new(case: &OwnedValue) -> Case {
        let flags = case.get("flags").and_then(|flags| flags.as_array()).expect("flags");
        let flags = flags.iter().map(|flag| flag.as_str().expect("a flag").to_owned()).collect();
        Case { id: cases::text(case, "id"), send: cases::text(case, "send").into(), flags }
    }

    /// What a node with the flags of this case accepts.
    fn policy(&self, strict: bool) -> Policy {
        let tags_max = if strict { 8 } else { 40 };
        let mut policy = Policy { strict, tags_max, ..Policy::default() };
        // Given as one word or as two.
        let flags = self.flags.join("=");
        let mut words = flags.split('=');
        while let (Some(flag), Some(value)) = (words.next(), words.next()) {
            match (flag, value) {
                ("--max-tags", number) => policy.tags_max = number.parse().expect("a number"),
                ("--auto-create-metrics", "off") => policy.creates.metrics = false,
                ("--auto-create-tagks", "off") => policy.creates.tagks = false,
                ("--histogram-codec", id) => {
                    assert_eq!(words.next(), Some("simple"));
                    policy.histogram_codecs.set(id.parse().expect("an id"), Codec::Simple);
                }
                other => panic!("{}: {other:?} means nothing here", self.id),
            }
        }
        policy
    }
}

/// Returns the number of cuts.
fn at_every_byte(case: &Case, world: &World, scanner: Scanner) -> usize {
    for strict in [false, true] {
        let policy = case.policy(strict);
        let whole = fed(&mut Loop::new(world, &policy, scanner, 1 << 20), world, [&case.send[..]]);
        let mut warm = Loop::new(world, &policy, scanner, 1 << 20);
        for at in 0..=case.send.len() {
            let (one, other) = case.send.split_at(at);
            let mut cold = Loop::new(world, &policy, scanner, 1 << 20);
            for (what, memory) in [("new", &mut cold), ("known", &mut warm)] {
                let cut = fed(memory, world, [one, other]);
                assert_eq!(cut, whole, "{} cut at {at}, series {what}, strict {strict}", case.id);
            }
        }
        let bytes = fed(&mut warm, world, case.send.chunks(1));
        assert_eq!(bytes, whole, "{} byte by byte, strict {strict}", case.id);
    }
    2 * (case.send.len() + 1)
}

/// What a new connection's reads do, and the refusals by reason.
fn fed<'a>(
    memory: &mut Loop<'_>,
    world: &World,
    reads: impl IntoIterator<Item = &'a [u8]>,
) -> (Effect, Vec<u64>) {
    let before = world.refused();
    let mut connection = Connection::default();
    reads.into_iter().for_each(|read| memory.receive(&mut connection, read));
    let mut effect = connection.effect;
    effect.replies = masked(&effect.replies);
    (effect, world.refused_since(&before))
}
