//! How fast a run may go, in virtual time: it is told the time and says how long to wait.

use std::time::Duration;

/// Spreads bytes so that no more than so many pass in a second, with a burst of at most one second.
#[derive(Clone, Debug)]
pub struct Pace {
    rate: u64,
    /// When everything let through so far has had its time.
    free_at: Duration,
}

impl Pace {
    /// At most `rate` bytes in a second, from one on.
    pub fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), free_at: Duration::ZERO }
    }

    /// How long to wait before `bytes` more may pass, at `now` since the run began.
    pub fn take(&mut self, bytes: u64, now: Duration) -> Duration {
        // Time that was not used is not saved up.
        let start = self.free_at.max(now);
        self.free_at = start + Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        start - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time() {
        let mut pace = Pace::new(1000);
        let mut now = Duration::ZERO;
        for _ in 0..50 {
            now += pace.take(200, now);
        }
        // The last 200 bytes have just begun.
        assert_eq!(now, Duration::from_millis(49 * 200));
        let later = now + Duration::from_secs(3600);
        assert_eq!(pace.take(5000, later), Duration::ZERO);
        assert_eq!(pace.take(1, later), Duration::from_secs(5), "no hour was saved up");
        assert_eq!(Pace::new(0).take(1, now), Duration::ZERO);
    }
}
