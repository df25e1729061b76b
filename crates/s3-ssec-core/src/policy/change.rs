//! How a rule gets into a bucket's policy and out of it, step by step. No IO.
//!
//! A [`PolicyChange`] returns the next step and takes its result. Whoever drives it reads and writes
//! the policy and sends the requests of a trial; the order is decided here, for the command and the
//! page alike:
//!
//! ```text
//! read ─► write: our statement, for a random prefix ─► read ─► try ─► read ─► write: for the bucket ─► read ─► try
//!                                                        └──────── undo: read ─► write ─► read ◄────────┘
//! ```
//!
//! * The statement on trial has a Sid of its own and is added to what stands. Whenever the executor
//!   dies, the bucket refuses at least what it refused before, and of ours it has either a statement
//!   for a prefix that no one uses, which the next run takes out, or the rule, which did on the
//!   prefix what it says.
//! * The policy is read before and after each write. S3 has no conditional write for policies: what
//!   another client writes between our read and our write is lost. That window, of one request,
//!   remains.
//! * A statement under the Sid of a rule that this program would not have written is someone's own:
//!   it is replaced or removed only on request.
//! * A rule whose trial disagrees is taken out again. One that never was seen to refuse anything is
//!   not called in force ([`Trial::in_force`](super::Trial::in_force)).

mod step;

pub use step::{ChangeOptions, Ending, Step};

use super::{Attempt, Gap, GapAnswer, Outcome, Policy, Rule, Scope, Scratch, Trial, TrialStep};
use std::time::Duration;

/// Gateways that share a cluster learn of a new policy one after the other: how long to wait before
/// something is read or tried again.
const PATIENCE: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Goal {
    Apply(Rule),
    Test(Rule),
    Remove(Vec<Rule>),
}

/// The step that the next result belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The policy as it is at the beginning.
    Look,
    /// Once more, after an upload was begun.
    Before,
    /// Our statement stands for the prefix alone, or is about to.
    Narrow,
    /// It worked there. The policy as it is before the rule is widened.
    Between,
    /// The rule stands for the bucket, or is about to.
    Wide,
    /// The rule stood before, or it is only tested.
    Standing,
    /// Statements are taken out of what stands, with nothing of ours put in.
    Remove,
    /// Removes the statement that this run put in.
    Undo,
    /// Only what the trial wrote is left to be removed.
    Over,
}

/// A rule on its way into a policy, on trial, or on its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyChange {
    goal: Goal,
    scratch: Scratch,
    options: ChangeOptions,
    phase: Phase,
    step: Step,
    /// The text of the policy at the beginning, and what it says.
    old: (Option<String>, Policy),
    /// That without what interrupted trials left, and where these took place.
    base: Policy,
    left: Vec<Scratch>,
    /// The document that was written last.
    written: Policy,
    /// The last write was refused, or its answer was lost.
    write_failed: bool,
    /// The rule was written for the whole bucket.
    widened: bool,
    /// Rules that are expected to be in force during the trial.
    rules: Vec<Rule>,
    /// Requests of the trial that are to come, the next one last.
    to_try: Vec<Attempt>,
    in_policy: bool,
    trial: Option<Trial>,
    gaps: Vec<(Gap, GapAnswer)>,
    /// The upload of [`Gap::EarlierUpload`] is open.
    begun: bool,
    /// Something may lie below the prefix.
    scratched: bool,
    /// Pauses taken in this phase, and how often it was tried to undo.
    pauses: usize,
    undone: usize,
    /// How it ends, once that is known.
    ending: Ending,
}

impl PolicyChange {
    /// Puts a rule into a policy.
    pub fn apply(rule: Rule, scratch: Scratch, options: ChangeOptions) -> Self {
        Self::new(Goal::Apply(rule), scratch, options)
    }

    /// Tries what the policy that stands does under a rule, and changes nothing.
    pub fn test(rule: Rule, scratch: Scratch, options: ChangeOptions) -> Self {
        Self::new(Goal::Test(rule), scratch, options)
    }

    /// Takes rules out, and what interrupted trials left.
    pub fn remove(rules: &[Rule], scratch: Scratch, options: ChangeOptions) -> Self {
        Self::new(Goal::Remove(rules.to_vec()), scratch, options)
    }

    fn new(goal: Goal, scratch: Scratch, options: ChangeOptions) -> Self {
        Self {
            goal,
            scratch,
            options,
            phase: Phase::Look,
            step: Step::Read,
            old: (None, Policy::new()),
            base: Policy::new(),
            left: Vec::new(),
            written: Policy::new(),
            write_failed: false,
            widened: false,
            rules: Vec::new(),
            to_try: Vec::new(),
            in_policy: false,
            trial: None,
            gaps: Vec::new(),
            begun: false,
            scratched: false,
            pauses: 0,
            undone: 0,
            ending: Ending::Failed,
        }
    }

    /// The next step.
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// Where the trial takes place.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// The result of the last trial, once it is over.
    pub fn trial(&self) -> Option<&Trial> {
        self.trial.as_ref().filter(|_| self.to_try.is_empty())
    }

    /// Writes that the rule does not refuse, as far as they were tried.
    pub fn gaps(&self) -> &[(Gap, GapAnswer)] {
        &self.gaps
    }

    /// How it ended, for a person: what happened and what to do, each one line without a full stop
    /// at the end of the first.
    pub fn words(&self) -> (String, &'static str) {
        match (&self.ending, self.trial()) {
            (Ending::NotAsSaid, Some(trial)) => {
                let rule = trial.rule;
                let what = format!("on this gateway {rule} does not do what it says: {trial}");
                (what, trial.advice())
            }
            (Ending::Applied { .. } | Ending::Tested, Some(trial)) => (trial.claim(), ""),
            (ending, _) => (ending.to_string(), ending.todo()),
        }
    }

    /// True on the way back.
    pub fn is_undoing(&self) -> bool {
        matches!(self.phase, Phase::Undo | Phase::Over)
    }

    /// The policy as it was written last.
    pub fn policy(&self) -> &Policy {
        &self.written
    }

    /// False while something must not be broken off: a write, or the way back.
    pub fn may_be_interrupted(&self) -> bool {
        let finishing = matches!(self.phase, Phase::Remove | Phase::Undo | Phase::Over);
        !finishing && !matches!(self.step, Step::Write(_) | Step::Clear(_))
    }

    /// Takes the policy as it was read.
    pub fn read(&mut self, text: Option<String>) {
        let parsed = text.as_deref().map_or_else(|| Ok(Policy::new()), Policy::parse);
        let policy = match parsed {
            Ok(policy) => policy,
            Err(error) => return self.give_up(Ending::Document(error)),
        };
        match self.phase {
            Phase::Look => self.looked(text, policy),
            Phase::Before => match policy.says_the_same(&self.old.1) {
                true => self.narrow(),
                false => self.give_up(Ending::Changed),
            },
            Phase::Between => match policy.says_the_same(&self.written) {
                true => self.widen(policy),
                false => self.give_up(Ending::Changed),
            },
            Phase::Narrow | Phase::Wide | Phase::Remove => self.reread(&policy),
            Phase::Undo => self.undo(policy),
            Phase::Standing | Phase::Over => {}
        }
    }

    /// Takes that a step was taken.
    pub fn done(&mut self) {
        match std::mem::replace(&mut self.step, Step::Read) {
            Step::Write(_) => self.write_failed = false,
            Step::Begin(_) => {
                self.begun = true;
                self.phase = Phase::Before;
            }
            Step::Wait(_) => self.waited(),
            Step::Clear(_) => self.step = Step::End(self.ending.clone()),
            other => self.step = other,
        }
    }

    /// Takes what became of a [`Step::Try`].
    pub fn tried(&mut self, seen: Outcome) {
        let (Some(attempt), Some(trial)) = (self.to_try.pop(), &mut self.trial) else { return };
        let expected = attempt.expected(&self.rules);
        trial.steps.push(TrialStep { attempt, expected, seen });
        let agrees = trial.agrees();
        match self.to_try.last() {
            Some(next) => self.step = Step::Try(*next),
            None if agrees => self.agreed(),
            None => match self.pause() {
                Some(step) => self.step = step,
                None if matches!(self.goal, Goal::Test(_)) => self.finish(Ending::Tested),
                None => self.give_up(Ending::NotAsSaid),
            },
        }
    }

    /// Takes what became of a [`Step::TryGap`].
    pub fn gap(&mut self, answer: GapAnswer) {
        if let Step::TryGap(gap) = self.step {
            self.gaps.push((gap, answer));
            self.next_gap();
        }
    }

    /// Takes that a step failed, or that its answer was lost.
    pub fn failed(&mut self) {
        match (&self.step, self.phase) {
            (Step::Write(_), _) => (self.write_failed, self.step) = (true, Step::Read),
            // It only means that this gap cannot be tried.
            (Step::Begin(_), _) => (self.phase, self.step) = (Phase::Before, Step::Read),
            (Step::TryGap(_), _) => self.gap(GapAnswer::Untried),
            (Step::Clear(_), _) => self.step = Step::End(self.ending.clone()),
            (_, Phase::Undo) => match self.pause() {
                Some(step) => self.step = step,
                None => self.finish(Ending::NotRestored),
            },
            _ => self.give_up(Ending::Failed),
        }
    }

    /// Ends it before its time, with the policy as it was.
    pub fn stop(&mut self) {
        if !matches!(self.phase, Phase::Remove | Phase::Undo | Phase::Over) {
            self.give_up(Ending::Stopped);
        }
    }

    fn looked(&mut self, text: Option<String>, policy: Policy) {
        let bucket = self.scratch.bucket().clone();
        let mut base = policy.clone();
        let trials = policy.trials(&bucket);
        base.remove_trials(&bucket, |_| true);
        (self.old, self.base, self.written) = ((text, policy), base.clone(), base);
        let whole = Scope::bucket(bucket.clone());
        let standing = Rule::ALL.into_iter().filter(|rule| self.base.holds(*rule, &whole));
        self.rules = standing.collect();
        match self.goal.clone() {
            Goal::Test(rule) => self.start_trial(rule, Phase::Standing),
            Goal::Remove(rules) => self.take_out(&rules, trials),
            Goal::Apply(rule) => self.put_in(rule, &whole, trials),
        }
    }

    fn put_in(&mut self, rule: Rule, whole: &Scope, trials: Vec<Scratch>) {
        if let Err(error) = self.base.clone().apply(rule, whole) {
            return self.finish(Ending::Document(error));
        }
        if self.base.is_edited(rule, self.scratch.bucket()) && !self.options.edited {
            return self.finish(Ending::Edited(rule));
        }
        self.left = trials;
        match self.base.holds(rule, whole) {
            true if self.left.is_empty() => self.start_trial(rule, Phase::Standing),
            // Only what an interrupted trial left goes; the trial of the rule follows.
            true => self.write(Phase::Remove, self.base.clone()),
            false if self.options.gaps && rule == Rule::RequireSsec => {
                self.scratched = true;
                self.step = Step::Begin(Gap::EarlierUpload);
            }
            false => self.narrow(),
        }
    }

    fn take_out(&mut self, rules: &[Rule], trials: Vec<Scratch>) {
        let edited = |rule: &&Rule| self.base.is_edited(**rule, self.scratch.bucket());
        if let (Some(rule), false) = (rules.iter().find(edited), self.options.edited) {
            return self.finish(Ending::Edited(*rule));
        }
        self.left = trials;
        let mut rest = self.base.clone();
        let removed = rules.iter().map(|rule| rest.remove(*rule)).sum();
        self.ending = Ending::Removed(removed);
        match removed == 0 && self.left.is_empty() {
            true => self.finish(Ending::Removed(0)),
            false => self.write(Phase::Remove, rest),
        }
    }

    fn narrow(&mut self) {
        let Goal::Apply(rule) = self.goal else { return };
        let mut narrow = self.base.clone();
        narrow.add_trial(rule, &self.scratch);
        self.write(Phase::Narrow, narrow);
    }

    fn widen(&mut self, mut policy: Policy) {
        let Goal::Apply(rule) = self.goal else { return };
        policy.remove_trials(self.scratch.bucket(), |_| true);
        match policy.apply(rule, &Scope::bucket(self.scratch.bucket().clone())) {
            Err(error) => self.give_up(Ending::Document(error)),
            Ok(()) => {
                self.widened = true;
                self.write(Phase::Wide, policy);
            }
        }
    }

    fn write(&mut self, phase: Phase, policy: Policy) {
        let unchanged = policy.says_the_same(&self.old.1);
        let text = match (&self.old.0, unchanged) {
            // Byte for byte.
            (Some(old), true) => Some(old.clone()),
            _ => (!policy.is_empty()).then(|| policy.to_string()),
        };
        (self.written, self.phase, self.pauses) = (policy, phase, 0);
        self.step = Step::Write(text);
    }

    /// After a write: what was written must be there now.
    fn reread(&mut self, policy: &Policy) {
        let bucket = self.scratch.bucket();
        let (kept, partly) = match (&self.goal, self.phase) {
            // Others may have added theirs.
            (Goal::Remove(rules), _) => {
                let trials = policy.trials(bucket);
                let left = self.left.iter().any(|one| trials.contains(one));
                (!left && rules.iter().all(|rule| !policy.rules().contains(rule)), false)
            }
            (Goal::Apply(_) | Goal::Test(_), Phase::Narrow) => {
                let ours = policy.trials(bucket).contains(&self.scratch);
                (policy.says_the_same(&self.written), ours)
            }
            (Goal::Apply(rule), _) => {
                let whole = policy.holds(*rule, &Scope::bucket(bucket.clone()));
                (policy.says_the_same(&self.written), whole)
            }
            (Goal::Test(_), _) => (true, false),
        };
        match (kept, self.goal.clone()) {
            (true, Goal::Apply(rule)) => self.start_trial(rule, self.trial_phase()),
            (true, _) => self.finish(self.ending.clone()),
            (false, _) if partly => self.give_up(Ending::Changed),
            (false, _) => match self.pause() {
                Some(step) if !self.write_failed => self.step = step,
                _ if self.write_failed => self.give_up(Ending::Failed),
                _ => self.give_up(Ending::NotKept),
            },
        }
    }

    fn trial_phase(&self) -> Phase {
        if self.phase == Phase::Remove { Phase::Standing } else { self.phase }
    }

    fn start_trial(&mut self, rule: Rule, phase: Phase) {
        self.in_policy = phase != Phase::Standing || self.rules.contains(&rule);
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
        }
        (self.phase, self.pauses) = (phase, 0);
        self.try_all(rule);
    }

    fn try_all(&mut self, rule: Rule) {
        self.scratched = true;
        self.trial = Some(Trial { rule, in_policy: self.in_policy, steps: Vec::new() });
        self.to_try = Attempt::of(rule, self.options.plain_http);
        self.to_try.reverse();
        if let Some(first) = self.to_try.last() {
            self.step = Step::Try(*first);
        }
    }

    /// The trial came out as the rule says.
    fn agreed(&mut self) {
        match self.phase {
            Phase::Narrow => self.next_gap(),
            Phase::Wide => self.finish(Ending::Applied { changed: true }),
            _ if matches!(self.goal, Goal::Test(_)) => self.finish(Ending::Tested),
            _ => self.next_gap(),
        }
    }

    /// The next gap that is to be tried; then the rule is widened, where it is not wide already.
    fn next_gap(&mut self) {
        let requires = self.trial.as_ref().is_some_and(|trial| trial.rule == Rule::RequireSsec);
        let wanted = self.options.gaps && requires;
        let next = Gap::ALL.get(self.gaps.len()).filter(|_| wanted).copied();
        match next {
            Some(Gap::EarlierUpload) if !self.begun => {
                self.gaps.push((Gap::EarlierUpload, GapAnswer::Untried));
                self.next_gap();
            }
            Some(gap) => self.step = Step::TryGap(gap),
            None if self.phase == Phase::Narrow => {
                (self.phase, self.step) = (Phase::Between, Step::Read);
            }
            None => self.finish(Ending::Applied { changed: false }),
        }
    }

    /// Ends it. What this run wrote into the policy is taken out first.
    fn give_up(&mut self, ending: Ending) {
        match self.phase {
            Phase::Narrow | Phase::Between | Phase::Wide => {
                (self.ending, self.pauses) = (ending, 0);
                (self.phase, self.step) = (Phase::Undo, Step::Read);
            }
            // A policy that cannot be read is not ours to repair.
            Phase::Undo => self.finish(Ending::NotRestored),
            _ => self.finish(ending),
        }
    }

    fn undo(&mut self, policy: Policy) {
        let Goal::Apply(rule) = self.goal else { return };
        let bucket = self.scratch.bucket();
        let whole = Scope::bucket(bucket.clone());
        let mut target = policy.clone();
        target.remove_trials(bucket, |trial| *trial == self.scratch);
        if self.widened && policy.holds(rule, &whole) {
            target.restore_rule(rule, &self.base);
        }
        if target == policy {
            return self.finish(self.ending.clone());
        }
        // A pause between two tries.
        if self.undone > self.pauses {
            self.step = match self.pause() {
                Some(step) => step,
                None => return self.finish(Ending::NotRestored),
            };
            return;
        }
        self.undone += 1;
        let pauses = self.pauses;
        self.write(Phase::Undo, target);
        self.pauses = pauses;
    }

    fn finish(&mut self, ending: Ending) {
        self.ending = ending;
        self.phase = Phase::Over;
        let mut places = std::mem::take(&mut self.left);
        places.extend(self.scratched.then(|| self.scratch.clone()));
        self.step = match places.is_empty() {
            true => Step::End(self.ending.clone()),
            false => Step::Clear(places),
        };
    }

    /// A pause, if there is one left in this phase.
    fn pause(&mut self) -> Option<Step> {
        let pause = PATIENCE.get(self.pauses)?;
        self.pauses += 1;
        Some(Step::Wait(*pause))
    }

    /// After a pause: a trial that disagreed is repeated, anything else read again.
    fn waited(&mut self) {
        let disagreed = self.trial.as_ref().filter(|trial| !trial.agrees());
        match disagreed.map(|trial| trial.rule) {
            Some(rule) if self.to_try.is_empty() && self.phase != Phase::Undo => {
                self.try_all(rule);
            }
            _ => self.step = Step::Read,
        }
    }
}
