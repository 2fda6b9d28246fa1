//! Which instructions the fast loops use: what this machine has, or less if the operator says so.
//!
//! One choice for the process. Every variant gives the same results; the choice is there to measure
//! them, to try them all on one machine, and to do without one that a machine has and runs badly.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Sets of instructions, each with what the ones before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Instructions {
    /// What every processor of the architecture has.
    Plain = 1,
    /// x86-64: AVX2, BMI1, BMI2, FMA, LZCNT and POPCNT.
    Avx2 = 2,
    /// x86-64: AVX-512BW and VL besides.
    Avx512 = 3,
}

/// All of them, the least first.
pub const ALL: [Instructions; 3] = [Instructions::Plain, Instructions::Avx2, Instructions::Avx512];

/// What was chosen; 0 before anything was.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

impl Instructions {
    /// The most that this machine can run.
    pub fn best() -> Instructions {
        let can_run = |wanted: &&Instructions| wanted.is_here();
        ALL.iter().rev().find(can_run).copied().unwrap_or(Instructions::Plain)
    }

    /// Whether this machine can run them.
    #[cfg(target_arch = "x86_64")]
    pub fn is_here(self) -> bool {
        let avx2 = || {
            is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt")
        };
        let avx512 =
            || is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl");
        match self {
            Instructions::Plain => true,
            Instructions::Avx2 => avx2(),
            Instructions::Avx512 => avx2() && avx512(),
        }
    }

    /// Whether this machine can run them.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_here(self) -> bool {
        self == Instructions::Plain
    }

    /// Makes the process use no more than these, which the machine must be able to run. To be said
    /// before anything is read or written: what asked already may keep what it was told.
    pub fn choose(self) {
        assert!(self.is_here(), "whoever chooses has looked");
        CHOSEN.store(self as u8, Relaxed);
    }

    /// What the process uses: what was chosen, or else the best.
    #[inline]
    pub fn chosen() -> Instructions {
        match CHOSEN.load(Relaxed) {
            1 => Instructions::Plain,
            2 => Instructions::Avx2,
            3 => Instructions::Avx512,
            _ => first(),
        }
    }

    /// As flags call them.
    pub fn word(self) -> &'static str {
        match self {
            Instructions::Plain => "plain",
            Instructions::Avx2 => "avx2",
            Instructions::Avx512 => "avx512",
        }
    }
}

#[cold]
fn first() -> Instructions {
    let best = Instructions::best();
    // Somebody may choose at this moment, and that counts.
    let _chosen = CHOSEN.compare_exchange(0, best as u8, Relaxed, Relaxed);
    Instructions::chosen()
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
