//! What keeps the memory of this process out of files.

/// Switches core dumps off, for this process and for those it starts.
///
/// A system that cannot goes on without: nothing else depends on it. Making the process undumpable as
/// well (PR_SET_DUMPABLE) would take `/dev/fd` away from it on Linux, where keys may come from.
pub(crate) fn no_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
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
    }
}
