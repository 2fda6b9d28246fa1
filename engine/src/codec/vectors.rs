//! Loops compiled twice: for any processor, and for those with vectors of 256 bits and bit instructions.
//!
//! One body gives both, so they cannot drift apart; [`either_way`] makes tests compare them. Calling what is
//! compiled for more than the baseline is one of the few places with `unsafe`. It gains (`cargo bench --bench
//! codecs`, with and without `-- --plain`, 2026-11-28): decoding merged nab 549 M samples/s instead of 383,
//! collectd-hour 618 instead of 512, agent lines 1,730 instead of 1,597; encoding nothing.

#[cfg(target_arch = "x86_64")]
use crate::instructions::Instructions;

/// A function whose body is compiled once more for [`wide`] processors and taken there.
macro_rules! twice {
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($arg:ident: $of:ty),* $(,)?) $(-> $result:ty)? $body:block
    )+) => {$(
        $(#[$meta])*
        $vis fn $name($($arg: $of),*) $(-> $result)? {
            // A list of arguments of its own, so that bodies may make theirs `mut` by a `let`.
            #[inline(always)]
            fn body($($arg: $of),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            if $crate::codec::vectors::wide() {
                #[target_feature(enable = "avx2,bmi1,bmi2,fma,lzcnt,popcnt")]
                fn for_wide($($arg: $of),*) $(-> $result)? {
                    body($($arg),*)
                }
                #[expect(unsafe_code, reason = "the processor has what the function is compiled for")]
                // SAFETY: `wide` says that this processor has all features named above, for nothing
                // that it cannot run is ever chosen; the body is safe.
                let result = unsafe { for_wide($($arg),*) };
                return result;
            }
            body($($arg),*)
        }
    )+};
}

pub(super) use twice;

/// Whether the functions compiled for vectors are taken: this processor can, and nobody chose less.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn wide() -> bool {
    #[cfg(test)]
    if PLAINLY.get() {
        return false;
    }
    Instructions::chosen() >= Instructions::Avx2
}

/// No other does.
#[cfg(not(target_arch = "x86_64"))]
pub fn wide() -> bool {
    false
}

#[cfg(test)]
thread_local! {
    static PLAINLY: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// What `work` gives, which is the same on a processor without such vectors.
#[cfg(test)]
pub fn either_way<T: PartialEq + std::fmt::Debug>(work: impl Fn() -> T) -> T {
    PLAINLY.set(true);
    let plain = work();
    PLAINLY.set(false);
    assert_eq!(work(), plain);
    plain
}
