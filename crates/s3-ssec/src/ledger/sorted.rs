//! Files of sorted ledger lines: found in without reading them whole, merged without holding them.

use s3_ssec_core::ledger::{Ledger as Lines, LedgerEntry, group_of};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};

/// A stretch that is read from its start to its end instead of being halved again.
const STRETCH: u64 = 16 << 10;

/// Adds the lines that begin with `group` to `lines`.
pub(super) fn find(file: &File, group: &str, lines: &mut Lines) -> io::Result<()> {
    let mut from = Cursor::at(file, first_not_before(file, group)?)?;
    while let Some(line) = from.next.take() {
        if line.starts_with(group) {
            lines.take(&line);
        } else if line.as_str() > group {
            break;
        }
        from.read()?;
    }
    Ok(())
}

/// The start of a line that is not far before the first one from `group` on.
fn first_not_before(file: &File, group: &str) -> io::Result<u64> {
    let (mut low, mut high) = (0, file.metadata()?.len());
    while high - low > STRETCH {
        let middle = low + (high - low) / 2;
        let mut reader = BufReader::new(file);
        reader.seek(SeekFrom::Start(middle))?;
        let start = middle + reader.read_until(b'\n', &mut Vec::new())? as u64;
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        if start < high && line.as_slice() < group.as_bytes() {
            low = start;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Lines of a source, one after the other.
pub(super) struct Cursor<'s> {
    reader: Box<dyn io::BufRead + 's>,
    next: Option<String>,
}

impl<'s> Cursor<'s> {
    /// The lines of a file from `offset` on, where a line begins.
    pub(super) fn at(mut file: &'s File, offset: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        Self::over(Box::new(BufReader::with_capacity(64 << 10, file)))
    }

    /// The lines of a text, put in order. In the form of this program: whoever writes them with other blanks or
    /// fields in another order means the same object.
    pub(super) fn sorted(text: &str) -> io::Result<Self> {
        let canonical = |line: &str| match LedgerEntry::parse(line) {
            Some(entry) => entry.print().trim_end().to_owned(),
            None => line.to_owned(),
        };
        let mut lines: Vec<String> = text.lines().map(canonical).collect();
        lines.sort_unstable();
        Self::over(Box::new(io::Cursor::new(lines.join("\n"))))
    }

    fn over(reader: Box<dyn io::BufRead + 's>) -> io::Result<Self> {
        let mut cursor = Self { reader, next: None };
        cursor.read()?;
        Ok(cursor)
    }

    fn read(&mut self) -> io::Result<()> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        let line = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
        self.next = (!line.is_empty() || !self.reader.fill_buf()?.is_empty()).then_some(line);
        Ok(())
    }
}

/// Gives the lines of all sources to `take`, those of one object at a time, in their order.
pub(super) fn merge(
    sources: &mut [Cursor<'_>],
    mut take: impl FnMut(&Lines) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        let first = sources.iter().filter_map(|source| source.next.as_deref()).min();
        let Some(group) = first.map(|line| group_of(line).to_owned()) else { return Ok(()) };
        let mut lines = Lines::default();
        for source in sources.iter_mut() {
            while let Some(line) = source.next.take_if(|line| group_of(line) == group) {
                lines.take(&line);
                source.read()?;
            }
        }
        take(&lines)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// A file of so many lines of varying length, each twice, and its path.
    fn file(test: &str, count: u32) -> (File, std::path::PathBuf) {
        let path =
            std::env::temp_dir().join(format!("s3-ssec-sorted-{test}-{}", std::process::id()));
        let mut lines: Vec<String> =
            (0..count).flat_map(|n| [line(n, "1"), line(n, "2")]).collect();
        lines.sort_unstable();
        File::create(&path)
            .unwrap()
            .write_all(format!("{}\n", lines.join("\n")).as_bytes())
            .unwrap();
        (File::open(&path).unwrap(), path)
    }

    /// A line of an unknown kind of record: it is kept as it is.
    fn line(n: u32, record: &str) -> String {
        let padding = "x".repeat((n % 97) as usize);
        format!("{{\"object\":\"{n:08}{padding}\",\"record\":\"{record}\"}}")
    }

    #[test]
    fn every_line_is_found_and_no_other() {
        for count in [0, 1, 2, 150, 5000] {
            let (file, path) = file(&format!("find-{count}"), count);
            for n in (0..count + 2).filter(|n| n % 7 == 0 || n + 3 > count) {
                let mut lines = Lines::default();
                find(&file, group_of(&line(n, "1")), &mut lines).unwrap();
                let expected = [line(n, "1"), line(n, "2")].map(|line| line + "\n").concat();
                assert_eq!(lines.print(), if n < count { expected } else { String::new() }, "{n}");
            }
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn sources_are_merged_by_object() {
        let (file, path) = file("merge", 40);
        let recent = [line(50, "1"), line(7, "3"), String::new(), line(0, "0")].join("\n");
        let mut sources = [Cursor::sorted(&recent).unwrap(), Cursor::at(&file, 0).unwrap()];
        let mut groups = Vec::new();
        merge(&mut sources, |lines| {
            groups.push(lines.print());
            Ok(())
        })
        .unwrap();
        let groups: Vec<_> = groups.into_iter().filter(|group| !group.is_empty()).collect();
        assert_eq!(groups.len(), 41);
        assert_eq!(
            groups[0],
            [line(0, "0"), line(0, "1"), line(0, "2")].map(|l| l + "\n").concat()
        );
        assert_eq!(
            groups[7],
            [line(7, "3"), line(7, "1"), line(7, "2")].map(|l| l + "\n").concat()
        );
        assert_eq!(groups[40], line(50, "1") + "\n");
        std::fs::remove_file(path).unwrap();
    }
}
