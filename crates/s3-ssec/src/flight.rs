//! How many requests are in flight: more while that is faster, fewer when it is not.
//!
//! A fast link on one machine wants three or four, a long one to another continent wants many. So the
//! number climbs by one while every step makes the transfer faster, and goes back when it got slower.

use std::time::{Duration, Instant};

/// In flight at first.
const START: usize = 4;
/// Never fewer than this, unless fewer are allowed.
const LEAST: usize = 2;
/// How long a number is tried before it is judged.
const TRIAL: Duration = Duration::from_millis(800);
/// The same three for small questions, of which a gateway answers hundreds a second: there is no
/// time to climb by ones.
const START_OF_SMALL: usize = 16;
const STEP_OF_SMALL: usize = 8;
const TRIAL_OF_SMALL: Duration = Duration::from_millis(400);

/// Counts what arrives and says how many requests should be in flight.
pub(crate) struct Flight {
    limit: usize,
    most: usize,
    step: usize,
    trial: Duration,
    best: f64,
    since: Instant,
    bytes: u64,
    finished: usize,
}

impl Flight {
    /// At most `most` at once.
    pub(crate) fn new(most: usize, now: Instant) -> Self {
        Self::with(START, 1, TRIAL, most, now)
    }

    /// For questions without a body: count each as one byte.
    pub(crate) fn of_small(most: usize, now: Instant) -> Self {
        Self::with(START_OF_SMALL, STEP_OF_SMALL, TRIAL_OF_SMALL, most, now)
    }

    fn with(start: usize, step: usize, trial: Duration, most: usize, now: Instant) -> Self {
        let most = most.max(1);
        let (limit, best, since) = (start.min(most), 0.0, now);
        Self { limit, most, step, trial, best, since, bytes: 0, finished: 0 }
    }

    /// How many may be in flight now.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// A request finished and moved `bytes`.
    pub(crate) fn finished(&mut self, bytes: u64, now: Instant) {
        self.bytes += bytes;
        self.finished += 1;
        let elapsed = now.saturating_duration_since(self.since);
        // Every request in flight has had its turn, and some time has gone by.
        if self.finished < self.limit || elapsed < self.trial {
            return;
        }
        let rate = self.bytes as f64 / elapsed.as_secs_f64();
        if rate > self.best * 1.05 {
            self.best = rate;
            self.limit = (self.limit + self.step).min(self.most);
        } else if rate < self.best * 0.8 {
            self.limit = self.limit.saturating_sub(self.step).max(LEAST.min(self.most));
            // The link may have changed: what was best once is believed less and less.
            self.best *= 0.95;
        }
        (self.since, self.bytes, self.finished) = (now, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link that gives each request `each` bytes a second, and all together at most `whole`.
    fn settle(each: f64, whole: f64, most: usize) -> usize {
        let mut now = Instant::now();
        let mut flight = Flight::new(most, now);
        for _ in 0..400 {
            let rate = (each * flight.limit() as f64).min(whole);
            now += Duration::from_secs_f64(8e6 / rate);
            flight.finished(8_000_000, now);
        }
        flight.limit()
    }

    #[test]
    fn a_long_link_takes_many() {
        assert_eq!(settle(1e6, 1e9, 16), 16);
        assert_eq!(settle(1e6, 1e9, 1), 1);
    }

    #[test]
    fn small_questions_climb_fast() {
        let start = Instant::now();
        let (mut now, mut flight) = (start, Flight::of_small(64, start));
        // A gateway that answers each in 20 ms, however many are asked.
        while flight.limit() < 64 {
            now += Duration::from_secs_f64(0.02 / flight.limit() as f64);
            flight.finished(1, now);
        }
        assert!(now - start < Duration::from_secs(4), "{:?}", now - start);
    }

    #[test]
    fn a_full_link_takes_no_more() {
        let settled = settle(100e6, 300e6, 16);
        assert!((3..=6).contains(&settled), "{settled}");
    }
}
