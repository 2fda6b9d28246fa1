//! Bodies one after the other through one fast reader, held against the plain one.

use fastrand::Rng;

use super::corpus::Corpus;
use super::mutate::mutate;
use super::words::JSON;
use super::{Counts, Verdict, grammar};
use crate::bodies::{self, Readers};

pub fn round(chance: &mut Rng, corpus: &Corpus, readers: &mut Readers, sabotaged: bool) -> Verdict {
    let mut counts = Counts { rounds: 1, ..Counts::default() };
    for _ in 0..chance.usize(1..16) {
        let mut body = match chance.u8(..8) {
            0 => corpus.body(chance).to_vec(),
            _ => grammar::body(chance),
        };
        if chance.u8(..3) == 0 {
            mutate(chance, &mut body, JSON);
        }
        let extra: &[_] = match chance.u8(..4) {
            0 => &[("zone".to_owned(), "x y".to_owned())],
            _ => &[],
        };
        counts.bodies += 1;
        counts.bytes += body.len() as u64;
        let taken = bodies::check(&body, extra, readers, sabotaged)
            .map_err(|complaint| format!("{complaint}\nbody \"{}\"", body.escape_ascii()))?;
        counts.bodies_read_fast += u64::from(taken.is_some());
        counts.points += taken.unwrap_or(0) as u64;
    }
    Ok(counts)
}
