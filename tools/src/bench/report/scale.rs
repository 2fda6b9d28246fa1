//! Axes: from values to places, and the values worth a line and a number. Pure.

/// How values are laid along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From 0 to a round number.
    Linear {
        /// The end.
        most: f64,
    },
    /// Powers of ten.
    Log {
        /// The least value shown, above 0.
        least: f64,
        /// The most value shown.
        most: f64,
    },
    /// Quantiles, each nine as long as the one before it.
    Nines {
        /// The last quantile shown, below 1.
        last: f64,
    },
}

/// Steps of a linear axis end in these.
const STEPS: [f64; 4] = [1.0, 2.0, 2.5, 5.0];
/// Lines of a linear axis, about.
const LINES: f64 = 5.0;

impl Scale {
    /// From 0 to at least the most of these.
    pub(super) fn linear(values: impl Iterator<Item = f64>) -> Self {
        let most = values.fold(0.0, f64::max);
        if most <= 0.0 {
            return Scale::Linear { most: 1.0 };
        }
        let step = step(most);
        Scale::Linear { most: (most / step).ceil() * step }
    }

    /// From the least of these to the most, to the next 1, 2 or 5.
    pub(super) fn log(values: impl Iterator<Item = f64> + Clone) -> Self {
        let positive = values.filter(|value| *value > 0.0);
        let least = positive.clone().fold(f64::INFINITY, f64::min);
        let most = positive.fold(0.0, f64::max);
        if !least.is_finite() {
            return Scale::Log { least: 1.0, most: 10.0 };
        }
        let (least, most) = (below(least), above(most));
        Scale::Log { least, most: if most > least { most } else { least * 10.0 } }
    }

    /// Where a value is, from 0 to 1.
    pub(super) fn place(self, value: f64) -> f64 {
        let place = match self {
            Scale::Linear { most } => value / most,
            Scale::Log { least, most } => (value / least).ln() / (most / least).ln(),
            Scale::Nines { last } => nines(value) / nines(last),
        };
        place.clamp(0.0, 1.0)
    }

    /// The ends of stretches of equal length of a logarithmic axis.
    pub(super) fn bins(self, count: usize) -> Vec<f64> {
        let Scale::Log { least, most } = self else { return Vec::new() };
        let end = |number: usize| least * (most / least).powf(number as f64 / count as f64);
        (0..=count).map(end).collect()
    }

    /// The values that get a line and a number.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Scale::Linear { most } => {
                let step = step(most);
                (0..=(most / step + 1e-9) as u64).map(|number| number as f64 * step).collect()
            }
            Scale::Log { least, most } => {
                let decades = (most / least).log10();
                let parts: &[f64] = if decades > 2.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
                let first = least.log10().floor() as i32 - 1;
                let all = (first..first + decades as i32 + 4)
                    .flat_map(|exponent| parts.iter().map(move |part| part * 10f64.powi(exponent)));
                all.filter(|tick| (least * 0.999..most * 1.001).contains(tick)).collect()
            }
            Scale::Nines { last } => {
                let all = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999_999];
                all.into_iter().filter(|tick| *tick <= last).collect()
            }
        }
    }
}

/// How many nines a quantile has: 0.99 has two.
fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).max(1e-12).log10()
}

/// The distance between two lines up to `most`.
fn step(most: f64) -> f64 {
    let rough = most / LINES;
    let power = 10f64.powf(rough.log10().floor());
    let fits = STEPS.iter().map(|step| step * power).find(|step| *step >= rough * 0.999);
    fits.unwrap_or(power * 10.0)
}

/// The next 1, 2 or 5 of a power of ten that is not above.
fn below(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    [5.0, 2.0, 1.0].iter().map(|part| part * power).find(|part| *part <= value).unwrap_or(power)
}

/// The next 1, 2 or 5 of a power of ten that is not below.
fn above(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0]
        .iter()
        .map(|part| part * power)
        .find(|part| *part >= value)
        .unwrap_or(power * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_axes_end_at_round_numbers() {
        let scale = Scale::linear([3.0, 13.7e6].into_iter());
        assert_eq!(scale, Scale::Linear { most: 15e6 });
        assert_eq!(scale.ticks(), [0.0, 5e6, 10e6, 15e6]);
        assert_eq!(Scale::linear([1.83].into_iter()).ticks(), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(Scale::linear(std::iter::empty()).place(0.5), 0.5);
    }

    #[test]
    fn logarithmic_axes_have_a_place_for_every_value() {
        let scale = Scale::log([0.0, 130.0, 8500.0].into_iter());
        assert_eq!(scale, Scale::Log { least: 100.0, most: 10_000.0 });
        assert_eq!(scale.place(1000.0), 0.5);
        let bins: Vec<u64> = scale.bins(2).iter().map(|bin| bin.round() as u64).collect();
        assert_eq!(bins, [100, 1000, 10_000]);
        let ticks: Vec<u64> = scale.ticks().iter().map(|tick| tick.round() as u64).collect();
        assert_eq!(ticks, [100, 200, 500, 1000, 2000, 5000, 10_000]);
        let ticks = Scale::log([3.0, 90_000.0].into_iter()).ticks();
        let ticks: Vec<u64> = ticks.iter().map(|tick| tick.round() as u64).collect();
        assert_eq!(ticks, [10, 100, 1000, 10_000, 100_000]);
        assert_eq!(Scale::log(std::iter::once(0.0)), Scale::Log { least: 1.0, most: 10.0 });
    }

    #[test]
    fn each_nine_is_as_long_as_the_one_before() {
        let scale = Scale::Nines { last: 0.9999 };
        let places = [0.0, 0.9, 0.99, 0.999, 0.9999].map(|tick| scale.place(tick));
        let expected = [0.0, 0.25, 0.5, 0.75, 1.0];
        assert!(places.iter().zip(expected).all(|(place, want)| (place - want).abs() < 1e-9));
        assert_eq!(scale.ticks(), [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999]);
    }
}
