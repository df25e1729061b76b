//! Settings of the process that keep its memory out of files.

/// Switches core dumps off, for this process and for those it starts.
///
/// A limit of zero is not enough on Linux: it does not hold for a dump that the kernel pipes to a
/// program (core(5)). A process that is not dumpable makes neither, and other processes of its user
/// cannot read its memory. `/dev/fd`, where keys may come from, stays open to it (measured on 6.18).
/// A system without either goes on without: nothing else depends on it.
pub(crate) fn no_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn the_process_dumps_no_core() {
        no_core_dumps();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().unwrap(),
            rustix::process::DumpableBehavior::NotDumpable
        );
    }
}
