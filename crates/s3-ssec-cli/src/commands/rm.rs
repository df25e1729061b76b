//! `s3-ssec rm`: deletes an object that exists.

use crate::args::{RmArgs, parse};
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::text::printable;
use s3_ssec::core::names::ObjectName;
use s3_ssec::{GetError, WithoutKey};
use serde_json::json;

pub(super) async fn run(session: &Session, args: RmArgs) -> Result<(), Failure> {
    let (object, version_id) = (parse::one_object(&args.object)?, args.version_id);
    let client = session.client().await?;
    // DELETE succeeds on what is not there, and a typing error would go unnoticed. Whoever may
    // delete but not read is not stopped. A delete marker is absent to HEAD, and may be named.
    if version_id.is_none()
        && let Ok(WithoutKey::Absent) = client.head_without_key(&object, None).await
    {
        return Err(GetError::NotFound(object).into());
    }
    let version = match &version_id {
        Some(id) => match client.trusted_version(&object, id).await.about(&object)? {
            Some(version) => Some(version),
            None => return Err(no_versions(&object)),
        },
        None => None,
    };
    client.delete(&object, version.as_ref()).await.about(&object)?;
    // An answer to DELETE says nothing of what is there.
    let after = client.head_without_key(&object, version_id.as_deref()).await;
    if let Ok(WithoutKey::Readable(_) | WithoutKey::KeyNeeded) = after {
        let what = format!("{object} is there, although the gateway answered that it deleted it");
        let todo = "Look at it with s3-ssec stat: another client may have written it again.";
        return Err(Failure::new(Exit::Failed, what, todo));
    }
    let is_gone = matches!(after, Ok(WithoutKey::Absent));
    let text = printable(&object.to_string());
    let text = match is_gone {
        true => format!("{text} is deleted"),
        false => format!("{text}: the gateway answered that it is deleted"),
    };
    let json = json!({
        "object": object.to_string(),
        "version_id": version_id,
        // Unknown where the gateway said so and no look confirms it.
        "deleted": is_gone.then_some(true),
    });
    session.output.report(text, &json)
}

/// A server without versions deletes the object itself, whatever version is named.
fn no_versions(object: &ObjectName) -> Failure {
    let what = format!(
        "the bucket of {object} does not keep versions, or that could not be found out; nothing was \
         deleted"
    );
    let todo = format!("To delete the object itself: s3-ssec rm {object}");
    Failure::new(Exit::Unsafe, what, todo)
}
