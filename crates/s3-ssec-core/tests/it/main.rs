//! The core from outside: the vectors, and properties that hold for any input.

// `cfg(test)` is what tells the lints that helper functions here may unwrap.
#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;
