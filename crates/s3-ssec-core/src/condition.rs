//! Whether a gateway honours `If-None-Match: *`, the condition of a write that must replace nothing.

/// Whether such a write leaves an existing object alone. RGW 16 and 18 ignore the condition in buckets
/// with versions, Garage 2.5 ignores it everywhere (measured), so only a trial shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnlyIfAbsent {
    /// The second write was refused with 412.
    Honoured,
    /// The second write was accepted.
    Ignored,
    /// The trial did not come to its end, or was answered with something else.
    Unknown,
}

impl OnlyIfAbsent {
    /// Judges two writes with the condition under one new name, by their status. The second is not sent
    /// where the first fails.
    pub fn of_trial(first: u16, second: Option<u16>) -> Self {
        match (first, second) {
            (200..=299, Some(412)) => OnlyIfAbsent::Honoured,
            (200..=299, Some(200..=299)) => OnlyIfAbsent::Ignored,
            _ => OnlyIfAbsent::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_412_to_the_second_write_is_believed() {
        assert_eq!(OnlyIfAbsent::of_trial(200, Some(412)), OnlyIfAbsent::Honoured);
        assert_eq!(OnlyIfAbsent::of_trial(200, Some(200)), OnlyIfAbsent::Ignored);
        for (first, second) in
            [(403, None), (412, None), (200, None), (200, Some(403)), (200, Some(500)), (501, None)]
        {
            assert_eq!(OnlyIfAbsent::of_trial(first, second), OnlyIfAbsent::Unknown);
        }
    }
}
