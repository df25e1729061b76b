//! Places where a trial write was proved, remembered between commands where there is a state
//! directory: for a week, and until an answer surprises.

use crate::nonce::unix_now;
use crate::state::StateDir;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

const FILE: &str = "proved.json";

/// Seconds that a proof lasts: gateways are upgraded and reconfigured.
const LASTS: u64 = 7 * 86_400;

/// Where a kind of write was proved: `endpoint bucket kind`. Every real write is proved all the same.
#[derive(Default)]
pub(crate) struct ProvedPlaces(Mutex<Known>);

#[derive(Default)]
struct Known {
    places: BTreeMap<String, Proof>,
    /// The `Server` header that answered last, if any did.
    server: Option<String>,
    state: Option<StateDir>,
}

/// When a place was proved, and by which server where it named itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Proof {
    at: u64,
    server: Option<String>,
}

impl ProvedPlaces {
    /// Remembers in `state` from now on, and takes up what is there.
    pub(crate) fn remember_in(&self, state: StateDir) {
        let mut known = self.lock();
        known.places = read(&state);
        known.state = Some(state);
    }

    pub(crate) fn contains(&self, place: &str) -> bool {
        let now = unix_now();
        // A proof of the future is of a clock that was wrong.
        let lasts = |proof: &Proof| now.checked_sub(proof.at).is_some_and(|age| age < LASTS);
        self.lock().places.get(place).is_some_and(lasts)
    }

    pub(crate) fn insert(&self, place: String) {
        let mut known = self.lock();
        let proof = Proof { at: unix_now(), server: known.server.clone() };
        known.change(|places| drop(places.insert(place, proof)));
    }

    /// Forgets all places of a gateway: one of its answers was not what a proved gateway gives.
    pub(crate) fn forget(&self, endpoint: &str) {
        let mut known = self.lock();
        if known.places.keys().any(|place| is_of(place, endpoint)) {
            known.change(|places| places.retain(|place, _| !is_of(place, endpoint)));
        }
    }

    /// Forgets the places of a gateway that another server than this one proved.
    pub(crate) fn answered_by(&self, endpoint: &str, server: &str) {
        let mut known = self.lock();
        if known.server.as_deref() == Some(server) {
            return;
        }
        known.server = Some(server.to_owned());
        let other = |place: &str, proof: &Proof| {
            is_of(place, endpoint) && proof.server.as_deref().is_some_and(|one| one != server)
        };
        if known.places.iter().any(|(place, proof)| other(place, proof)) {
            known.change(|places| places.retain(|place, proof| !other(place, proof)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Changes what is known, on the disk too: with what other processes noted meanwhile.
    fn change(&mut self, change: impl FnOnce(&mut BTreeMap<String, Proof>)) {
        if let Some(state) = &self.state {
            self.places = read(state);
        }
        change(&mut self.places);
        if let Some(state) = &self.state {
            // What cannot be written costs one more trial, or is found out by the write itself.
            let _ = state.write(FILE, &to_json(&self.places));
        }
    }
}

fn is_of(place: &str, endpoint: &str) -> bool {
    place.strip_prefix(endpoint).is_some_and(|rest| rest.starts_with(' '))
}

/// An entry that cannot be parsed proves nothing.
fn read(state: &StateDir) -> BTreeMap<String, Proof> {
    let Value::Object(places) = state.read(FILE) else { return BTreeMap::new() };
    let proof = |(place, proof): (String, Value)| {
        let server = proof["server"].as_str().map(str::to_owned);
        Some((place, Proof { at: proof["at"].as_u64()?, server }))
    };
    places.into_iter().filter_map(proof).collect()
}

fn to_json(places: &BTreeMap<String, Proof>) -> Value {
    let proof = |(place, Proof { at, server }): (&String, &Proof)| {
        (place.clone(), json!({ "at": at, "server": server }))
    };
    Value::Object(places.iter().map(proof).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://a:1 bucket Single";

    fn state(name: &str) -> StateDir {
        let name = format!("s3-ssec-proved-{name}-{}", std::process::id());
        StateDir::new(std::env::temp_dir().join(name))
    }

    fn remembered(state: &StateDir) -> ProvedPlaces {
        let places = ProvedPlaces::default();
        places.remember_in(state.clone());
        places
    }

    #[test]
    fn a_proof_lasts_a_week() {
        let state = state("week");
        let day = 86_400;
        for (at, lasts) in [
            (unix_now(), true),
            (unix_now() - 6 * day, true),
            (unix_now() - 7 * day, false),
            (unix_now() + day, false),
        ] {
            state.write(FILE, &json!({ HERE: { "at": at, "server": null } })).unwrap();
            assert_eq!(remembered(&state).contains(HERE), lasts, "{at}");
        }
        // The form of earlier versions has no time.
        state.write(FILE, &json!([HERE])).unwrap();
        assert!(!remembered(&state).contains(HERE));
        std::fs::remove_dir_all(state.path()).unwrap();
    }

    #[test]
    fn a_surprise_ends_it_for_its_gateway_alone() {
        let state = state("surprise");
        let there = "https://a:12 bucket Single";
        let (one, other) = (remembered(&state), remembered(&state));
        one.insert(HERE.to_owned());
        other.insert(there.to_owned());
        assert!(remembered(&state).contains(HERE) && remembered(&state).contains(there));
        one.forget("https://a:1");
        assert!(!one.contains(HERE) && !remembered(&state).contains(HERE));
        assert!(one.contains(there) && remembered(&state).contains(there));
        std::fs::remove_dir_all(state.path()).unwrap();
    }

    #[test]
    fn another_server_ends_it() {
        let state = state("server");
        let places = remembered(&state);
        // Without a header nothing is known, and nothing ends.
        places.insert(HERE.to_owned());
        places.answered_by("https://a:1", "Ceph");
        assert!(places.contains(HERE));
        places.insert(HERE.to_owned());
        places.answered_by("https://a:1", "Ceph");
        assert!(places.contains(HERE));
        let later = remembered(&state);
        later.answered_by("https://b:1", "nginx");
        assert!(later.contains(HERE));
        later.answered_by("https://a:1", "Ceph (upgraded)");
        assert!(!later.contains(HERE) && !remembered(&state).contains(HERE));
        std::fs::remove_dir_all(state.path()).unwrap();
    }
}
