//! The masks with AVX2 and AVX-512BW, and guessed lines taken with code compiled for either: 12.1 ns
//! instead of 13.4 for an agent line. One of the few places with `unsafe`: vector loads, and calling a
//! function that was compiled for more than the baseline.

#![expect(unsafe_code, reason = "vector loads; each call is guarded by feature detection")]

use super::{BLOCK, Masks, Scanner};
use crate::telnet::digits;
use crate::telnet::lookup::{Lookup, Trail};
use crate::telnet::predict::{self, Bounds, Stamp};
use irontsd_engine::batch::Batch;
use irontsd_engine::instructions::Instructions;
use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
    _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_set1_epi8,
};

/// The reading of values by vectors, if this machine can run it.
#[cfg(test)]
pub fn value_reader() -> Option<digits::Read> {
    // SAFETY: only handed out where the machine has SSSE3 and SSE4.1.
    let checked = |text: &[u8; 16]| unsafe { digits::x86::value(text) };
    (is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1")).then_some(checked)
}

/// The variants that this machine can run, slowest first.
pub fn variants() -> impl Iterator<Item = (Instructions, Scanner)> {
    let all = [
        (Instructions::Avx2, Scanner { blocks: avx2_checked, take: take_avx2_checked }),
        (Instructions::Avx512, Scanner { blocks: avx512_checked, take: take_avx512_checked }),
    ];
    all.into_iter().filter(|(needed, _)| needed.is_here())
}

fn avx2_checked(bytes: &[u8], masks: &mut Masks) {
    // SAFETY: only handed out by `variants`, which saw that the machine has AVX2.
    unsafe { avx2(bytes, masks) }
}

fn avx512_checked(bytes: &[u8], masks: &mut Masks) {
    // SAFETY: only handed out by `variants`, which saw that the machine has AVX-512BW.
    unsafe { avx512(bytes, masks) }
}

#[target_feature(enable = "avx2")]
fn avx2(bytes: &[u8], masks: &mut Masks) {
    let (newline, space) = (_mm256_set1_epi8(b'\n' as i8), _mm256_set1_epi8(b' ' as i8));
    for block in bytes.chunks_exact(BLOCK) {
        // SAFETY: a block has 64 readable bytes; unaligned loads need no alignment.
        let (low, high) = unsafe {
            let at = block.as_ptr().cast::<__m256i>();
            (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1)))
        };
        let mask = |wanted| {
            let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) as u32;
            let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)) as u32;
            u64::from(high) << 32 | u64::from(low)
        };
        masks.newlines.push(mask(newline));
        masks.spaces.push(mask(space));
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn avx512(bytes: &[u8], masks: &mut Masks) {
    let (newline, space) = (_mm512_set1_epi8(b'\n' as i8), _mm512_set1_epi8(b' ' as i8));
    for block in bytes.chunks_exact(BLOCK) {
        // SAFETY: a block has 64 readable bytes; unaligned loads need no alignment.
        let block = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        masks.newlines.push(_mm512_cmpeq_epi8_mask(block, newline));
        masks.spaces.push(_mm512_cmpeq_epi8_mask(block, space));
    }
}

fn take_avx2_checked(
    bytes: &[u8],
    lookup: &Lookup,
    bounds: Bounds,
    trail: &mut Trail,
    stamp: &mut Stamp,
    batch: &mut Batch,
) -> usize {
    // SAFETY: only handed out by `variants`, which saw that the machine has AVX2 and BMI.
    unsafe { take_avx2(bytes, lookup, bounds, trail, stamp, batch) }
}

fn take_avx512_checked(
    bytes: &[u8],
    lookup: &Lookup,
    bounds: Bounds,
    trail: &mut Trail,
    stamp: &mut Stamp,
    batch: &mut Batch,
) -> usize {
    // SAFETY: only handed out by `variants`, which saw that the machine has AVX-512BW, VL and BMI.
    unsafe { take_avx512(bytes, lookup, bounds, trail, stamp, batch) }
}

#[target_feature(enable = "ssse3,sse4.1,avx2,bmi1,bmi2,lzcnt")]
fn take_avx2(
    bytes: &[u8],
    lookup: &Lookup,
    bounds: Bounds,
    trail: &mut Trail,
    stamp: &mut Stamp,
    batch: &mut Batch,
) -> usize {
    let value = |text: &[u8; 16]| digits::x86::value(text);
    predict::take(bytes, lookup, bounds, trail, stamp, batch, value)
}

#[target_feature(enable = "ssse3,sse4.1,avx2,bmi1,bmi2,lzcnt,avx512f,avx512bw,avx512vl")]
fn take_avx512(
    bytes: &[u8],
    lookup: &Lookup,
    bounds: Bounds,
    trail: &mut Trail,
    stamp: &mut Stamp,
    batch: &mut Batch,
) -> usize {
    let value = |text: &[u8; 16]| digits::x86::value(text);
    predict::take(bytes, lookup, bounds, trail, stamp, batch, value)
}
