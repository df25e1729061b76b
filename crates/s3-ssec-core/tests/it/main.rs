//! The core from outside: properties that hold for any input. The vectors run as a unit test of
//! their own module.

// `cfg(test)` is what tells the lints that helper functions here may unwrap.
#[cfg(test)]
mod properties;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod voices;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod wipes;
