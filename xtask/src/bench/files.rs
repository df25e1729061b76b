//! Random files to move, and whether they came back the same.

use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Makes a file of `size` bytes that do not compress.
pub(super) fn make(path: &Path, size: u64) -> Result<()> {
    let mut random = File::open("/dev/urandom")?.take(size);
    let written = io::copy(&mut random, &mut File::create(path)?).context("is the disk full?")?;
    ensure!(written == size, "{} became {written} bytes long", path.display());
    Ok(())
}

/// Makes `count` files of `size` bytes in a new directory.
pub(super) fn make_tree(dir: &Path, count: u64, size: u64) -> Result<()> {
    fs::create_dir_all(dir)?;
    (0..count).try_for_each(|number| make(&dir.join(format!("file-{number:05}")), size))
}

/// Cuts `path` into `pieces` files beside it, named `path.0` and so on. Keeps the whole.
pub(super) fn split(path: &Path, pieces: u64) -> Result<()> {
    let mut whole = File::open(path)?;
    let piece = whole.metadata()?.len() / pieces;
    for index in 0..pieces {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{index}"));
        io::copy(&mut whole.by_ref().take(piece), &mut File::create(name)?)?;
    }
    Ok(())
}

/// Puts `pieces` together again: the content of each after the other, in `path`.
pub(super) fn join(path: &Path, pieces: u64) -> Result<()> {
    let mut whole = File::create(path)?;
    for index in 0..pieces {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{index}"));
        io::copy(&mut File::open(&name)?, &mut whole)?;
        fs::remove_file(name)?;
    }
    Ok(())
}

/// Fails unless `back` has the content of `source`: a file, or a directory of files.
pub(super) fn compare(source: &Path, back: &Path) -> Result<()> {
    if !source.is_dir() {
        let same = same_bytes(source, back)?;
        ensure!(same, "other bytes came back in {}", back.display());
        return Ok(());
    }
    let count = |dir: &Path| -> Result<usize> { Ok(fs::read_dir(dir)?.count()) };
    let (wanted, found) = (count(source)?, count(back)?);
    ensure!(wanted == found, "{found} of {wanted} files came back in {}", back.display());
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        compare(&entry.path(), &back.join(entry.file_name()))?;
    }
    Ok(())
}

fn same_bytes(one: &Path, other: &Path) -> Result<bool> {
    const CHUNK: u64 = 1 << 20;
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    loop {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        one.by_ref().take(CHUNK).read_to_end(&mut a)?;
        other.by_ref().take(CHUNK).read_to_end(&mut b)?;
        if a != b || a.is_empty() {
            return Ok(a == b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_split_is_joined_again() {
        let dir = std::env::temp_dir().join(format!("s3-ssec-bench-{}", std::process::id()));
        make_tree(&dir.join("tree"), 2, 64).unwrap();
        let whole = dir.join("tree/file-00000");
        let copy = dir.join("copy");
        fs::copy(&whole, &copy).unwrap();
        split(&copy, 4).unwrap();
        fs::remove_file(&copy).unwrap();
        join(&copy, 4).unwrap();
        compare(&whole, &copy).unwrap();
        assert!(compare(&dir.join("tree/file-00001"), &copy).is_err());
        assert!(compare(&dir.join("tree"), &dir).is_err());
        fs::remove_dir_all(dir).unwrap();
    }
}
