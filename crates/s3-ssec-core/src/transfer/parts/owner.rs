//! Under which key an upload was created, found out by parts that cannot be stored.
//!
//! A part whose Content-MD5 is wrong is refused for its key where that is not the upload's, and else for its
//! digest. A gateway that took such a part would alter an upload that may be another client's, so this is tried
//! first on a scratch upload.

use super::UploadLeft;
use crate::echo::verify_echo;
use crate::error_response::ErrorResponse;
use crate::key::Kind;
use crate::listing::Listing;
use crate::names::ObjectName;
use crate::removal::{UploadOwner, UploadProbe};
use crate::transfer::ask::Ask;
use crate::transfer::link::Link;
use crate::transfer::scratch::Scratch;
use crate::transfer::task::{Call, KeyFacts, KeyRef, Operation, Outcome};

/// Status and error code of a refusal.
type Refusal = (u16, Option<String>);

/// Aborts the uploads of a name that were created under this key, at a gateway that refuses wrong parts for the
/// right reasons. Says what is left.
pub async fn drop_uploads(link: Link, name: ObjectName, key: KeyFacts) -> UploadLeft {
    drop_unheard(&link, &name, &key).await.left
}

/// As [`drop_unheard`], of one upload whose creation may still arrive: where none is found, one may come.
pub(super) async fn drop_late(link: &Link, name: &ObjectName, key: &KeyFacts) -> UploadLeft {
    match drop_unheard(link, name, key).await {
        Dropped { left: UploadLeft::Gone, aborted: 0 } => UploadLeft::Unknown,
        Dropped { left, .. } => left,
    }
}

pub(super) struct Dropped {
    pub(super) left: UploadLeft,
    aborted: u32,
}

impl From<UploadLeft> for Dropped {
    fn from(left: UploadLeft) -> Self {
        Self { left, aborted: 0 }
    }
}

/// Removes the uploads of a name that were created under this key. Says what is left of them.
pub(super) async fn drop_unheard(link: &Link, name: &ObjectName, key: &KeyFacts) -> Dropped {
    let ask = Ask { link, name };
    let Ok(uploads) = ask.list(Operation::ListUploads, Listing::Uploads).await else {
        return UploadLeft::Unknown.into();
    };
    let ids: Vec<_> = uploads.into_iter().filter_map(|upload| upload.id).collect();
    if ids.is_empty() {
        return UploadLeft::Gone.into();
    }
    // Under a direct key another machine may be uploading too: its upload looks like ours.
    if key.kind == Kind::Direct || !try_wrong_parts(link, name).await {
        return UploadLeft::Unknown.into();
    }
    let mut dropped = Dropped::from(UploadLeft::Gone);
    for upload in ids {
        let owner = Probe { link, name, upload: &upload }.owner(key.key).await;
        match owner {
            UploadOwner::Other => {}
            UploadOwner::ThisKey if ask.abort(&upload).await => dropped.aborted += 1,
            UploadOwner::ThisKey => dropped.left = UploadLeft::Open,
            UploadOwner::Unknown => dropped.left = UploadLeft::Unknown,
        }
    }
    dropped
}

async fn try_wrong_parts(link: &Link, beside: &ObjectName) -> bool {
    let Some(mut scratch) = Scratch::open(link, beside.clone()).await else { return false };
    let is_right = tried_on(&mut scratch).await.unwrap_or(false);
    scratch.end().await.is_none() && is_right
}

/// `None` if the scratch upload could not be created under its key.
async fn tried_on(scratch: &mut Scratch<'_>) -> Option<bool> {
    let created = scratch.write(Operation::Create { tags: Vec::new() }).await;
    let Outcome::Answer(answer) = created else { return None };
    let upload = answer.is_success().then(|| scratch.created(&answer)).flatten()?;
    let _proof = verify_echo(scratch.key.md5, &answer.echo().ok()?).ok()?;
    let probe = Probe { link: scratch.link, name: &scratch.name, upload: &upload };
    let under_key = probe.wrong_part(KeyRef::Scratch).await?;
    let under_stranger = probe.wrong_part(KeyRef::Stranger).await?;
    let is_ours = judge(&under_key, &under_stranger) == UploadOwner::ThisKey;
    let is_foreign = judge(&under_stranger, &under_stranger) == UploadOwner::Other;
    Some(is_ours && is_foreign && probe.is_empty(&scratch.key).await)
}

fn judge(under_key: &Refusal, under_random: &Refusal) -> UploadOwner {
    let seen = |refusal: &Refusal| (refusal.0, refusal.1.clone());
    let (key, random) = (seen(under_key), seen(under_random));
    UploadProbe {
        under_key: (key.0, key.1.as_deref()),
        under_random: (random.0, random.1.as_deref()),
    }
    .judge()
}

struct Probe<'a> {
    link: &'a Link,
    name: &'a ObjectName,
    upload: &'a str,
}

impl Probe<'_> {
    async fn owner(&self, key: KeyRef) -> UploadOwner {
        let Some(under_key) = self.wrong_part(key).await else { return UploadOwner::Unknown };
        let Some(under_random) = self.wrong_part(KeyRef::Stranger).await else {
            return UploadOwner::Unknown;
        };
        judge(&under_key, &under_random)
    }

    async fn wrong_part(&self, key: KeyRef) -> Option<Refusal> {
        let operation = Operation::WrongPart { upload: self.upload.to_owned() };
        let call = Call { name: self.name.clone(), key: Some(key), operation };
        let Outcome::Answer(answer) = self.link.call(call).await else { return None };
        let code = ErrorResponse::parse(&answer.body).map(|error| error.code);
        Some((answer.status, code))
    }

    /// True if none of the parts was stored.
    async fn is_empty(&self, key: &KeyFacts) -> bool {
        let (upload, after) = (self.upload.to_owned(), None);
        let list = Operation::ListParts { upload, after };
        let answer = (Ask { link: self.link, name: self.name }).answer(list, Some(key)).await;
        let page = answer.ok().filter(super::Answer::is_success);
        let page = page.and_then(|answer| Listing::Parts.read(&answer.body).ok());
        page.is_some_and(|page| page.entries.is_empty() && page.next.is_none())
    }
}
