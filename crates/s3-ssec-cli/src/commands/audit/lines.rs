//! The lines of an audit: CSV or JSON, to a file or standard output.

use crate::args::{AuditArgs, AuditFormat};
use crate::output::Output;
use crate::report::{Exit, Failure};
use crate::text::{self, cell, rfc3339};
use s3_ssec::{AuditEntry, HalfDone};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

const COLUMNS: [&str; 13] = [
    "key",
    "version_id",
    "latest",
    "size",
    "last_modified",
    "state",
    "proved",
    "key_fingerprint",
    "key_kind",
    "record",
    "accepted_since",
    "expected",
    "note",
];

/// Lines that are not written yet, in bytes.
const BUFFER: usize = 64 << 10;

/// Where lines go.
pub(super) struct Lines {
    format: AuditFormat,
    buffer: Vec<u8>,
    target: Target,
    written: u64,
}

enum Target {
    File(File),
    StandardOutput(Output),
}

impl Lines {
    /// `None` if no lines are wanted. A file is made anew, or, if the audit goes on, cut to the
    /// bytes that still count.
    pub(super) fn open(
        output: Output,
        args: &AuditArgs,
        kept: Option<u64>,
    ) -> Result<Option<Self>, Failure> {
        let Some(format) = args.format() else { return Ok(None) };
        let (target, written) = match &args.out {
            None => (Target::StandardOutput(output), 0),
            Some(path) => (Target::File(open(path, kept)?), kept.unwrap_or_default()),
        };
        let mut lines = Self { format, buffer: Vec::new(), target, written };
        if format == AuditFormat::Csv && written == 0 {
            lines.csv(&COLUMNS).map_err(|error| unwritable(args.out.as_deref(), &error))?;
        }
        Ok(Some(lines))
    }

    pub(super) fn object(&mut self, entry: &AuditEntry, expected: Option<bool>) -> io::Result<()> {
        let modified = entry.last_modified.map(rfc3339);
        let fingerprint = entry.key_fingerprint.map(|fingerprint| fingerprint.to_string());
        let kind = entry.key_kind.map(|kind| kind.to_string());
        let accepted = entry.accepted.map(|since| rfc3339(since.into()));
        match self.format {
            AuditFormat::Csv => self.csv(&[
                &entry.key,
                entry.version.as_deref().unwrap_or_default(),
                yes_no(entry.is_latest),
                &entry.size.map(|size| size.to_string()).unwrap_or_default(),
                modified.as_deref().unwrap_or_default(),
                entry.state.as_str(),
                yes_no(entry.is_proved),
                fingerprint.as_deref().unwrap_or_default(),
                kind.as_deref().unwrap_or_default(),
                entry.record.as_str(),
                accepted.as_deref().unwrap_or_default(),
                expected.map_or("", yes_no),
                entry.note.as_deref().unwrap_or_default(),
            ]),
            AuditFormat::Jsonl => self.json(&json!({
                "key": entry.key,
                "version_id": entry.version,
                "latest": entry.is_latest,
                "size": entry.size,
                "last_modified": modified,
                "state": entry.state.as_str(),
                "proved": entry.is_proved,
                "key_fingerprint": fingerprint,
                "key_kind": kind,
                "record": entry.record.as_str(),
                "accepted_since": accepted,
                "expected": expected,
                "note": entry.note,
            })),
        }
    }

    pub(super) fn upload(&mut self, upload: &HalfDone) -> io::Result<()> {
        let began = upload.initiated.map(rfc3339);
        let began = began.as_deref();
        let note = format!("upload ID {}", upload.upload_id);
        match self.format {
            AuditFormat::Csv => {
                let began = began.unwrap_or_default();
                let lead = [&upload.key, "", "", "", began, "half-done"];
                self.csv(&[&lead[..], &["", "", "", "", "", "", &note]].concat())
            }
            AuditFormat::Jsonl => self.json(&json!({
                "key": upload.key,
                "upload_id": upload.upload_id,
                "last_modified": began,
                "state": "half-done",
            })),
        }
    }

    /// Writes what waits. Gives how many bytes there are now.
    pub(super) fn flush(&mut self) -> io::Result<u64> {
        match &mut self.target {
            Target::File(file) => file.write_all(&self.buffer)?,
            Target::StandardOutput(output) => output.bytes(&self.buffer)?,
        }
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(self.written)
    }

    /// What is written is on the disk when this returns.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::File(file) => file.sync_data(),
            Target::StandardOutput(_) => Ok(()),
        }
    }

    fn csv(&mut self, fields: &[&str]) -> io::Result<()> {
        let mut writer =
            csv::WriterBuilder::new().buffer_capacity(512).from_writer(&mut self.buffer);
        writer.write_record(fields.iter().map(|field| cell(field)))?;
        writer.flush()?;
        drop(writer);
        self.flush_if_full()
    }

    fn json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        writeln!(self.buffer, "{}", text::json(value))?;
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> io::Result<()> {
        match self.buffer.len() >= BUFFER {
            true => self.flush().map(drop),
            false => Ok(()),
        }
    }
}

fn open(path: &Path, kept: Option<u64>) -> Result<File, Failure> {
    let fail = |error: io::Error| unwritable(Some(path), &error);
    let Some(kept) = kept else {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        return file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::new(
                Exit::Unsafe,
                format!("{} exists", path.display()),
                "Name another file, or remove it first. Nothing was asked.",
            ),
            _ => fail(error),
        });
    };
    let file = OpenOptions::new().append(true).create(true).open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.len() < kept {
        return Err(Failure::new(
            Exit::Failed,
            format!("{} is not the file that the journal of this audit knows", path.display()),
            "Put it back, or begin anew: another --out, another --journal.",
        ));
    }
    file.set_len(kept).map_err(fail)?;
    Ok(file)
}

fn unwritable(path: Option<&Path>, error: &io::Error) -> Failure {
    let name = path.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    let what = format!("{name} cannot be written: {error}");
    Failure::new(Exit::Failed, what, "Check the name, your rights and the disk.")
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
