//! A client of the SDK whose every request carries the right key.

mod errors;
mod hooks;
mod prepare;
mod wanted;

pub use errors::KeyedError;

use crate::client::Client;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::ObjectName;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Makes an `aws_sdk_s3::Client` that does what this crate does, for a program that is written against
/// the SDK and stays so.
///
/// # What it does with each request
///
/// | operation | what happens |
/// | --- | --- |
/// | PutObject | a fresh key for this version, and its record in `x-amz-tagging`: complete for a body in memory, pending for a stream |
/// | CreateMultipartUpload | a fresh key, its record pending, the nonce in the ledger |
/// | UploadPart, CompleteMultipartUpload, ListParts | the key of the upload |
/// | GetObject, HeadObject, GetObjectAttributes, SelectObjectContent | the key that the object's record names; one more request, for its tags |
/// | CopyObject, UploadPartCopy | refused: a copy that is right on every gateway is more than one request. Use [`Client::copy`](crate::Client::copy) |
/// | PutObjectTagging without the record, DeleteObjectTagging | refused: they would take the record away |
/// | everything else | goes through untouched |
///
/// Before the first write to a bucket the same kind of write is proved on a scratch object, as with
/// [`Client::put`](crate::Client::put), so that no good object is overwritten by an unproved one.
///
/// # What it proves, and what it cannot
///
/// * *Proved*: the answers to PutObject, CreateMultipartUpload, UploadPart, GetObject and HeadObject
///   confirm the key, or the call fails with [`KeyedError::NotProved`] ([`KeyedError::of`] finds it in
///   the SDK's error). A write that failed so may stand in the clear; the error has its version.
/// * *Not proved*: the answers to CompleteMultipartUpload (RGW before 20.2.4 confirms nothing),
///   ListParts, GetObjectAttributes and SelectObjectContent. HEAD the object after Complete.
/// * *Not verified*: contents. A hook sees no body that streams, so nothing is compared with the
///   digest in the record. Use [`Client::get_stream`](crate::Client::get_stream) where it has to be.
/// * *Pending*: a streamed PUT and a multipart upload are described only later, by
///   [`Client::repair`](crate::Client::repair), which reads them once. RGW 16 and 18 drop the tag that
///   is given to Create: until that repair the nonce is in the ledger alone, so an upload under a
///   master key needs a client [`with_state`](crate::Client::with_state).
/// * An upload is only known to the `Keyed` that began it, not to the next process.
/// * Presigned uploads are refused, because their content is not known: use
///   [`Client::presign_put`](crate::Client::presign_put).
///
/// ```no_run
/// use s3_ssec::core::keyring::Keyring;
/// use s3_ssec::{Client, Options, StateDir, sdk::Keyed};
/// use std::sync::Arc;
///
/// # async fn example(config: aws_sdk_s3::Config, keys: Keyring) -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::over(&config, &Options::default()).await?;
/// let client = client.with_state(StateDir::new("/var/lib/reader/s3-ssec"));
/// let s3: aws_sdk_s3::Client = Keyed::new(client, Arc::new(keys)).client();
/// // From here on the program is as it was.
/// s3.put_object().bucket("research-data").key("a.csv").body(b"1;2".to_vec().into()).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Keyed(Arc<Inner>);

/// Which keys are for an object; `None` leaves it alone.
type Choice = dyn Fn(&ObjectName) -> Option<Arc<Keyring>> + Send + Sync;

struct Inner {
    client: Client,
    choice: Box<Choice>,
    uploads: Mutex<HashMap<String, Arc<TargetKeyHeaders>>>,
}

impl Keyed {
    /// The same keys for every object: the first writes, all read.
    pub fn new(client: Client, keys: Arc<Keyring>) -> Self {
        Self::choosing(client, move |_| Some(Arc::clone(&keys)))
    }

    /// Asks `choice` which keys are for an object. `None` sends its requests as they are: without a
    /// key, and unchecked.
    pub fn choosing(
        client: Client,
        choice: impl Fn(&ObjectName) -> Option<Arc<Keyring>> + Send + Sync + 'static,
    ) -> Self {
        let (choice, uploads) = (Box::new(choice), Mutex::default());
        Self(Arc::new(Inner { client, choice, uploads }))
    }

    /// The client. All clients of one `Keyed` know each other's uploads.
    pub fn client(&self) -> aws_sdk_s3::Client {
        let hooks = hooks::Hooks::new(Arc::clone(&self.0));
        let builder = self.0.client.sdk().config().to_builder();
        let builder = builder.interceptor(hooks.clone()).auth_scheme_resolver(hooks);
        aws_sdk_s3::Client::from_conf(builder.build())
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyed({})", self.0.client.endpoint())
    }
}

impl Inner {
    /// The key of an upload that was begun here.
    fn upload(&self, name: &ObjectName, id: &str) -> Option<Arc<TargetKeyHeaders>> {
        self.locked().get(&label(name, id)).map(Arc::clone)
    }

    fn begun(&self, name: &ObjectName, id: &str, headers: Arc<TargetKeyHeaders>) {
        self.locked().insert(label(name, id), headers);
    }

    fn ended(&self, name: &ObjectName, id: &str) {
        self.locked().remove(&label(name, id));
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<TargetKeyHeaders>>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn label(name: &ObjectName, id: &str) -> String {
    format!("{id} {name}")
}
