//! The policy of a how-to page of 2018 that many sites copied, and why it protects nothing.

use super::{Finding, Policy, explain};
use crate::names::BucketName;
use serde_json::{Map, Value, json};

/// The page's policy with what is wrong with it.
#[derive(Clone, Debug)]
pub struct LegacyPage {
    /// The policy as the page has it, for one bucket.
    pub policy: Policy,
    /// Why it protects nothing.
    pub findings: Vec<Finding>,
}

/// The policy that the page gives against unencrypted uploads to `bucket`.
///
/// It was never in force on RGW: the gateway refuses its Version. With a valid one it refuses
/// nothing, for it asks for the header of another kind of encryption, with an operator that is false
/// when the header is absent.
pub fn legacy_page(bucket: &BucketName) -> LegacyPage {
    let statement = json!({
        "Sid": "DenyUnEncryptedObjectUploads",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": format!("arn:aws:s3:::{bucket}/*"),
        "Condition": {
            "StringNotEquals": { "s3:x-amz-server-side-encryption": "AES256" }
        }
    });
    let mut fields = Map::new();
    fields.insert("Version".to_owned(), "2018-05-24".into());
    fields.insert("Statement".to_owned(), Value::Array(vec![statement]));
    let policy = Policy { fields };
    let findings = explain(&policy);
    LegacyPage { policy, findings }
}
