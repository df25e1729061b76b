//! The creation of an upload.

use super::owner::{drop_late, drop_unheard};
use super::{Order, PartsHalt, UploadLeft};
use crate::advice;
use crate::echo::{EchoError, verify_echo};
use crate::record::TAG_KEY;
use crate::transfer::ask::upload_id;
use crate::transfer::task::{Answer, Call, KeyFacts, NoAnswer, Operation, Outcome, Unreadable};

/// An upload ID, and what is left of an upload whose creation was not answered.
pub(super) type Created = (String, UploadLeft);

impl Order<'_> {
    /// CreateMultipartUpload. `left` is what an earlier upload leaves. An upload that an unheard answer leaves is looked for before a second one is
    /// created. The echo is compared before any byte of data leaves: RGW takes parts with a key into an upload
    /// without one, and stores them in plaintext.
    pub(super) async fn create(
        self,
        key: &KeyFacts,
        mut left: UploadLeft,
    ) -> Result<Created, (PartsHalt, UploadLeft)> {
        let mut tags = self.plan.tags.clone();
        tags.insert(0, (TAG_KEY.to_owned(), key.record.clone()));
        let attempts = self.link.attempts();
        for attempt in 1..=attempts {
            let mut outcome = self.call_create(key, tags.clone()).await;
            // Rights without PutObjectTagging, or a gateway without tags.
            if matches!(&outcome, Outcome::Answer(answer) if matches!(answer.status, 403 | 501)) {
                tags.clear();
                outcome = self.call_create(key, Vec::new()).await;
            }
            match outcome {
                Outcome::Answer(answer) if answer.is_success() => {
                    match self.created(key, &answer).await {
                        Ok(Some(id)) => return Ok((id, left)),
                        Ok(None) => left = left.or(self.look(key).await),
                        Err((halt, gone)) => return Err((halt, left.or(gone))),
                    }
                }
                Outcome::Answer(answer) if advice::is_refusal(answer.status) => {
                    return Err((PartsHalt::Refused(answer), left));
                }
                Outcome::NoAnswer(NoAnswer::NotSent) => {}
                Outcome::Failed => return Err((PartsHalt::SourceFailed, left)),
                Outcome::Answer(_) => left = left.or(self.look(key).await),
                _ => left = left.or(drop_late(self.link, &self.plan.name, key).await),
            }
            if self.link.is_cancelled() || attempt == attempts {
                break;
            }
            self.link.pause(attempt).await;
        }
        Err((self.unanswered(), left))
    }

    /// Removes what an answered creation left: it does not come later.
    async fn look(self, key: &KeyFacts) -> UploadLeft {
        drop_unheard(self.link, &self.plan.name, key).await.left
    }

    async fn call_create(self, key: &KeyFacts, tags: Vec<(String, String)>) -> Outcome {
        let operation = Operation::Create { tags };
        let (name, key) = (self.plan.name.clone(), Some(key.key));
        self.link.call(Call { name, key, operation }).await
    }

    /// The upload ID; `None` if the answer has none.
    async fn created(
        self,
        key: &KeyFacts,
        answer: &Answer,
    ) -> Result<Option<String>, (PartsHalt, UploadLeft)> {
        let Some(upload) = upload_id(&answer.body) else { return Ok(None) };
        let error = match answer.echo().map(|echo| verify_echo(key.md5, &echo)) {
            Ok(Ok(_)) => return Ok(Some(upload)),
            Ok(Err(error)) => error,
            Err(Unreadable) => EchoError::Missing,
        };
        Err((PartsHalt::NotProved(error), self.abort(&upload).await))
    }
}
