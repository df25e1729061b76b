//! A moment as signatures write it. Nothing here asks a clock.

use std::fmt;

/// Seconds since 1970 in UTC, at most the end of the year 9999: what four digits can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// 9999-12-31T23:59:59Z.
const LAST: u64 = 253_402_300_799;
const DAY: u64 = 86_400;

impl Timestamp {
    /// The moment so many seconds after the beginning of 1970.
    pub fn from_unix_seconds(seconds: u64) -> Self {
        Self(seconds.min(LAST))
    }

    /// Seconds since 1970.
    pub fn unix_seconds(self) -> u64 {
        self.0
    }

    /// So many seconds later.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self::from_unix_seconds(self.0.saturating_add(seconds))
    }

    /// Reads the form of `X-Amz-Date`: `20130524T000000Z`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
        let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
        let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
        let moment = days(year.checked_sub(1)?, month, day)?
            .checked_mul(DAY)?
            .checked_add(hour * 3600 + minute * 60 + second)?;
        // One spelling only: what is out of range or not a digit does not come out again.
        let moment = Self(moment);
        (moment.0 <= LAST && moment.to_string() == text).then_some(moment)
    }

    /// The day of it: `20130524`, as in the scope of a signature.
    pub fn date(self) -> String {
        let mut date = self.to_string();
        date.truncate(8);
        date
    }
}

/// As in `X-Amz-Date`: `20130524T000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0 / DAY);
        let second = self.0 % DAY;
        let mut text = *b"00000000T000000Z";
        write_digits(&mut text[..4], year);
        for (place, number) in [
            (4, month as u64),
            (6, day),
            (9, second / 3600),
            (11, second / 60 % 60),
            (13, second % 60),
        ] {
            write_digits(&mut text[place..place + 2], number);
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

/// Fills `place` with the last digits of `number`. Every signature needs it, and `format!` takes longer
/// than a hash.
fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, given the full years before it.
fn days(years: u64, month: u64, day: u64) -> Option<u64> {
    let leap = is_leap(years + 1);
    let before: u64 = MONTHS.iter().take(usize::try_from(month.checked_sub(1)?).ok()?).sum();
    let leap_day = u64::from(leap && month > 2);
    (years * 365 + leap_days(years) + before + leap_day + day).checked_sub(EPOCH_DAYS + 1)
}

/// Lengths of the months of a common year.
const MONTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// Days from the beginning of year 1 to 1970.
const EPOCH_DAYS: u64 = 719_162;

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Leap days in years 1 to `years`.
fn leap_days(years: u64) -> u64 {
    years / 4 - years / 100 + years / 400
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(day: u64) -> (u64, usize, u64) {
    let since_year_1 = day + EPOCH_DAYS;
    // One year too late at most, because a year has at least 365 days.
    let mut years = since_year_1 / 365;
    while years * 365 + leap_days(years) > since_year_1 {
        years -= 1;
    }
    let mut rest = since_year_1 - years * 365 - leap_days(years);
    for (index, length) in MONTHS.into_iter().enumerate() {
        let length = length + u64::from(index == 1 && is_leap(years + 1));
        if rest < length {
            return (years + 1, index + 1, rest + 1);
        }
        rest -= length;
    }
    // The months of a year hold every day of it.
    (years + 1, 12, rest + 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_369_353_600, "20130524T000000Z"),
            (4_107_542_400, "21000301T000000Z"),
            (LAST, "99991231T235959Z"),
        ] {
            let moment = Timestamp::from_unix_seconds(seconds);
            assert_eq!(moment.to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(moment));
        }
        assert_eq!(Timestamp::from_unix_seconds(u64::MAX).unix_seconds(), LAST);
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let mut last = String::new();
        for day in 0..366 * 800 {
            let moment = Timestamp::from_unix_seconds(day * DAY);
            assert!(moment.date() > last, "{day}");
            last = moment.date();
            assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "20130524",
            "20130524T000000",
            "20130524T000000z",
            "20130524T240000Z",
            "20130230T000000Z",
            "20131324T000000Z",
            "20130024T000000Z",
            "00000101T000000Z",
            "19691231T235959Z",
            "2013052éT000000Z",
            "+0130524T000000Z",
        ] {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }
}
