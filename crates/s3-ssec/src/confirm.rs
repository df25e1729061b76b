//! The confirmations in the answers of a gateway, wherever in this crate they are asked for.
//!
//! One interceptor of the SDK sees them all. The first echo of each key is reported to whoever
//! waits for it ([`Client::on_first_echo`]). An answer that had to confirm the key and does not, or
//! one of another server, ends what is remembered of [`ProvedPlaces`].

use crate::call::KeyOrigin;
use crate::client::Client;
use crate::trial::{ProvedPlaces, TRIAL_PREFIX};
use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use s3_ssec_core::echo::{KeyEcho, verify_echo};
use s3_ssec_core::headers::{ALGORITHM, KEY_MD5};
use s3_ssec_core::key::Fingerprint;
use s3_ssec_core::md5::KeyMd5;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A callback, called by one answer at a time.
type Call = Arc<Mutex<dyn FnMut(Fingerprint) + Send>>;

/// The callback, and the keys for which it was called.
#[derive(Default)]
struct Observer {
    call: Option<Call>,
    confirmed: BTreeSet<Fingerprint>,
}

/// Sees every answer of one gateway.
#[derive(Clone)]
pub(crate) struct Confirmations {
    endpoint: Arc<str>,
    proved: Arc<ProvedPlaces>,
    observer: Arc<Mutex<Observer>>,
}

/// The key that a request carries.
#[derive(Clone, Debug)]
struct Sent {
    key: Option<KeyMd5>,
    /// The person's key behind it.
    origin: Option<Fingerprint>,
    /// The answer to it is about a scratch object, whose key is thrown away.
    is_trial: bool,
    /// Every gateway that encrypts what it stores confirms the key in the answer.
    must_echo: bool,
}

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl Client {
    /// Calls `observer` for each key of the caller when the gateway first confirms it, or a key derived
    /// from it, on whatever request. The keys of trials do not count. An observer takes the place of the one
    /// before, and is called for keys of which that one was.
    ///
    /// The key was at the gateway by then, and the gateway encrypts with it: the moment to remember
    /// where the key belongs. This crate does not remember it: a program that must not send its keys
    /// to a second gateway by mistake compares [`Client::endpoint`] before it uses them.
    pub fn on_first_echo(&self, observer: impl FnMut(Fingerprint) + Send + 'static) {
        self.confirmations.observe(observer);
    }
}

impl Confirmations {
    pub(crate) fn of(endpoint: &str, proved: &Arc<ProvedPlaces>) -> Self {
        let (endpoint, proved) = (Arc::from(endpoint), Arc::clone(proved));
        Self { endpoint, proved, observer: Arc::default() }
    }

    fn observe(&self, observer: impl FnMut(Fingerprint) + Send + 'static) {
        let call: Call = Arc::new(Mutex::new(observer));
        *self.observer() = Observer { call: Some(call), confirmed: BTreeSet::new() };
    }

    fn observer(&self) -> MutexGuard<'_, Observer> {
        self.observer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the observer if this is the first time. Meanwhile it may ask for another one to take its place.
    fn confirmed(&self, key: Fingerprint) {
        let call = {
            let mut observer = self.observer();
            let is_first = observer.confirmed.insert(key);
            observer.call.clone().filter(|_| is_first)
        };
        if let Some(call) = call {
            let mut call = call.lock().unwrap_or_else(PoisonError::into_inner);
            (*call)(key);
        }
    }

    /// Judges an answer of status 2xx.
    fn judge(&self, sent: &Sent, headers: &Headers) {
        if let Some(server) = headers.get("server") {
            self.proved.answered_by(&self.endpoint, server);
        }
        let Some(key) = sent.key else { return };
        let echo = KeyEcho::new(only(headers, ALGORITHM), only(headers, KEY_MD5));
        match verify_echo(key, &echo) {
            Ok(_) if sent.is_trial => {}
            Ok(_) => {
                if let Some(origin) = sent.origin {
                    self.confirmed(origin);
                }
            }
            Err(_) if sent.must_echo => self.proved.forget(&self.endpoint),
            Err(_) => {}
        }
    }
}

/// The value of a header that is there once: two prove nothing.
fn only<'h>(headers: &'h Headers, name: &'static str) -> Option<&'h str> {
    let mut values = headers.get_all(name);
    values.next().filter(|_| values.next().is_none())
}

impl fmt::Debug for Confirmations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirmations")
    }
}

impl Intercept for Confirmations {
    fn name(&self) -> &'static str {
        "confirmations of customer keys"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let headers = request.headers();
        // CompleteMultipartUpload and copies echo on newer releases only (measured).
        let is_copy = headers.get("x-amz-copy-source").is_some();
        // ListParts takes a key and never confirms it.
        let lists_parts = request.method() == "GET" && request.uri().contains("uploadId=");
        let origin = bag.load::<KeyOrigin>().copied();
        bag.interceptor_state().store_put(Sent {
            key: headers.get(KEY_MD5).and_then(KeyMd5::from_base64),
            origin: origin.map(|KeyOrigin(key)| key),
            is_trial: request.uri().contains(TRIAL_PREFIX),
            must_echo: request.method() != "POST" && !is_copy && !lists_parts,
        });
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        if let (Some(sent), true) = (bag.load::<Sent>(), answer.status().is_success()) {
            self.judge(sent, answer.headers());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3_ssec_core::key::CustomerKey;

    const ENDPOINT: &str = "https://a";
    const PLACE: &str = "https://a bucket Single";

    fn key() -> KeyMd5 {
        CustomerKey::from_bytes(&[1; 32]).unwrap().md5()
    }

    fn answer(echo: &[String]) -> Headers {
        let mut headers = Headers::new();
        headers.insert(ALGORITHM, "AES256");
        for md5 in echo {
            headers.append(KEY_MD5, md5.clone());
        }
        headers
    }

    #[test]
    fn the_first_echo_of_each_key_is_reported_once_and_no_trial_counts() {
        let confirmations = Confirmations::of(ENDPOINT, &Arc::default());
        let reported = Arc::new(Mutex::new(Vec::new()));
        let reporting = Arc::clone(&reported);
        confirmations.observe(move |key| reporting.lock().unwrap().push(key));
        let [one, other] =
            [1, 2].map(|byte| CustomerKey::from_bytes(&[byte; 32]).unwrap().origin());
        let sent = Sent { key: Some(key()), origin: Some(one), is_trial: false, must_echo: true };
        let ours = key().to_base64();
        let trial = Sent { is_trial: true, ..sent.clone() };
        confirmations.judge(&trial, &answer(std::slice::from_ref(&ours)));
        confirmations.judge(&sent, &answer(&[]));
        confirmations.judge(&sent, &answer(&[ours.clone(), ours.clone()]));
        confirmations
            .judge(&Sent { key: None, ..sent.clone() }, &answer(std::slice::from_ref(&ours)));
        assert!(reported.lock().unwrap().is_empty());
        confirmations.judge(&sent, &answer(std::slice::from_ref(&ours)));
        confirmations.judge(&sent, &answer(std::slice::from_ref(&ours)));
        assert_eq!(*reported.lock().unwrap(), [one]);
        confirmations.judge(&Sent { origin: Some(other), ..sent }, &answer(&[ours]));
        assert_eq!(*reported.lock().unwrap(), [one, other]);
    }

    #[test]
    fn an_observer_may_set_the_next_one_which_hears_of_the_same_keys() {
        let confirmations = Confirmations::of(ENDPOINT, &Arc::default());
        let reported = Arc::new(Mutex::new(Vec::new()));
        let (inner, reporting) = (confirmations.clone(), Arc::clone(&reported));
        confirmations.observe(move |_| {
            let reporting = Arc::clone(&reporting);
            inner.observe(move |key| reporting.lock().unwrap().push(key));
        });
        let origin = CustomerKey::from_bytes(&[1; 32]).unwrap().origin();
        let sent =
            Sent { key: Some(key()), origin: Some(origin), is_trial: false, must_echo: true };
        for expected in [&[][..], &[origin], &[origin]] {
            confirmations.judge(&sent, &answer(&[key().to_base64()]));
            assert_eq!(*reported.lock().unwrap(), expected);
        }
    }

    #[test]
    fn a_missing_echo_ends_what_was_proved() {
        let proved: Arc<ProvedPlaces> = Arc::default();
        let confirmations = Confirmations::of(ENDPOINT, &proved);
        let sent = Sent { key: Some(key()), origin: None, is_trial: false, must_echo: true };
        proved.insert(PLACE.to_owned());
        confirmations.judge(&sent, &answer(&[key().to_base64()]));
        confirmations.judge(&Sent { must_echo: false, ..sent.clone() }, &answer(&[]));
        assert!(proved.contains(PLACE));
        confirmations.judge(&sent, &answer(&[]));
        assert!(!proved.contains(PLACE));
    }
}
