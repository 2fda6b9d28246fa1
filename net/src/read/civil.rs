//! The Gregorian calendar: days since 1970 from and to year, month and day. UTC, no leap seconds.

const DAY_MS: i64 = 86_400_000;

/// Days from 1970-01-01. The year is counted from March, so that the leap day comes last and the
/// months' lengths follow one line: 153 days for every five months.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719468 days lie between 1 March of the year 0 and 1970-01-01.
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// A moment as a calendar and a clock show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: i64,
    /// Month, from 1.
    pub month: i64,
    /// Day of the month, from 1.
    pub day: i64,
    /// Day of the year, from 1.
    pub year_day: i64,
    /// Days since Sunday.
    pub weekday: i64,
    /// Hour.
    pub hour: i64,
    /// Minute.
    pub minute: i64,
    /// Second.
    pub second: i64,
    /// Millisecond.
    pub millisecond: i64,
}

impl Civil {
    /// A moment given in milliseconds since 1970.
    pub fn of(ms: i64) -> Civil {
        let (days, ms) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            year_day: days - days_from_civil(year, 1, 1) + 1,
            // 1970 began on a Thursday.
            weekday: (days + 4).rem_euclid(7),
            hour: ms / 3_600_000,
            minute: ms / 60_000 % 60,
            second: ms / 1000 % 60,
            millisecond: ms % 1000,
        }
    }
}

/// The inverse of [`days_from_civil`]: 146097 days make 400 years.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let (era, day_of_era) =
        ((days + 719_468).div_euclid(146_097), (days + 719_468).rem_euclid(146_097));
    let leaps = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + carry, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_a_thousand_years_comes_back() {
        let mut before = (0, 0, 0);
        for days in -150_000..250_000 {
            let date = civil_from_days(days);
            assert_eq!(days_from_civil(date.0, date.1, date.2), days, "{date:?}");
            assert!(before < date || days == -150_000, "{date:?} behind {before:?}");
            before = date;
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(Civil::of(951_782_400_000).weekday, 2, "29 February 2000 was a Tuesday");
    }
}
