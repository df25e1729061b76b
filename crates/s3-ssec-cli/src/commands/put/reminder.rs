//! A key of which there is no copy: somebody is told, once, before it guards the only data there are.

use crate::keys::quoted;
use crate::report::Failure;
use crate::session::{Session, Writer};
use std::io::{self, BufRead as _};

/// What else standard input is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// The content of the object.
    Content,
    Nothing,
}

/// Asks on a terminal, and waits for Enter; anywhere else one line is said when the upload is done.
/// Either happens once for a key, and neither changes what the command does.
pub(crate) fn remind(session: &Session, input: Input) -> Result<(), Failure> {
    let Some(Writer { key, file, is_alone }) = session.writer_without_copy()? else {
        return Ok(());
    };
    let mut file = file.map_or_else(|| "FILE".to_owned(), |file| quoted(&file));
    if !is_alone {
        file.push_str(&format!(" --key {key}"));
    }
    let lost = format!("the key {key} has no backup; if it is lost, so is what you upload with it");
    let make = format!("s3-ssec key backup {file} --sheet sheet.html makes a page to print");
    if input == Input::Content || !session.output.can_ask() {
        session.remark_on_copy(key, format!("{lost}: {make}"));
        return Ok(());
    }
    session.output.note(lost);
    session.output.note(make);
    session.output.note("press Enter to upload now, or Ctrl-C to make a backup first");
    // The end of the input is as good as Enter: nobody is there to say no.
    let _ = io::stdin().lock().read_line(&mut String::new());
    session.reminded(key);
    Ok(())
}
