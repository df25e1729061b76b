//! The remains of a write without a usable answer, and which of them to remove.

use crate::error::{ArgumentError, thrown};
use crate::number::bytes;
use s3_ssec_core::advice::{RefusedKey, refused_key};
use s3_ssec_core::echo::KeylessRead;
use s3_ssec_core::removal::{self as core, AftermathStep, TrustedVersion, WriteAnswer};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Looks for the object of a write whose answer was lost, cannot be read, or confirms no key. Send what
/// `step()` names and give it the answer, until it is "end".
#[wasm_bindgen]
pub struct Aftermath(core::Aftermath);

#[wasm_bindgen]
impl Aftermath {
    /// Begins after a write of `size` bytes that puts one of these records into the object's tag.
    /// `keyIsUnique` says that the key is derived from a master key. `answer` is "lost" where there was none
    /// or a 5xx, "refused", or "unproved" for a success, which may have named `versionId`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        records: Vec<String>,
        size: f64,
        key_is_unique: bool,
        #[wasm_bindgen(unchecked_param_type = "WriteAnswer")] answer: &str,
        version_id: Option<String>,
    ) -> Result<Aftermath, JsValue> {
        let answer = match answer {
            "lost" => WriteAnswer::Lost,
            "refused" => WriteAnswer::Refused,
            "unproved" => WriteAnswer::Unproved(version_id),
            _ => return Err(thrown(ArgumentError("answer is lost, refused or unproved"))),
        };
        Ok(Self(core::Aftermath::new(records, bytes(size)?, key_is_unique, answer)))
    }

    /// The next request: "versioning" (GetBucketVersioning), "head-without-key", "first-byte" (as of an
    /// `Inspection`), "head", "tags", "remove" (DeleteObject), all but the first of `version`. Or "end".
    #[wasm_bindgen(unchecked_return_type = "AftermathStep")]
    pub fn step(&self) -> String {
        let step = match self.0.step() {
            AftermathStep::Versioning => "versioning",
            AftermathStep::HeadWithoutKey(_) => "head-without-key",
            AftermathStep::FirstByte(_) => "first-byte",
            AftermathStep::Head(_) => "head",
            AftermathStep::Tags(_) => "tags",
            AftermathStep::Remove(_) => "remove",
            AftermathStep::End(_) => "end",
        };
        step.to_owned()
    }

    /// The version that the step is about; undefined for the newest.
    #[wasm_bindgen(getter)]
    pub fn version(&self) -> Option<String> {
        use AftermathStep::{FirstByte, Head, HeadWithoutKey, Remove, Tags};
        match self.0.step() {
            HeadWithoutKey(version)
            | FirstByte(version)
            | Head(version)
            | Tags(version)
            | Remove(version) => version.as_ref().map(|version| version.id().to_owned()),
            AftermathStep::Versioning | AftermathStep::End(_) => None,
        }
    }

    /// The status in the answer to "versioning"; undefined if there is none.
    pub fn versioning(&mut self, status: Option<String>) {
        self.0.versioning(status.as_deref());
    }

    /// The answer to "head-without-key"; of a refusal the status alone counts.
    #[wasm_bindgen(js_name = withoutKey)]
    pub fn without_key(
        &mut self,
        status: u16,
        size: f64,
        etag: &str,
        version_id: Option<String>,
    ) -> Result<(), JsValue> {
        self.0.without_key(status, bytes(size)?, etag, version_id.as_deref());
        Ok(())
    }

    /// The answer to "first-byte", with code and message of the XML of a refusal.
    #[wasm_bindgen(js_name = firstByte)]
    pub fn first_byte(&mut self, status: u16, code: Option<String>, message: Option<String>) {
        self.0.first_byte(status, code.as_deref(), message.as_deref());
    }

    /// The answer to "head"; `isConfirmed` says that it echoes the key.
    #[wasm_bindgen(js_name = underKey)]
    pub fn under_key(
        &mut self,
        status: u16,
        is_confirmed: bool,
        size: f64,
        version_id: Option<String>,
    ) -> Result<(), JsValue> {
        self.0.under_key(status, is_confirmed, bytes(size)?, version_id.as_deref());
        Ok(())
    }

    /// The tags: all keys, and the values in the same order.
    pub fn tags(&mut self, keys: Vec<String>, values: Vec<String>) {
        self.0.tags(Some(&keys.into_iter().zip(values).collect::<Vec<_>>()));
    }

    /// The gateway says that the object was removed.
    pub fn removed(&mut self) {
        self.0.removed();
    }

    /// The step failed.
    pub fn failed(&mut self) {
        self.0.failed();
    }

    /// At the end: "nothing", "not-found" (it may still arrive), "arrived" (complete and encrypted),
    /// "unknown", "perhaps" (plaintext).
    #[wasm_bindgen(getter, unchecked_return_type = "Leftover | undefined")]
    pub fn leftover(&self) -> Option<String> {
        self.end().map(|leftover| leftover.code().to_owned())
    }

    /// The same in a sentence.
    #[wasm_bindgen(getter)]
    pub fn words(&self) -> Option<String> {
        self.end().map(|leftover| leftover.words().to_owned())
    }

    fn end(&self) -> Option<core::Leftover> {
        match self.0.step() {
            AftermathStep::End(leftover) => Some(*leftover),
            _ => None,
        }
    }
}

/// The version that an ID names, for tags and removals. Undefined unless the status of GetBucketVersioning
/// says that the bucket keeps versions: elsewhere servers take any ID for the object itself.
#[wasm_bindgen(js_name = trustedVersion)]
pub fn trusted_version(status: Option<String>, id: Option<String>) -> Option<String> {
    let version = core::VersionIds::of_status(status.as_deref())?.version(&id?);
    version.as_ref().map(TrustedVersion::id).map(str::to_owned)
}

/// The answer to a GET of the first byte without a key, with code and message of the XML of a refusal:
/// "readable", "key-needed", "absent", or "unclear". A HEAD that is refused with 400 does not show which.
#[wasm_bindgen(js_name = keylessRead, unchecked_return_type = "KeylessRead")]
pub fn keyless_read(status: u16, code: Option<String>, message: Option<String>) -> String {
    let read = match KeylessRead::of_get(status, code.as_deref(), message.as_deref()) {
        KeylessRead::Readable => "readable",
        KeylessRead::KeyNeeded => "key-needed",
        KeylessRead::Absent => "absent",
        KeylessRead::Unclear => "unclear",
    };
    read.to_owned()
}

/// True if a HEAD with a key that was refused with this status says that the object is under another one.
/// Only of an object that is "key-needed" without a key.
#[wasm_bindgen(js_name = saysOtherKey)]
pub fn says_other_key(status: u16) -> bool {
    refused_key(status) != RefusedKey::NothingSaid
}
