//! The lies: what is done to the objects that are stored, and what is done to answers.

use super::answers::{self, Answer};
use super::store::{CustomerKey, Store};
use super::write::{copied, copy_answer, written};
use super::xml::parameter;
use crate::proxy::{Asked, CUSTOMER};
use bytes::Bytes;

/// One way to lie. At any time there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Honest.
    None,
    /// A copy has other bytes, under the right key and with the right echo; scratch objects are copied
    /// rightly.
    CopyGarbled,
    /// The same for scratch objects too.
    CopyGarbledAlways,
    /// A copy is stored as plaintext, with the right echo; scratch objects are copied rightly.
    CopyPlain,
    /// A copy is confirmed and not made; scratch objects are copied rightly.
    CopyLost,
    /// A copy is stored as plaintext, and answered 500; scratch objects are copied rightly.
    Copy500,
    /// The document of a listing ends after its first entry.
    ListCut,
    /// A listing has more pages and names none.
    ListNoToken,
    /// A listing has its first page again and again.
    ListSameToken,
    /// A listing is a page of HTML.
    ListHtml,
    /// A listing is an empty body.
    ListEmpty,
    /// A listing is an S3 error with status 200.
    ListError,
    /// A listing counts more entries than it has.
    ListCount,
    /// HEAD names no length.
    HeadNoLength,
    /// HEAD names one byte more than there is.
    HeadLonger,
    /// HEAD names one byte less than there is.
    HeadShorter,
    /// HEAD names a length near 2^63.
    HeadHuge,
    /// Every content is answered with a range that was not asked for.
    RangeElsewhere,
    /// Version IDs where there are no versions, and a deletion by one deletes the object.
    PhantomVersions,
    /// Tags are taken in silence and never seen again.
    TagsDropped,
    /// A wrong key is answered 403.
    WrongKeyForbidden,
    /// A deletion is confirmed, and the object stays; scratch objects go.
    DeleteKept,
    /// PUT stores plaintext and answers with two echoes, of which one is right.
    PutDoubledEcho,
    /// PUT stores plaintext and answers 500.
    Put500,
    /// PUT stores plaintext and answers 504 in HTML.
    Put504,
    /// PUT stores plaintext, and the answer is cut.
    PutCut,
    /// PUT stores plaintext, and a header of the answer is not text.
    PutOdd,
}

impl Lie {
    /// Answers a request in this way; `None` ends the connection.
    pub(super) fn answer(self, store: &mut Store, asked: &Asked, body: Bytes) -> Option<Answer> {
        let operation = asked.operation();
        Some(match self {
            Lie::CopyGarbled
            | Lie::CopyGarbledAlways
            | Lie::CopyPlain
            | Lie::CopyLost
            | Lie::Copy500
                if operation == "CopyObject"
                    && (self == Lie::CopyGarbledAlways || !asked.is_trial()) =>
            {
                self.copy(store, asked)
            }
            _ if self.is_of_listings() && asked.method == "GET" && asked.object().is_empty() => {
                let answer = answers::answer(store, asked, &body);
                let listing = answer.body.windows(4).any(|four| four == b"<Key");
                if listing { self.list(store, asked, &answer) } else { answer }
            }
            Lie::HeadNoLength | Lie::HeadLonger | Lie::HeadShorter | Lie::HeadHuge
                if operation == "HeadObject" && !asked.is_trial() =>
            {
                self.head(answers::answer(store, asked, &body))
            }
            Lie::RangeElsewhere if operation == "GetObject" => {
                elsewhere(answers::answer(store, asked, &body))
            }
            Lie::PhantomVersions => versioned(store, asked, &body),
            Lie::TagsDropped => without_tags(store, asked, &body),
            Lie::WrongKeyForbidden => forbidding(store, asked, &body),
            Lie::DeleteKept if operation == "DeleteObject" && !asked.is_trial() => {
                Answer::new(204, "")
            }
            Lie::PutDoubledEcho | Lie::Put500 | Lie::Put504 | Lie::PutCut | Lie::PutOdd => {
                match operation {
                    "PutObject" if !asked.is_trial() => return self.put(store, asked, body),
                    // So that whoever copies has to PUT.
                    "CopyObject" => Answer::refuse(501, "NotImplemented"),
                    _ => answers::answer(store, asked, &body),
                }
            }
            _ => answers::answer(store, asked, &body),
        })
    }

    fn is_of_listings(self) -> bool {
        matches!(
            self,
            Lie::ListCut
                | Lie::ListNoToken
                | Lie::ListSameToken
                | Lie::ListHtml
                | Lie::ListEmpty
                | Lie::ListError
                | Lie::ListCount
        )
    }

    fn copy(self, store: &mut Store, asked: &Asked) -> Answer {
        let object = match copied(store, asked) {
            Ok(object) => object,
            Err(refusal) => return refusal,
        };
        let answer = copy_answer(&object);
        let object = match self {
            Lie::CopyPlain | Lie::Copy500 => super::Object { key: None, ..object },
            _ => {
                let garbled: Vec<u8> = object.content.iter().map(|byte| byte ^ 0x55).collect();
                object.with_content(garbled)
            }
        };
        if self != Lie::CopyLost {
            store.objects.insert(asked.object(), object);
        }
        if self == Lie::Copy500 { Answer::refuse(500, "InternalError") } else { answer }
    }

    fn list(self, store: &mut Store, asked: &Asked, honest: &Answer) -> Answer {
        let text = String::from_utf8_lossy(&honest.body).into_owned();
        match self {
            Lie::ListCut => {
                let end = ["</Contents>", "</Version>", "</Upload>"]
                    .iter()
                    .filter_map(|close| Some(text.find(close)? + close.len()))
                    .min();
                Answer::xml(text[..end.unwrap_or(text.len())].to_owned())
            }
            Lie::ListNoToken => {
                let tokens = ["NextContinuationToken", "NextKeyMarker", "NextVersionIdMarker"];
                let text = tokens.iter().fold(text, |text, name| removed(&text, name));
                Answer::xml(
                    text.replace(
                        "<IsTruncated>false</IsTruncated>",
                        "<IsTruncated>true</IsTruncated>",
                    ),
                )
            }
            Lie::ListSameToken => {
                let query = asked.query.split('&').filter(|pair| {
                    !pair.starts_with("continuation-token") && !pair.starts_with("key-marker")
                });
                let query = query.collect::<Vec<_>>().join("&");
                answers::answer(store, &Asked { query, ..asked.clone() }, &Bytes::new())
            }
            Lie::ListHtml => {
                let page = "<!doctype html><html><body><p>Please log in<br></body></html>";
                Answer::new(200, page).with("content-type", "text/html")
            }
            Lie::ListEmpty => Answer::new(200, ""),
            Lie::ListError => Answer { status: 200, ..Answer::refuse(503, "SlowDown") },
            Lie::ListCount if text.contains("<KeyCount>") => {
                let count = text.matches("<Contents>").count() + 3;
                let start = removed(&text, "KeyCount");
                let counted = format!("<KeyCount>{count}</KeyCount></ListBucketResult>");
                Answer::xml(start.replace("</ListBucketResult>", &counted))
            }
            _ => honest.clone(),
        }
    }

    fn head(self, answer: Answer) -> Answer {
        if answer.status != 200 {
            return answer;
        }
        let length = answer.headers.iter().find(|(name, _)| name == "content-length");
        let length: u64 = length.and_then(|(_, value)| value.parse().ok()).unwrap_or_default();
        let answer = answer.without("content-length");
        match self {
            Lie::HeadLonger => answer.with("content-length", (length + 1).to_string()),
            Lie::HeadShorter => answer.with("content-length", (length - 1).to_string()),
            Lie::HeadHuge => answer.with("content-length", i64::MAX.to_string()),
            _ => answer,
        }
    }

    fn put(self, store: &mut Store, asked: &Asked, body: Bytes) -> Option<Answer> {
        let object = written(asked, body);
        let key = object.key.clone();
        let answer = super::write::stored(&object);
        store.objects.insert(asked.object(), super::Object { key: None, ..object });
        Some(match self {
            Lie::PutDoubledEcho => {
                let other = CustomerKey { md5: "AAAAAAAAAAAAAAAAAAAAAA==".to_owned(), ..key? };
                answer.echo(Some(&other))
            }
            Lie::Put500 => Answer::refuse(500, "InternalError"),
            Lie::Put504 => Answer::new(504, "<html><body>gateway timeout</body></html>"),
            Lie::PutOdd => answer.with("x-amz-version-id", "a\u{ff}b"),
            _ => return None,
        })
    }
}

/// The document without an element.
fn removed(text: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    match (text.find(&open), text.find(&close)) {
        (Some(from), Some(to)) => format!("{}{}", &text[..from], &text[to + close.len()..]),
        _ => text.to_owned(),
    }
}

fn elsewhere(answer: Answer) -> Answer {
    let (from, to) = (5, 4 + answer.body.len());
    let range = format!("bytes {from}-{to}/{}", to + 1);
    match answer.status {
        200 | 206 => {
            Answer { status: 206, ..answer.without("content-range") }.with("content-range", range)
        }
        _ => answer,
    }
}

/// A version ID on every write and read, whichever is asked for.
fn versioned(store: &mut Store, asked: &Asked, body: &Bytes) -> Answer {
    let id = store.fresh("version");
    let query = asked.query.split('&').filter(|pair| !pair.starts_with("versionId="));
    let query = query.collect::<Vec<_>>().join("&");
    let answer = answers::answer(store, &Asked { query, ..asked.clone() }, body);
    let of_object = !asked.object().is_empty() && parameter(asked, "uploads").is_none();
    if of_object && answer.status < 300 { answer.with("x-amz-version-id", id) } else { answer }
}

fn without_tags(store: &mut Store, asked: &Asked, body: &Bytes) -> Answer {
    if parameter(asked, "tagging").is_some() {
        return Answer::refuse(501, "NotImplemented");
    }
    let mut untagged = asked.clone();
    untagged.headers.remove("x-amz-tagging");
    answers::answer(store, &untagged, body).without("x-amz-tagging-count")
}

/// As AWS answers; without a key it is 400 everywhere.
fn forbidding(store: &mut Store, asked: &Asked, body: &Bytes) -> Answer {
    let answer = answers::answer(store, asked, body);
    let reads = matches!(asked.operation(), "GetObject" | "HeadObject");
    let keyed = asked.headers.contains_key(format!("{CUSTOMER}key"));
    match answer.status {
        400 if reads && keyed => Answer::refuse(403, "AccessDenied"),
        _ => answer,
    }
}
