//! XML: answers, read to their end (one root element, all of them closed, nothing behind it), and the texts of
//! documents that are sent.
//!
//! Parsers for documents stop where they have what they want, or take what is missing for absent. Of
//! an answer that broke off that makes a shorter one.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

/// Elements inside one another, at most: no answer of S3 comes near it.
const DEPTH_MAX: usize = 16;

/// An answer is not the XML that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// It ends before its root element does.
    #[error("it breaks off")]
    BrokenOff,
    /// It is not XML, or not in the form that S3 uses.
    #[error("it is not XML")]
    NotXml,
    /// It is another document.
    #[error("it is not a {0}")]
    OtherRoot(String),
}

/// Appends the text of an element to a document.
pub fn push_text(xml: &mut String, text: &str) {
    text.chars().for_each(|c| match c {
        '&' => xml.push_str("&amp;"),
        '<' => xml.push_str("&lt;"),
        '>' => xml.push_str("&gt;"),
        // Readers turn it into a line feed otherwise.
        '\r' => xml.push_str("&#13;"),
        c => xml.push(c),
    });
}

/// Reads `body` and calls `ended` for every element below the root as it ends, with its path and its
/// text. A root of another name than `root` is an error; `None` takes every name.
pub(crate) fn read<E: From<XmlError>>(
    body: &[u8],
    root: Option<&str>,
    mut ended: impl FnMut(&[String], &str) -> Result<(), E>,
) -> Result<(), E> {
    let mut failure = None;
    let mut goes_on = |path: &[String], text: &str| {
        failure = ended(path, text).err();
        failure.is_none()
    };
    let read = walk(body, root, &mut goes_on);
    failure.map_or(read.map_err(E::from), Err)
}

/// As [`read`], until `ended` returns false. Not generic: a page has to load every copy of it.
fn walk(
    body: &[u8],
    root: Option<&str>,
    ended: &mut dyn FnMut(&[String], &str) -> bool,
) -> Result<(), XmlError> {
    let text = str::from_utf8(body).map_err(|_| XmlError::NotXml)?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}').trim());
    reader.config_mut().expand_empty_elements = true;
    let (mut open, mut text) = (Vec::<String>::new(), String::new());
    let mut has_root = false;
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                let second_root = open.is_empty() && std::mem::replace(&mut has_root, true);
                if open.len() == DEPTH_MAX || second_root {
                    return Err(XmlError::NotXml);
                }
                match root {
                    Some(root) if open.is_empty() && name != root => {
                        return Err(XmlError::OtherRoot(root.to_owned()));
                    }
                    _ => open.push(name),
                }
                text.clear();
            }
            Event::End(_) => {
                if let Some(below @ [_, ..]) = open.get(1..)
                    && !ended(below, &text)
                {
                    return Ok(());
                }
                open.pop();
                text.clear();
            }
            Event::Text(piece) if open.is_empty() && piece.trim().is_empty() => {}
            Event::Text(piece) if !open.is_empty() => text.push_str(&piece),
            Event::CData(piece) if !open.is_empty() => text.push_str(&piece),
            Event::GeneralRef(reference) if !open.is_empty() => push(&mut text, &reference)?,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof if has_root && open.is_empty() => return Ok(()),
            Event::Eof if has_root => return Err(XmlError::BrokenOff),
            // A document type brings entities of its own.
            _ => return Err(XmlError::NotXml),
        }
    }
}

/// Checks that `body` is one whole document of whatever name.
pub fn is_whole(body: &[u8]) -> Result<(), XmlError> {
    read(body, None, |_, _| Ok(()))
}

/// The parser's error, in fewer words.
fn broken(error: &quick_xml::Error) -> XmlError {
    match error {
        quick_xml::Error::Syntax(_) => XmlError::BrokenOff,
        _ => XmlError::NotXml,
    }
}

fn push(text: &mut String, reference: &BytesRef<'_>) -> Result<(), XmlError> {
    match reference.resolve_char_ref().map_err(|_| XmlError::NotXml)? {
        Some(character) => text.push(character),
        None => text.push_str(resolve_predefined_entity(reference).ok_or(XmlError::NotXml)?),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(body: &str) -> Result<Vec<(String, String)>, XmlError> {
        let mut found = Vec::new();
        read(body.as_bytes(), Some("R"), |path, text| {
            found.push((path.join("/"), text.to_owned()));
            Ok::<_, XmlError>(())
        })?;
        Ok(found)
    }

    #[test]
    fn elements_come_as_they_end() {
        let body = " \u{feff}<?xml version=\"1.0\"?>\n<R xmlns=\"http://x/\"><A><B>1&amp;&#x41;</B><C/></A>\
                    <!-- no --><D><![CDATA[<x>]]></D></R>\n";
        let pair = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let expected =
            [pair("A/B", "1&A"), pair("A/C", ""), pair("A", ""), pair("D", "<x>")].to_vec();
        assert_eq!(elements(body.trim_start()), Ok(expected));
    }

    #[test]
    fn every_shorter_answer_is_broken_off() {
        let body = "<?xml version=\"1.0\"?><R><A>a</A><B>&lt;</B></R>";
        assert!(elements(body).is_ok());
        for end in 0..body.len() {
            assert!(elements(&body[..end]).is_err(), "{}", &body[..end]);
        }
    }

    #[test]
    fn what_is_not_the_answer_is_refused() {
        let deep = format!("<R>{}{}</R>", "<a>".repeat(99), "</a>".repeat(99));
        for (body, error) in [
            ("", XmlError::NotXml),
            ("{}", XmlError::NotXml),
            ("<!DOCTYPE r [<!ENTITY a \"b\">]><R>&a;</R>", XmlError::NotXml),
            ("<R>&nbsp;</R>", XmlError::NotXml),
            ("<R></R><R></R>", XmlError::NotXml),
            ("<R></R>more", XmlError::NotXml),
            ("<R><A></R></A>", XmlError::NotXml),
            ("<html></html>", XmlError::OtherRoot("R".to_owned())),
            (&deep, XmlError::NotXml),
        ] {
            assert_eq!(elements(body), Err(error), "{body:.60}");
        }
        assert_eq!(is_whole(b"<html></html>"), Ok(()));
        assert!(is_whole(b"<html>").is_err() && is_whole(b"\xff\xfe<").is_err());
    }
}
