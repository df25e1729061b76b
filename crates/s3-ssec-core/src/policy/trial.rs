//! The requests of a trial: what a rule must accept, what it must refuse, and what it cannot refuse.

use super::{Rule, Scratch};
use std::fmt;

/// One request of a trial, on an object of its own below the scratch prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// PutObject without a customer key.
    Plain,
    /// PutObject with a customer key that is thrown away.
    Encrypted,
    /// A multipart upload of one part with such a key, from CreateMultipartUpload to Complete.
    Multipart,
    /// The control of the next one: the same presigned GET over TLS. It counts as passed unless it is
    /// answered with 403, so it needs no object where plaintext cannot be written.
    SignedOverTls,
    /// A presigned GET of the plaintext object over plain HTTP, valid for five seconds.
    SignedOverHttp,
}

impl Attempt {
    const WRITES: [Attempt; 3] = [Attempt::Plain, Attempt::Encrypted, Attempt::Multipart];

    /// The requests that show what `rule` does. Without an address for plain HTTP there is none that
    /// shows how it treats plain HTTP.
    pub(super) fn of(rule: Rule, plain_http: bool) -> Vec<Self> {
        let signed = [Attempt::SignedOverTls, Attempt::SignedOverHttp];
        let signed = signed.into_iter().filter(|_| rule == Rule::RequireTls && plain_http);
        Self::WRITES.into_iter().chain(signed).collect()
    }

    /// The words for people.
    pub fn what(self) -> &'static str {
        match self {
            Attempt::Plain => "an upload without a key",
            Attempt::Encrypted => "an upload with a customer key",
            Attempt::Multipart => "a multipart upload with a customer key",
            Attempt::SignedOverTls => "a signed download over TLS",
            Attempt::SignedOverHttp => "the same over plain HTTP",
        }
    }

    /// The object of the request.
    pub fn object(self, scratch: &Scratch) -> String {
        let name = match self {
            Attempt::Plain | Attempt::SignedOverTls | Attempt::SignedOverHttp => "plain",
            Attempt::Encrypted => "encrypted",
            Attempt::Multipart => "multipart",
        };
        scratch.prefix() + name
    }

    /// True if the rule says that it is refused.
    pub(super) fn is_refused_by(self, rule: Rule) -> bool {
        match rule {
            Rule::RequireSsec => self == Attempt::Plain,
            Rule::BlockSsec => matches!(self, Attempt::Encrypted | Attempt::Multipart),
            Rule::RequireTls => self == Attempt::SignedOverHttp,
        }
    }

    /// Its fate under these rules.
    pub(super) fn expected(self, rules: &[Rule]) -> Outcome {
        match rules.iter().any(|rule| self.is_refused_by(*rule)) {
            true => Outcome::Refused,
            false => Outcome::Passed,
        }
    }
}

impl Scratch {
    /// The names of all objects that a trial in it may have written.
    pub fn objects(&self) -> Vec<String> {
        let attempts = Attempt::WRITES.map(|attempt| attempt.object(self));
        attempts.into_iter().chain(Gap::ALL.map(|gap| gap.object(self))).collect()
    }
}

/// The outcome of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Passed,
    /// It was answered with 403, and nothing was stored.
    Refused,
}

/// One request of a trial, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialStep {
    /// The request.
    pub attempt: Attempt,
    /// The outcome that the rules of the bucket ask for.
    pub expected: Outcome,
    /// The outcome at the gateway.
    pub seen: Outcome,
}

impl TrialStep {
    /// True if the gateway did what the rules say.
    pub fn agrees(&self) -> bool {
        self.expected == self.seen
    }
}

impl fmt::Display for TrialStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = match self.seen {
            Outcome::Passed => "passed",
            Outcome::Refused => "was refused",
        };
        write!(f, "{} {seen}", self.attempt.what())
    }
}

/// The results of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The rule on trial.
    pub rule: Rule,
    /// It was in the policy, for the whole bucket or for the prefix of the trial.
    pub in_policy: bool,
    /// Every request that was tried.
    pub steps: Vec<TrialStep>,
}

impl Trial {
    /// True if every request was treated as the rules say.
    pub fn agrees(&self) -> bool {
        self.steps.iter().all(TrialStep::agrees)
    }

    /// True if the rule was seen to do its work: everything agrees, and what this rule refuses was
    /// tried and was refused.
    pub fn in_force(&self) -> bool {
        let refused = |step: &TrialStep| step.attempt.is_refused_by(self.rule);
        self.agrees() && self.steps.iter().any(refused)
    }

    /// The claim about the rule that the trial supports.
    pub fn claim(&self) -> String {
        let rule = self.rule;
        match (self.in_force(), self.agrees() && self.in_policy) {
            (true, _) => format!("{rule} is in force"),
            (false, true) => {
                format!("{rule} is in the policy; whether it refuses plain HTTP was not tried")
            }
            (false, false) => format!("{rule} is not in force"),
        }
    }

    /// Advice for a person without a rule that does not do what it says.
    pub fn advice(&self) -> &'static str {
        match self.rule {
            Rule::RequireSsec | Rule::BlockSsec => {
                "Nothing was changed. RGW before release 20 does not distinguish such uploads; s3-ssec \
                 put proves its own all the same."
            }
            Rule::RequireTls => {
                "Nothing was changed. Ask the administrator how TLS ends before the gateway."
            }
        }
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let surprises = self.steps.iter().filter(|step| !step.agrees()).map(TrialStep::to_string);
        f.write_str(&surprises.collect::<Vec<_>>().join("; "))
    }
}

/// A write that may pass a rule that requires customer keys and store plaintext all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// An upload that was begun without a key before the rule, continued with key headers.
    EarlierUpload,
    /// An append (`?append`, of RGW) with key headers.
    Append,
}

impl Gap {
    pub(super) const ALL: [Gap; 2] = [Gap::EarlierUpload, Gap::Append];

    /// The words for people.
    pub fn what(self) -> &'static str {
        match self {
            Gap::EarlierUpload => "an upload begun before the rule, continued with a key",
            Gap::Append => "an append with a customer key",
        }
    }

    /// The object of the request.
    pub fn object(self, scratch: &Scratch) -> String {
        let name = match self {
            Gap::EarlierUpload => "earlier",
            Gap::Append => "append",
        };
        scratch.prefix() + name
    }
}

/// The outcome of a [`Gap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapAnswer {
    /// It passed, and what is stored can be read without a key.
    StoresPlaintext,
    /// It passed, and what is stored needs the key.
    Encrypted,
    /// It was refused, or the gateway does not know such a request.
    Refused,
    /// It could not be tried.
    Untried,
}
