//! Orders of requests: which request follows which, and what their answers mean. The page sends them, and
//! decides nothing.

mod json;
mod outcome;
mod plan;
mod task;
mod verdict;

use crate::error::{ArgumentError, thrown};
use s3_ssec_core::advice;
use s3_ssec_core::echo::KeylessRead;
use s3_ssec_core::transfer::{
    Link, Machine, TaskId, complete_parts, describe_parts, put as put_once, put_parts,
    trial as prove,
};
use std::future::Future;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// A trial, an upload, or the end of one, with all that follows from the answers: the search for an object whose
/// answer was lost, its proof, its record, the removal of plaintext.
///
/// Carry the tasks of `next()` and give `done()` the outcome of each, until there is a `verdict()`. Keys stay
/// with you, and so does the content: an order knows the nonce of a key and the MD5 that the gateway has to
/// echo. Tasks, outcomes and verdicts are JSON.
#[wasm_bindgen]
pub struct Transfer {
    machine: Machine<String>,
    /// The tasks that were handed out. The place of each is its number in JavaScript.
    handed: Vec<TaskId>,
}

#[wasm_bindgen]
impl Transfer {
    /// Uploads an object in one request. `plan` is the JSON of a `PutPlan`.
    pub fn put(plan: &str) -> Result<Transfer, JsValue> {
        let plan = plan::put(plan).ok_or_else(|| wrong("the plan is not a PutPlan"))?;
        Ok(Self::new(|link| async move { verdict::of_put(put_once(link, plan).await) }))
    }

    /// Uploads an object in parts, or goes on with an upload that broke off. `plan` is the JSON of a `PartsPlan`.
    pub fn parts(plan: &str) -> Result<Transfer, JsValue> {
        let plan = plan::parts(plan).ok_or_else(|| wrong("the plan is not a PartsPlan"))?;
        Ok(Self::new(|link| async move { verdict::of_parts(put_parts(link, plan).await) }))
    }

    /// Completes an upload whose parts are all at the gateway. `plan` is the JSON of a `CompletePlan`.
    pub fn complete(plan: &str) -> Result<Transfer, JsValue> {
        let (plan, is_completed) =
            plan::complete(plan).ok_or_else(|| wrong("the plan is not a CompletePlan"))?;
        Ok(Self::new(|link| async move {
            verdict::of_complete(match is_completed {
                true => describe_parts(&link, &plan, None).await,
                false => complete_parts(&link, &plan).await,
            })
        }))
    }

    /// Proves that a kind of write is encrypted beside an object, on a scratch object that is removed again.
    /// `plan` is the JSON of a `TrialPlan`.
    pub fn trial(plan: &str) -> Result<Transfer, JsValue> {
        let (beside, kind) =
            plan::trial(plan).ok_or_else(|| wrong("the plan is not a TrialPlan"))?;
        Ok(Self::new(|link| async move { verdict::of_trial(prove(link, beside, kind).await) }))
    }

    /// The tasks to carry now, `room` at most: the JSON of an array of `TransferTask`. Each is handed out once.
    pub fn next(&mut self, room: u32) -> String {
        let mut tasks = String::from("[");
        for (id, task) in self.machine.next(room as usize) {
            if tasks.len() > 1 {
                tasks.push(',');
            }
            tasks.push_str(&task::json(self.handed.len(), task));
            self.handed.push(id);
        }
        tasks.push(']');
        tasks
    }

    /// Takes the outcome of a task, once: the JSON of a `TransferOutcome`.
    pub fn done(&mut self, id: u32, outcome: &str) -> Result<(), JsValue> {
        let outcome = outcome::read(outcome).ok_or_else(|| wrong("it is not a TransferOutcome"))?;
        let task = self.handed.get(id as usize);
        task.and_then(|task| self.machine.done(*task, outcome).ok())
            .ok_or_else(|| wrong("no such task is waiting for its outcome"))
    }

    /// Ends the order as soon as it can be ended: it looks after what it began. Tasks that are out still get
    /// their outcomes, "abandoned" if they are given up.
    pub fn cancel(&mut self) {
        self.machine.cancel();
    }

    /// The JSON of a `TransferVerdict`, at the end.
    pub fn verdict(&self) -> Option<String> {
        self.machine.verdict().cloned()
    }
}

impl Transfer {
    fn new<C>(course: impl FnOnce(Link) -> C) -> Self
    where
        C: Future<Output = String> + Send + 'static,
    {
        Self { machine: Machine::with_hidden_headers(course), handed: Vec::new() }
    }
}

#[inline(never)]
fn wrong(what: &'static str) -> JsValue {
    thrown(ArgumentError(what))
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

/// True for the status of a refusal: the gateway did not do it, and would answer the same tomorrow. After
/// others, such as 408, 429 and 500, it may have done it, or may do it next time.
#[wasm_bindgen(js_name = isRefusal)]
pub fn is_refusal(status: u16) -> bool {
    advice::is_refusal(status)
}
