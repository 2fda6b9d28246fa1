//! Which codes a block has, and which of its streams uses which: streams of the same nature share
//! one, a stream that no code shortens has none.

use super::encode::Coder;
use super::symbol::extra_bits;
use super::table::CodeLengths;
use super::{SYMBOLS, Tables};

/// Codes of a block at the most.
const CODES_MAX: usize = 32;
/// What a code of its own must save, in bits, beyond joining another: about what its table takes.
const TABLE_BITS: f32 = 8.0 * 40.0;
/// Rounds of giving each stream its best code and each code its streams' counts.
const ROUNDS: usize = 2;

/// A stream that may be written in a code.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Each symbol that occurs, and how often.
    pub counts: &'a [(u16, u32)],
    /// Bytes that it takes without a code.
    pub plain_bytes: u64,
    /// Bytes that it takes with a code, apart from the code's bits.
    pub head_bytes: u64,
}

impl Candidate<'_> {
    fn gain(&self, code: &CodeLengths) -> Option<u64> {
        let coded = code.cost(self.counts)?.div_ceil(8) + 1 + self.head_bytes;
        self.plain_bytes.checked_sub(coded).filter(|&gain| gain > 0)
    }
}

/// The codes of a block, and the one of each candidate.
#[derive(Debug, Default)]
pub struct Choice {
    /// The codes.
    pub codes: Vec<CodeLengths>,
    /// For each candidate the number of its code.
    pub of: Vec<Option<u8>>,
}

impl Choice {
    /// The codes, ready to encode.
    pub fn coders(&self) -> Vec<Coder> {
        self.codes.iter().map(Coder::new).collect()
    }

    /// For each candidate, in order, the number of its code and that of `coders`.
    pub fn each<'a>(
        &'a self,
        coders: &'a [Coder],
    ) -> impl Iterator<Item = Option<(u8, &'a Coder)>> {
        self.of.iter().map(|of| of.map(|code| (code, &coders[usize::from(code)])))
    }
}

/// Chooses codes for the streams of a block.
pub fn choose(candidates: &[Candidate<'_>]) -> Choice {
    let mut codes = gather(candidates);
    let mut of = assign(&codes, candidates);
    for _ in 0..ROUNDS {
        codes = fit(&of, candidates, codes.len());
        of = assign(&codes, candidates);
    }
    drop_useless(&mut codes, &mut of, candidates);
    Choice { codes, of }
}

/// One pass over the candidates, each joining the group that suits it or starting one.
fn gather(candidates: &[Candidate<'_>]) -> Vec<CodeLengths> {
    let mut groups: Vec<Group> = Vec::new();
    for candidate in candidates {
        let own = ideal_bits(candidate.counts);
        let bits = groups.iter().map(|group| group.bits(candidate.counts)).enumerate();
        let best = bits.min_by(|one, other| one.1.total_cmp(&other.1));
        match best {
            Some((at, bits)) if bits < own + TABLE_BITS || groups.len() == CODES_MAX => {
                groups[at].add(candidate.counts);
            }
            _ => groups.push(Group::new(candidate.counts)),
        }
    }
    groups.iter().map(|group| CodeLengths::of(&group.counts)).collect()
}

/// Bits of an ideal code for these counts alone, without those that follow symbols. No symbol has
/// less than one.
fn ideal_bits(counts: &[(u16, u32)]) -> f32 {
    let total: u32 = counts.iter().map(|count| count.1).sum();
    let all = log2(total as f32);
    let each = |count: u32| count as f32 * (all - log2(count as f32)).max(1.0);
    counts.iter().map(|count| each(count.1)).sum()
}

/// The logarithm of a positive number to base two, within a thousandth: what is estimated with it
/// is less exact, and the exact one is a call.
fn log2(number: f32) -> f32 {
    let bits = number.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let part = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    let of_part = ((0.158_248_7 * part - 1.051_875) * part + 3.047_884_2) * part - 2.153_620_7;
    exponent as f32 + of_part
}

/// Streams that share a code while codes are sought.
struct Group {
    counts: [u32; SYMBOLS],
    total: u32,
    /// Bits of each symbol, as of when the group had `measured` symbols.
    bits: [f32; SYMBOLS],
    measured: u32,
}

impl Group {
    fn new(counts: &[(u16, u32)]) -> Group {
        let mut group = Group { counts: [0; SYMBOLS], total: 0, bits: [0.0; SYMBOLS], measured: 0 };
        group.add(counts);
        group
    }

    fn add(&mut self, counts: &[(u16, u32)]) {
        for &(symbol, count) in counts {
            self.counts[usize::from(symbol)] += count;
            self.total += count;
        }
        if self.total > self.measured + self.measured / 2 {
            self.measured = self.total;
            // A symbol not seen yet counts as a quarter, so that it has a price.
            let all = log2(self.total as f32 + SYMBOLS as f32 / 4.0);
            for (bits, &count) in self.bits.iter_mut().zip(&self.counts) {
                *bits = all - log2(count as f32 + 0.25);
            }
        }
    }

    fn bits(&self, counts: &[(u16, u32)]) -> f32 {
        counts.iter().map(|&(s, count)| count as f32 * self.bits[usize::from(s)]).sum()
    }
}

fn assign(codes: &[CodeLengths], candidates: &[Candidate<'_>]) -> Vec<Option<u8>> {
    let best = |candidate: &Candidate<'_>| {
        let gains = codes.iter().enumerate().map(|(at, code)| (candidate.gain(code), at));
        gains.max_by_key(|&(gain, at)| (gain, usize::MAX - at)).filter(|best| best.0.is_some())
    };
    candidates.iter().map(|candidate| best(candidate).map(|(_, at)| at as u8)).collect()
}

/// Each code anew from the streams that use it.
fn fit(of: &[Option<u8>], candidates: &[Candidate<'_>], codes: usize) -> Vec<CodeLengths> {
    let mut counts = vec![[0u32; SYMBOLS]; codes];
    let mut used = vec![false; codes];
    for (code, candidate) in of.iter().zip(candidates) {
        let Some(code) = code else { continue };
        used[usize::from(*code)] = true;
        for &(symbol, count) in candidate.counts {
            counts[usize::from(*code)][usize::from(symbol)] += count;
        }
    }
    let pairs = counts.iter().zip(used).filter(|(_, used)| *used);
    pairs.map(|(counts, _)| CodeLengths::of(counts)).collect()
}

/// Drops codes whose table takes more than they save.
fn drop_useless(
    codes: &mut Vec<CodeLengths>,
    of: &mut Vec<Option<u8>>,
    candidates: &[Candidate<'_>],
) {
    let mut gains = vec![0u64; codes.len()];
    for (code, candidate) in of.iter().zip(candidates) {
        if let Some(at) = code {
            gains[usize::from(*at)] += candidate.gain(&codes[usize::from(*at)]).unwrap_or(0);
        }
    }
    let before = codes.len();
    let mut at = 0;
    codes.retain(|code| {
        let mut bytes = Vec::new();
        Tables::encode(std::slice::from_ref(code), &mut bytes);
        at += 1;
        gains[at - 1] > bytes.len() as u64
    });
    if codes.len() < before {
        *of = assign(codes, candidates);
    }
}

/// Estimated bits of a stream in a code that suits it, with those that follow symbols.
pub fn estimate_bits(counts: &[(u16, u32)]) -> u64 {
    let extra = |&(s, count): &(u16, u32)| u64::from(extra_bits(usize::from(s)) * count);
    // Codes of whole bits, shared with others, take a little more than the ideal.
    (ideal_bits(counts) * 1.02) as u64 + counts.iter().map(extra).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_quick_logarithm_is_near_the_exact_one(number in 0.25..1e9f32) {
            prop_assert!((log2(number) - number.log2()).abs() < 0.001);
        }
    }
}
