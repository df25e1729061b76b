//! Profiles of gateways, remembered between commands.

use crate::client::Client;
use crate::nonce::unix_now;
use s3_ssec_core::profile::Profile;
use serde_json::{Value, json};

const FILE: &str = "profiles.json";

impl Client {
    /// What this gateway was seen to do, if that was not too long ago.
    pub fn profile(&self) -> Option<Profile> {
        let known = self.state.as_ref()?.read(FILE);
        let profile = known.get(self.endpoint().as_str())?.clone();
        let profile: Profile = serde_json::from_value(profile).ok()?;
        profile.is_believed(unix_now()).then_some(profile)
    }

    pub(crate) fn remember_profile(&self, profile: &Profile) {
        let Some(state) = &self.state else { return };
        let mut known = match state.read(FILE) {
            Value::Object(known) => known,
            _ => serde_json::Map::new(),
        };
        known.insert(profile.endpoint.clone(), json!(profile));
        // Forgetting costs one more examination.
        let _ = state.write(FILE, &Value::Object(known));
    }
}
