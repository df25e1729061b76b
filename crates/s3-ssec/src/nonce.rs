//! Draws nonces, never the same one twice for a name.
//!
//! All processes of one state directory share a table of high-water marks (`nonces`), each raised under
//! a lock before the request that spends the nonce. It is not synchronised: a crash of the process
//! loses nothing, and after a power failure the clock has moved on. Where files cannot be locked, each
//! mark is a file of its own that only one process can create. Without a state directory, or with
//! one that cannot be written, this process remembers its own nonces.

use crate::positioned::{read_exact_at, write_all_at};
use crate::state::{NONCES as TABLE, StateDir, private_dir, private_file};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::key::{Key, RandomError, random_bytes};
use s3_ssec_core::keyring::Seal;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::nonce_table::{self, HEADER, Slot, after_reading, parse_mark, print_mark};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the marks are files.
const MARKS: &str = "nonces.d";

/// For how many seconds of nonces a smaller mark is kept beside a greater one: a process that reads
/// the directory meanwhile finds one of them.
const KEPT: u32 = 600;

/// The nonces that this process drew or read and that a later one could still equal: those not yet
/// in the past.
static RECENT: LazyLock<Mutex<HashMap<ObjectName, Nonce>>> = LazyLock::new(Mutex::default);

/// Seconds since 1970.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The nonce for a write of `name` that starts now, greater than any that was drawn for the name
/// with this state directory, and than any that was [`seen`].
pub(crate) fn draw(state: Option<&StateDir>, name: &ObjectName) -> Result<Nonce, RandomError> {
    let [random] = random_bytes()?;
    let now = unix_now();
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    // What lies in the past is smaller than anything drawn from now on.
    recent.retain(|_, nonce| u64::from(nonce.unix_seconds()) >= now);
    let known = recent.get(name).copied();
    let after = |mark: Option<Nonce>| nonce_table::draw(now, random, known.max(mark));
    let raised = state.map(|state| raise(state.path(), name, &after, File::lock));
    let nonce = match raised {
        Some(Ok(nonce)) => nonce,
        Some(Err(error)) => {
            tracing::debug!("the nonces of this machine cannot be noted: {error}");
            after(None)
        }
        None => after(None),
    };
    recent.insert(name.clone(), nonce);
    Ok(nonce)
}

/// Notes the nonce of a genuine record: the next write of the name gets a greater one.
pub(crate) fn seen(name: &ObjectName, nonce: Nonce) {
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(mark) = after_reading(unix_now(), nonce, recent.get(name).copied()) {
        recent.insert(name.clone(), mark);
    }
}

/// Binds `key` and `name` to a nonce drawn now, for a write that something else than
/// [`Client::put`](crate::Client::put) will do. With a state directory no other process of this
/// machine draws the same one.
pub fn fresh_seal<'k>(
    key: &'k Key,
    name: &ObjectName,
    state: Option<&StateDir>,
) -> Result<Seal<'k>, RandomError> {
    Ok(Seal::new(key, name.clone(), draw(state, name)?))
}

/// Raises the mark of a name to the nonce that `after` makes of it.
fn raise(
    directory: &Path,
    name: &ObjectName,
    after: &impl Fn(Option<Nonce>) -> Nonce,
    lock: impl Fn(&File) -> io::Result<()>,
) -> io::Result<Nonce> {
    private_dir(directory)?;
    let table = directory.join(TABLE);
    let file = private_file().read(true).write(true).create(true).truncate(false).open(table)?;
    let slot = Slot::of(name);
    match lock(&file) {
        Ok(()) => raise_in_table(&file, slot, after),
        Err(error) if knows_no_locks(&error) => {
            raise_in_files(&directory.join(MARKS).join(slot.index().to_string()), after)
        }
        Err(error) => Err(error),
    }
}

/// The lock is released when the file is closed.
fn raise_in_table(
    file: &File,
    slot: Slot,
    after: impl Fn(Option<Nonce>) -> Nonce,
) -> io::Result<Nonce> {
    let mut header = [0; HEADER.len()];
    if read_exact_at(file, &mut header, 0).is_err() || header != HEADER {
        // New, or damaged: then the clock is what nonces still follow.
        file.set_len(0)?;
        write_all_at(file, &HEADER, 0)?;
    }
    let mut mark = [0; 8];
    let known = read_exact_at(file, &mut mark, slot.offset()).ok().and_then(|()| parse_mark(mark));
    let nonce = after(known);
    write_all_at(file, &print_mark(nonce), slot.offset())?;
    Ok(nonce)
}

/// Without locks: every nonce is the name of a file that only one process can create, and counts if
/// it is then still the greatest. No process that ends can leave a lock behind.
fn raise_in_files(directory: &Path, after: impl Fn(Option<Nonce>) -> Nonce) -> io::Result<Nonce> {
    private_dir(directory)?;
    loop {
        let nonce = after(marks(directory)?.into_iter().max());
        let path = directory.join(nonce.to_string());
        match private_file().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            created => drop(created?),
        }
        let marks = marks(directory)?;
        if marks.iter().all(|mark| *mark <= nonce) {
            let oldest = nonce.unix_seconds().saturating_sub(KEPT);
            for past in marks.iter().filter(|mark| mark.unix_seconds() < oldest) {
                // It stays where it cannot be removed, and harms nothing.
                let _ = fs::remove_file(directory.join(past.to_string()));
            }
            return Ok(nonce);
        }
    }
}

fn marks(directory: &Path) -> io::Result<Vec<Nonce>> {
    let names = fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>()?;
    Ok(names.iter().filter_map(|name| Nonce::parse(name.to_str()?)).collect())
}

/// True where a file system has no locks, as opposed to a lock that another process holds.
pub(crate) fn knows_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let none = [Errno::NOSYS, Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOTSUP];
        if none.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
            return true;
        }
    }
    error.kind() == io::ErrorKind::Unsupported
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3_ssec_core::names::{BucketName, ObjectKey};
    use s3_ssec_core::nonce_table::next;
    use std::collections::HashSet;

    fn name(key: &str) -> ObjectName {
        ObjectName::new(BucketName::parse("bucket").unwrap(), ObjectKey::parse(key).unwrap())
    }

    /// A directory of its own for each test.
    fn directory(test: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("s3-ssec-nonce-{test}-{}", std::process::id()))
    }

    #[test]
    fn a_name_never_gets_a_nonce_twice() {
        let name = name("in-this-process");
        let drawn: Vec<_> = (0..2000).map(|_| draw(None, &name).unwrap()).collect();
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
        let future = Nonce::next(unix_now() + 1000, 0, None);
        seen(&name, future);
        assert!(draw(None, &name).unwrap() > future);
        assert!(draw(None, &name).unwrap() > future);
    }

    /// Many at once that share nothing but the directory, at one and the same second.
    fn all_differ(directory: &Path, lock: fn(&File) -> io::Result<()>) {
        let name = name("shared");
        let draw = || {
            let after = |mark| next(1_764_000_000, 7, mark).unwrap();
            (0..50).map(|_| raise(directory, &name, &after, lock).unwrap()).collect::<Vec<_>>()
        };
        let drawn: Vec<Nonce> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(drawn.len(), 400);
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), 400);
    }

    #[test]
    fn processes_share_the_table() {
        let directory = directory("table");
        all_differ(&directory, File::lock);
        assert!(!directory.join(MARKS).exists());
        let length = fs::metadata(directory.join(TABLE)).unwrap().len();
        assert!(length <= 16 + 8 * 4096, "{length}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&directory), mode(&directory.join(TABLE))), (0o700, 0o600));
        }
        fs::remove_dir_all(directory).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn processes_share_files_where_there_are_no_locks() {
        use rustix::io::Errno;
        let directory = directory("files");
        all_differ(&directory, |_| Err(Errno::NOLCK.into()));
        all_differ_from(&directory, Errno::NOSYS);
        all_differ_from(&directory, Errno::OPNOTSUPP);
        // What is long past is cleared away.
        let later = |mark| next(1_764_000_000 + 2 * u64::from(KEPT), 7, mark).unwrap();
        let lock = |_: &File| Err(Errno::NOLCK.into());
        raise(&directory, &name("shared"), &later, lock).unwrap();
        let slot = directory.join(MARKS).join(Slot::of(&name("shared")).index().to_string());
        assert_eq!(marks(&slot).unwrap().len(), 1);
        // An error that is none of the file system's nature draws nothing.
        let busy = |_: &File| Err(Errno::IO.into());
        assert!(raise(&directory, &name("shared"), &later, busy).is_err());
        fs::remove_dir_all(directory).unwrap();
    }

    /// One more draw, greater than all before.
    #[cfg(unix)]
    fn all_differ_from(directory: &Path, errno: rustix::io::Errno) {
        let after = |mark: Option<Nonce>| {
            assert!(mark.is_some(), "{errno:?}");
            next(1_764_000_000, 7, mark).unwrap()
        };
        raise(directory, &name("shared"), &after, |_| Err(errno.into())).unwrap();
    }

    #[test]
    fn a_damaged_table_is_begun_again() {
        let directory = directory("damaged");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(TABLE), b"notes of another program").unwrap();
        let after = |mark| next(1_764_000_000, 7, mark).unwrap();
        let first = raise(&directory, &name("a"), &after, File::lock).unwrap();
        assert!(raise(&directory, &name("a"), &after, File::lock).unwrap() > first);
        fs::remove_dir_all(directory).unwrap();
    }
}
