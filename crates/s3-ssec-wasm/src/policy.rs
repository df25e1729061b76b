//! A rule on its way into a bucket's policy, or out of it.

use crate::documents::rule_of;
use crate::error::thrown;
use js_sys::{Array, Object, Reflect};
use s3_ssec_core::key::random_bytes;
use s3_ssec_core::names::BucketName;
use s3_ssec_core::policy::{self, Attempt, ChangeOptions, Ending, Outcome, Rule, Scratch, Step};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Decides what is done next, and takes the result. The rule is tried on a random prefix before it is
/// widened to the bucket; whoever stops in between leaves the bucket as strict as it was.
#[wasm_bindgen]
pub struct PolicyChange(policy::PolicyChange);

#[wasm_bindgen]
impl PolicyChange {
    /// Puts a rule into the policy of a bucket. A statement under its Sid that was edited is left.
    pub fn apply(
        bucket: &str,
        #[wasm_bindgen(unchecked_param_type = "PolicyRule")] rule: &str,
    ) -> Result<PolicyChange, JsValue> {
        let (rule, scratch) = (rule_of(rule)?, scratch_in(bucket)?);
        Ok(Self(policy::PolicyChange::apply(rule, scratch, ChangeOptions::default())))
    }

    /// Takes all rules of ours out, and what an interrupted trial left. Other statements stay.
    pub fn remove(bucket: &str) -> Result<PolicyChange, JsValue> {
        let (scratch, options) = (scratch_in(bucket)?, ChangeOptions::default());
        Ok(Self(policy::PolicyChange::remove(&Rule::ALL, scratch, options)))
    }

    /// The next step.
    #[wasm_bindgen(unchecked_return_type = "PolicyStep")]
    pub fn step(&self) -> Result<Object, JsValue> {
        let object = Object::new();
        let set = |name: &str, value: JsValue| Reflect::set(&object, &name.into(), &value);
        let kind = match self.0.step() {
            Step::Read => "read",
            Step::Write(document) => {
                set("document", document.clone().into())?;
                "write"
            }
            Step::Try(attempt) => {
                let kind = match attempt {
                    Attempt::Encrypted => "encrypted",
                    Attempt::Multipart => "multipart",
                    // Requests over plain HTTP are never asked for here.
                    _ => "plain",
                };
                set("attempt", kind.into())?;
                set("name", attempt.object(self.0.scratch()).into())?;
                "try"
            }
            Step::Wait(time) => {
                set("seconds", time.as_secs_f64().into())?;
                "wait"
            }
            Step::Clear(places) => {
                let names = places.iter().flat_map(Scratch::objects).map(JsValue::from);
                set("names", names.collect::<Array>().into())?;
                "clear"
            }
            Step::End(ending) => {
                let good = matches!(ending, Ending::Applied { .. } | Ending::Removed(_));
                let (what, todo) = self.0.words();
                set("good", good.into())?;
                set("failed", (*ending == Ending::Failed).into())?;
                set("what", what.into())?;
                set("todo", todo.into())?;
                "end"
            }
            // What a rule cannot refuse is not asked for here.
            Step::Begin(_) | Step::TryGap(_) => "skip",
        };
        set("kind", kind.into())?;
        Ok(object)
    }

    /// The policy as the gateway has it; undefined if there is none.
    pub fn read(&mut self, policy: Option<String>) {
        self.0.read(policy);
    }

    /// A step was taken: write, wait, clear.
    pub fn done(&mut self) {
        self.0.done();
    }

    /// The outcome of an upload: true if it passed, false if it was refused and nothing is stored.
    pub fn tried(&mut self, passed: bool) {
        self.0.tried(if passed { Outcome::Passed } else { Outcome::Refused });
    }

    /// A step failed, or its answer was lost.
    pub fn failed(&mut self) {
        self.0.failed();
    }
}

fn scratch_in(bucket: &str) -> Result<Scratch, JsValue> {
    let bucket = BucketName::parse(bucket).map_err(thrown)?;
    Ok(Scratch::new(bucket, random_bytes::<8>().map_err(thrown)?))
}
