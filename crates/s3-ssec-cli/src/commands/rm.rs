//! `s3-ssec rm`: deletes an object that exists.

use crate::args::{RmArgs, parse};
use crate::report::{About as _, Failure};
use crate::session::Session;
use crate::text::printable;
use s3_ssec::{GetError, WithoutKey};
use serde_json::json;

pub(super) async fn run(session: &Session, args: RmArgs) -> Result<(), Failure> {
    let (object, version_id) = (parse::one_object(&args.object)?, args.version_id);
    let client = session.client().await?;
    let version = version_id.as_deref();
    // DELETE succeeds on what is not there, and a typing error would go unnoticed. Whoever may
    // delete but not read is not stopped. A delete marker is absent to HEAD, and may be named.
    if version.is_none()
        && let Ok(WithoutKey::Absent) = client.head_without_key(&object, None).await
    {
        return Err(GetError::NotFound(object).into());
    }
    client.delete(&object, version).await.about(&object)?;
    let text = format!("{} is deleted", printable(&object.to_string()));
    let json = json!({ "object": object.to_string(), "version_id": version_id, "deleted": true });
    session.output.report(text, &json)
}
