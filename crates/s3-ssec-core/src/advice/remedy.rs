//! The next step after a refusal, as data: each front end says it in its own words.

/// The next step for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// One imperative sentence that holds everywhere.
    Do(&'static str),
    /// Give the key of the object: another one than was given.
    GiveItsKey,
    /// As [`Remedy::GiveItsKey`]; if no key fits at all, a proxy may end the TLS, and the gateway needs the
    /// setting `rgw_trust_forwarded_https`.
    GiveItsKeyOrTrustTheProxy,
    /// Give a key.
    GiveAKey,
    /// Check the access key ID, the session token, and the profile that they come from.
    CheckCredentials,
    /// Check the name of the bucket and the address, or create the bucket.
    CheckBucket,
    /// Check the name; a listing shows which there are.
    CheckName,
    /// Correct the policy, or CORS document.
    CorrectDocument,
    /// Look at the object: the condition of the request was not met. RGW before 20 refuses every `If-Match`
    /// on a write.
    LookAtObject,
    /// Copy by download and upload.
    CopyByContent,
    /// Examine whether the gateway encrypts under customer keys.
    ExamineGateway,
    /// Check address and region.
    CheckAddress,
    /// Check the size, and ask for bytes within it.
    CheckSize,
    /// Check the rights; the bucket's policy may require a customer key.
    CheckPolicyForKey,
    /// Check the rights and the policy: before RGW 20 one that requires customer keys refuses every write,
    /// and AWS switches them off for new buckets.
    CheckPolicyForWrites,
}

impl Remedy {
    /// In words that hold in a page and in a program: one imperative line that ends with a full stop.
    pub fn words(self) -> &'static str {
        match self {
            Remedy::Do(words) => words,
            Remedy::GiveItsKey => "Give the key that the object was written with.",
            Remedy::GiveItsKeyOrTrustTheProxy => {
                "Give the object's key; if no key fits at all, ask the administrator whether a proxy \
                 ends the TLS and rgw_trust_forwarded_https is set."
            }
            Remedy::GiveAKey => "Give the key of the object.",
            Remedy::CheckCredentials => "Check the access key ID and the session token.",
            Remedy::CheckBucket => "Check the name and the address of the gateway.",
            Remedy::CheckName => "Check the name; the listing shows what is there.",
            Remedy::CorrectDocument => "Correct the document.",
            Remedy::LookAtObject => {
                "Look at the object; RGW before 20 refuses every If-Match on a write."
            }
            Remedy::CopyByContent => "Copy by download and upload.",
            Remedy::ExamineGateway => {
                "Ask the administrator whether this gateway encrypts under customer keys."
            }
            Remedy::CheckAddress => {
                "Check the address of the gateway and the region: no key follows a redirect."
            }
            Remedy::CheckSize => "Check the size of the object and ask for bytes within it.",
            Remedy::CheckPolicyForKey => {
                "Check your rights; the bucket's policy may require a customer key."
            }
            Remedy::CheckPolicyForWrites => {
                "Check your rights and the bucket's policy; before RGW 20 a policy that requires \
                 customer keys refuses every write, and AWS switches them off for new buckets."
            }
        }
    }
}
