//! Every order of crashes, failures and other writers, in small worlds: the bucket is never less
//! strict than it was, a rule that does not work never stands for it, and the next run ends it.

use super::*;
use crate::names::BucketName;
use serde_json::json;
use std::collections::HashSet;

/// The effect of a rule that requires customer keys on this gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ways {
    /// It does what it says.
    Enforces,
    /// RGW before 20.
    RefusesAll,
    /// LocalStack.
    Ignores,
    /// It does what it says for a prefix, and nothing for a bucket.
    PrefixOnly,
}

/// The constants of one exploration.
#[derive(Clone, Copy, Debug)]
struct Case {
    ways: Ways,
    /// The document at the start.
    before: Before,
    options: ChangeOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Foreign,
    /// Foreign statements, and an edited one under the Sid of the rule.
    Edited,
    Rule,
}

#[derive(Clone, Debug)]
struct State {
    policy: Option<String>,
    machine: PolicyChange,
    run: u8,
    /// Another client wrote, and its statement may be lost: it came between a read and a write.
    theirs: bool,
    since_read: bool,
    lost: bool,
    crashes: u8,
    faults: u8,
    writers: u8,
    stops: u8,
    /// A fault, a stop or another client disturbed this run.
    disturbed: bool,
}

fn bucket() -> BucketName {
    BucketName::parse("bucket").unwrap()
}

fn whole() -> Scope {
    Scope::bucket(bucket())
}

const RULE: Rule = Rule::RequireSsec;

fn foreign() -> serde_json::Value {
    json!({ "Sid": "lab", "Effect": "Deny", "Action": "s3:DeleteObject" })
}

fn edited() -> serde_json::Value {
    let mut statement = RULE.statement(&whole());
    statement["Resource"] = json!("arn:aws:s3:::bucket/secret/*");
    statement
}

fn theirs() -> serde_json::Value {
    json!({ "Sid": "theirs", "Effect": "Deny", "Action": "s3:PutObjectAcl" })
}

fn policy_of(text: Option<&str>) -> Policy {
    text.map_or_else(Policy::new, |text| Policy::parse(text).unwrap())
}

impl Case {
    fn first(&self) -> Option<String> {
        let statements = match self.before {
            Before::Nothing => return None,
            Before::Foreign => vec![foreign()],
            Before::Edited => vec![foreign(), edited()],
            Before::Rule => vec![RULE.statement(&whole()), foreign()],
        };
        Some(json!({ "Version": VERSION, "Statement": statements }).to_string())
    }

    fn start(&self, [crashes, faults, writers, stops]: [u8; 4]) -> State {
        State {
            policy: self.first(),
            machine: self.machine(1),
            run: 1,
            theirs: false,
            since_read: false,
            lost: false,
            crashes,
            faults,
            writers,
            stops,
            disturbed: false,
        }
    }

    fn machine(&self, run: u8) -> PolicyChange {
        PolicyChange::apply(RULE, Scratch::new(bucket(), [run; 8]), self.options)
    }

    /// The answer of the gateway to a request of the trial.
    fn judge(&self, policy: &Policy, scratch: &Scratch, attempt: Attempt) -> Outcome {
        let narrow = policy.statements().contains(&RULE.trial_statement(scratch));
        let wide = policy.holds(RULE, &whole());
        let refused = match self.ways {
            Ways::Enforces => (narrow || wide) && attempt == Attempt::Plain,
            Ways::RefusesAll => narrow || wide,
            Ways::Ignores => false,
            Ways::PrefixOnly => narrow && attempt == Attempt::Plain,
        };
        if refused { Outcome::Refused } else { Outcome::Passed }
    }
}

impl State {
    fn now(&self) -> Policy {
        policy_of(self.policy.as_deref())
    }

    /// The effect of a step at the gateway, whether or not its answer arrives.
    fn gateway_does(&mut self) {
        if let Step::Write(text) = self.machine.step().clone() {
            self.lost |= self.since_read;
            self.policy = text;
        }
    }

    fn act(&mut self, case: Case) {
        match self.machine.step().clone() {
            Step::Read => {
                self.since_read = false;
                self.machine.read(self.policy.clone());
            }
            Step::Try(attempt) => {
                let scratch = self.machine.scratch().clone();
                self.machine.tried(case.judge(&self.now(), &scratch, attempt));
            }
            Step::TryGap(_) => self.machine.gap(GapAnswer::StoresPlaintext),
            Step::End(_) => {}
            Step::Write(_) | Step::Begin(_) | Step::Wait(_) | Step::Clear(_) => {
                self.gateway_does();
                self.machine.done();
            }
        }
    }

    fn with(&self, change: impl FnOnce(&mut State)) -> State {
        let mut next = self.clone();
        change(&mut next);
        next
    }

    /// Everything that can happen next.
    fn next(&self, case: Case) -> Vec<State> {
        let mut next = vec![self.with(|state| state.act(case))];
        let ended = matches!(self.machine.step(), Step::End(_));
        if self.faults > 0 && !ended && !matches!(self.machine.step(), Step::Wait(_)) {
            for heard in [false, true] {
                next.push(self.with(|state| {
                    (state.faults, state.disturbed) = (state.faults - 1, true);
                    if heard {
                        state.gateway_does();
                    }
                    state.machine.failed();
                }));
            }
        }
        if self.crashes > 0 && !ended {
            for done in [false, true] {
                next.push(self.with(|state| {
                    if done {
                        state.gateway_does();
                    }
                    state.crashes -= 1;
                    state.begin(case);
                }));
            }
        }
        if self.stops > 0 && self.machine.may_be_interrupted() {
            next.push(self.with(|state| {
                (state.stops, state.disturbed) = (0, true);
                state.machine.stop();
            }));
        }
        if self.writers > 0 && !ended {
            next.push(self.with(|state| {
                let mut policy = state.now();
                let mut statements = policy.take_statements();
                statements.push(theirs());
                policy.fields.insert("Statement".to_owned(), serde_json::Value::Array(statements));
                state.policy = Some(policy.to_string());
                state.writers -= 1;
                (state.theirs, state.since_read, state.disturbed) = (true, true, true);
            }));
        }
        next
    }

    fn begin(&mut self, case: Case) {
        self.run += 1;
        (self.since_read, self.disturbed) = (false, false);
        self.machine = case.machine(self.run);
    }

    /// At every moment: whoever dies now leaves this.
    fn assert_safe(&self, case: Case) {
        let (now, first) = (self.now(), policy_of(case.first().as_deref()));
        for statement in first.statements() {
            let replaced = case.options.edited && RULE.owns(statement);
            assert!(replaced || now.statements().contains(statement), "less strict: {self:#?}");
        }
        let wide = now.holds(RULE, &whole());
        let works = matches!(case.ways, Ways::Enforces | Ways::PrefixOnly);
        let stood = case.before == Before::Rule;
        assert!(!wide || works || stood, "a rule that does not work: {self:#?}");
        let there = now.statements().contains(&theirs());
        assert!(!self.theirs || self.lost || there, "theirs is lost: {self:#?}");
    }

    fn assert_end(&self, case: Case, ending: &Ending) {
        let (now, first) = (self.now(), policy_of(case.first().as_deref()));
        let here = self.machine.scratch();
        let mut rest = now.clone();
        let theirs_gone: Vec<_> =
            rest.take_statements().into_iter().filter(|one| *one != theirs()).collect();
        match ending {
            Ending::Applied { changed } => {
                assert!(now.holds(RULE, &whole()), "{self:#?}");
                assert!(*changed || case.before == Before::Rule || self.run > 1, "{self:#?}");
                assert!(self.machine.trial().unwrap().in_force(), "never seen: {self:#?}");
                assert_eq!(case.ways, Ways::Enforces, "{self:#?}");
            }
            // One read or write of the way back failed too often.
            Ending::NotRestored => assert!(self.disturbed, "{self:#?}"),
            Ending::Edited(_) => assert_eq!(case.before, Before::Edited),
            Ending::NotAsSaid => assert_ne!(case.ways, Ways::Enforces, "{self:#?}"),
            Ending::Changed | Ending::Failed | Ending::Stopped => assert!(self.disturbed),
            other => panic!("{other:?}: {self:#?}"),
        }
        let changed = matches!(ending, Ending::Applied { .. } | Ending::NotRestored);
        if !changed && !self.lost && self.run == 1 {
            assert!(!now.trials(&bucket()).contains(here), "a trial is left: {self:#?}");
            assert_eq!(theirs_gone, first.statements(), "not as it was: {self:#?}");
            assert!(self.theirs || self.policy == case.first(), "byte for byte: {self:#?}");
        }
    }

    /// The next run, undisturbed, ends it and leaves nothing of earlier ones.
    fn assert_next_run(&self, case: Case) {
        let mut state = self.clone();
        state.begin(case);
        for _ in 0..200 {
            let Step::End(ending) = state.machine.step().clone() else {
                state.act(case);
                state.assert_safe(case);
                continue;
            };
            let edited = case.before == Before::Edited && !case.options.edited;
            match ending {
                Ending::Applied { .. } if case.ways == Ways::Enforces && !edited => {}
                Ending::NotAsSaid if case.ways != Ways::Enforces && !edited => {}
                Ending::Edited(_) if edited => return,
                other => panic!("{other:?}: {state:#?}"),
            }
            assert_eq!(state.now().trials(&bucket()), [], "{state:#?}");
            return;
        }
        panic!("it never ends: {state:#?}");
    }
}

/// Tries everything, and gives the number of states.
fn explore(case: Case, budget: [u8; 4]) -> usize {
    let (mut seen, mut ended) = (HashSet::new(), HashSet::new());
    let mut open = vec![case.start(budget)];
    while let Some(state) = open.pop() {
        state.assert_safe(case);
        if let Step::End(ending) = state.machine.step() {
            state.assert_end(case, ending);
            // All that the next run depends on.
            if ended.insert((state.policy.clone(), state.theirs, state.lost)) {
                state.assert_next_run(case);
            }
            continue;
        }
        for next in state.next(case) {
            if seen.insert(format!("{next:?}")) {
                open.push(next);
            }
        }
    }
    seen.len()
}

#[test]
fn no_order_of_events_opens_or_locks_a_bucket() {
    let mut states = 0;
    for ways in [Ways::Enforces, Ways::RefusesAll, Ways::Ignores, Ways::PrefixOnly] {
        for (before, edited) in [
            (Before::Nothing, false),
            (Before::Foreign, false),
            (Before::Edited, false),
            (Before::Edited, true),
            (Before::Rule, false),
        ] {
            // With what a rule cannot refuse tried too, where that adds steps.
            let gaps = before == Before::Foreign;
            let case =
                Case { ways, before, options: ChangeOptions { edited, gaps, plain_http: false } };
            // Crashes, faults, other writers, stops.
            let twice = if before == Before::Foreign { [0, 2, 0, 0] } else { [0, 1, 0, 0] };
            for budget in [[1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1], twice] {
                states += explore(case, budget);
            }
        }
    }
    assert!(states > 5_000, "{states}: an exploration that explores nothing proves nothing");
}
