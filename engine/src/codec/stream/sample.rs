//! Some numbers of a list, for a first impression.

/// Numbers looked at.
const SAMPLE: usize = 32;

/// Numbers at even distances, sorted.
#[derive(Debug)]
pub struct Sample {
    numbers: [i64; SAMPLE],
    len: usize,
}

impl Sample {
    /// Some of these numbers, all if they are few.
    pub fn of(list: &[i64]) -> Sample {
        Sample::of_those(Sample::places(list.len()).map(|at| list[at]))
    }

    /// The places of those looked at in a list of so many.
    pub fn places(len: usize) -> impl Iterator<Item = usize> + Clone {
        (0..len).step_by(len.div_ceil(SAMPLE).max(1))
    }

    /// These numbers, at most as many as there are places.
    pub fn of_those(list: impl Iterator<Item = i64>) -> Sample {
        let (mut numbers, mut len) = ([0; SAMPLE], 0);
        for (slot, number) in numbers.iter_mut().zip(list) {
            *slot = number;
            len += 1;
        }
        numbers[..len].sort_unstable();
        Sample { numbers, len }
    }

    /// The numbers, ascending.
    pub fn sorted(&self) -> &[i64] {
        &self.numbers[..self.len]
    }

    /// The one in the middle; 0 of none.
    pub fn middle(&self) -> i64 {
        self.sorted().get(self.len / 2).copied().unwrap_or(0)
    }

    /// Whether no two of them are equal.
    pub fn all_differ(&self) -> bool {
        self.sorted().windows(2).all(|pair| pair[0] != pair[1])
    }

    /// The number that may be most of the list, if one may.
    pub fn usual(&self) -> Option<i64> {
        // In a list of which it is more than half, the middle of what is sorted is it; that less
        // than two fifths of a sample are then it has a chance of one in nine.
        let candidate = *self.sorted().get(self.len / 2)?;
        let same = self.sorted().iter().filter(|&&number| number == candidate).count();
        (5 * same >= 2 * self.len).then_some(candidate)
    }
}
