//! Text files line by line. Another program may have made them, so no line is held without a limit.

use std::io::{self, BufRead, Read as _};

/// Reads lines one after the other, none longer than a limit.
pub struct LimitedLines<R> {
    reader: R,
    limit: usize,
    number: u64,
    text: Vec<u8>,
    is_ended: bool,
}

/// A line cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is longer than any line of such a file.
    #[error("line {line} has more than {limit} bytes")]
    TooLong {
        /// From 1.
        line: u64,
        /// Bytes of a line, with its end, at most.
        limit: usize,
    },
    /// The system does not read it.
    #[error(transparent)]
    Read(#[from] io::Error),
}

impl From<LineError> for io::Error {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Read(error) => error,
            long @ LineError::TooLong { .. } => {
                Self::new(io::ErrorKind::InvalidData, long.to_string())
            }
        }
    }
}

impl<R: BufRead> LimitedLines<R> {
    /// Reads lines of at most `limit` bytes, their ends included.
    pub fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit, number: 0, text: Vec::new(), is_ended: false }
    }

    /// Reads the next line, with its end if it has one; `None` after the last line and after an error.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineError> {
        self.text.clear();
        if self.is_ended {
            return Ok(None);
        }
        // True until a line is there: also after an error.
        self.is_ended = true;
        let most = self.limit as u64 + 1;
        let read = self.reader.by_ref().take(most).read_until(b'\n', &mut self.text)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if read > self.limit {
            return Err(LineError::TooLong { line: self.number, limit: self.limit });
        }
        self.is_ended = false;
        Ok(Some(&self.text))
    }

    /// The number of the last line that was read, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_up_to_the_limit_and_not_beyond() {
        let mut lines = LimitedLines::new(&b"four\n\nend"[..], 5);
        let mut read = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            read.push(line.to_owned());
        }
        assert_eq!(read, [&b"four\n"[..], b"\n", b"end"]);
        assert_eq!(lines.number(), 3);
        let mut lines = LimitedLines::new(&b"1\nfive.\nnext\n"[..], 5);
        assert_eq!(lines.next_line().unwrap(), Some(&b"1\n"[..]));
        let error = lines.next_line().unwrap_err();
        assert!(matches!(error, LineError::TooLong { line: 2, limit: 5 }));
        assert_eq!(io::Error::from(error).to_string(), "line 2 has more than 5 bytes");
        assert_eq!(lines.next_line().unwrap(), None, "nothing after an error");
    }

    #[test]
    fn a_line_that_does_not_end_is_an_error() {
        let mut endless = LimitedLines::new(io::BufReader::new(io::repeat(b'x')), 1 << 10);
        assert!(endless.next_line().is_err());
        let mut failing = LimitedLines::new(io::BufReader::new(Failing), 5);
        assert!(matches!(failing.next_line(), Err(LineError::Read(_))));
        assert_eq!(failing.next_line().unwrap(), None);
    }

    struct Failing;

    impl io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::InvalidInput.into())
        }
    }
}
