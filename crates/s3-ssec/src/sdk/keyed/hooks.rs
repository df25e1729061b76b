//! Where a keyed client meets the SDK: hooks around each request.
//!
//! Hooks of the SDK are not asynchronous, but one step before signing is: the choice of how a request
//! authenticates. It is asked on every attempt, with everything that earlier hooks noted, so that is
//! where the gateway is asked for the key. The choice itself is left as it was.

use super::Inner;
use super::errors::KeyedError;
use super::prepare::Ready;
use super::wanted::{Job, Wanted, wanted};
use crate::sdk::only_tls;
use aws_sdk_s3::config::auth::{DefaultAuthSchemeResolver, Params, ResolveAuthScheme};
use aws_sdk_s3::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef,
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadOutput;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, AuthSchemeOptionsFuture, ResolveAuthSchemeOptions as _,
    SharedAuthSchemeOptionResolver,
};
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use s3_ssec_core::digest::ContentHasher;
use s3_ssec_core::echo::{EchoError, KeyEcho, verify_echo};
use s3_ssec_core::endpoint::{Endpoint, PlainHttp};
use s3_ssec_core::headers::{ALGORITHM, KEY_MD5};
use s3_ssec_core::keyring::{Keyring, Seal};
use s3_ssec_core::record::{Content, TAG_KEY};
use std::fmt;
use std::sync::{Arc, OnceLock};
use tokio::sync::OnceCell;

const TAGGING: &str = "x-amz-tagging";

/// One request, from its first hook to its last.
struct Running {
    wanted: Wanted,
    keys: Arc<Keyring>,
    content: OnceLock<Content>,
    ready: OnceCell<Ready>,
}

/// What the hooks of one request share, all attempts alike.
#[derive(Clone)]
struct Slot(Arc<Running>);

impl Storable for Slot {
    type Storer = StoreReplace<Self>;
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot(..)")
    }
}

#[derive(Clone)]
pub(super) struct Hooks {
    inner: Arc<Inner>,
    /// What the program set, if it did.
    authentication: Option<SharedAuthSchemeOptionResolver>,
    default: Arc<DefaultAuthSchemeResolver>,
}

impl Hooks {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        let authentication = inner.client.sdk().config().auth_scheme_resolver();
        Self { inner, authentication, default: Arc::default() }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks(..)")
    }
}

impl ResolveAuthScheme for Hooks {
    fn resolve_auth_scheme<'a>(
        &'a self,
        params: &'a Params,
        bag: &'a ConfigBag,
        components: &'a RuntimeComponents,
    ) -> AuthSchemeOptionsFuture<'a> {
        AuthSchemeOptionsFuture::new(async move {
            if let Some(Slot(running)) = bag.load::<Slot>() {
                let content = running.content.get().copied().unwrap_or(Content::Pending);
                let prepare = || self.inner.prepare(&running.wanted, &running.keys, content);
                running.ready.get_or_try_init(prepare).await?;
            }
            match &self.authentication {
                None => self.default.resolve_auth_scheme(params, bag, components).await,
                Some(programs) => {
                    let params = AuthSchemeOptionResolverParams::new(params.clone());
                    programs.resolve_auth_scheme_options_v2(&params, bag, components).await
                }
            }
        })
    }
}

impl Intercept for Hooks {
    fn name(&self) -> &'static str {
        "customer keys"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(wanted) = wanted(context.input())? else { return Ok(()) };
        let Some(keys) = (self.inner.choice)(&wanted.name) else { return Ok(()) };
        let (content, ready) = (OnceLock::new(), OnceCell::new());
        let slot = Slot(Arc::new(Running { wanted, keys, content, ready }));
        bag.interceptor_state().store_put(slot);
        Ok(())
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Slot(running)) = bag.load::<Slot>() else { return Ok(()) };
        if let (Job::Write(crate::trial::WriteKind::Single), Some(bytes)) =
            (&running.wanted.job, context.request().body().bytes())
        {
            let mut hasher = ContentHasher::new(&running.keys.writer().content_key());
            hasher.update(bytes);
            let (size, digest) = (hasher.size(), hasher.finish());
            let _ = running.content.set(Content::of_source(size, digest));
        }
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Slot(running)) = bag.load::<Slot>() else { return Ok(()) };
        let Some(ready) = running.ready.get() else {
            return Err("the key of this request was not looked up".into());
        };
        let Some(key) = &ready.headers else { return Ok(()) };
        let request = context.request_mut();
        only_there(request.uri(), self.inner.client.endpoint())?;
        let headers = request.headers_mut();
        if headers.contains_key(ALGORITHM) || headers.contains_key("x-amz-server-side-encryption") {
            return Err(KeyedError::TwoKeys(running.wanted.name.clone()).into());
        }
        for (name, value) in key.pairs() {
            headers.insert(name, value.to_owned());
        }
        if let Some(record) = running.record(ready) {
            let tags = headers.get(TAGGING).filter(|tags| !tags.is_empty());
            let tags = tags.map(|tags| format!("{tags}&")).unwrap_or_default();
            headers.insert(TAGGING, format!("{tags}{TAG_KEY}={record}"));
        }
        if ready.keep && !headers.contains_key("if-match") {
            headers.insert("if-none-match", "*");
        }
        Ok(())
    }

    fn read_after_signing(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Slot(running)) = bag.load::<Slot>() else { return Ok(()) };
        let presigned = context.request().uri().contains("X-Amz-Signature=");
        match running.wanted.job {
            Job::Write(_) if presigned => Err(KeyedError::NotOffered {
                operation: running.wanted.operation,
                name: running.wanted.name.clone(),
                instead: "what will be uploaded is not known; use Client::presign_put",
            }
            .into()),
            _ => Ok(()),
        }
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Slot(running)) = bag.load::<Slot>() else { return Ok(()) };
        let answer = context.response();
        if !answer.status().is_success() || !running.wanted.echoes {
            return Ok(());
        }
        let headers = answer.headers();
        let echo = KeyEcho::new(headers.get(ALGORITHM), headers.get(KEY_MD5));
        let sent = running.ready.get().and_then(|ready| ready.headers.as_ref());
        let proof = match sent {
            Some(sent) => verify_echo(sent.key_md5(), &echo),
            None => Err(EchoError::Missing),
        };
        proof.map(drop).map_err(|error| {
            let version = headers.get("x-amz-version-id").map(str::to_owned);
            let (operation, name) = (running.wanted.operation, running.wanted.name.clone());
            KeyedError::NotProved { operation, name, version, error }.into()
        })
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Slot(running)) = bag.load::<Slot>() else { return Ok(()) };
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        let name = &running.wanted.name;
        match &running.wanted.job {
            Job::Part { upload, ends: true } | Job::Abort { upload } => {
                self.inner.ended(name, upload);
            }
            Job::Write(_) => {
                let created = output.downcast_ref::<CreateMultipartUploadOutput>();
                let key = running.ready.get().and_then(|ready| ready.headers.clone());
                if let (Some(id), Some(key)) = (created.and_then(|c| c.upload_id()), key) {
                    self.inner.begun(name, id, key);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Refuses an address that is not TLS, or not of `gateway`: neither itself nor a bucket under its name.
/// Plain HTTP to this machine is good where the gateway itself was accepted so.
fn only_there(address: &str, gateway: &Endpoint) -> Result<(), KeyedError> {
    let plain_http = match gateway.is_secure() {
        true => PlainHttp::Refuse,
        false => PlainHttp::LoopbackOnly,
    };
    only_tls(address, plain_http)?;
    let (there, here) = (authority(address), authority(gateway.as_str()));
    let bucket = there.strip_suffix(here).unwrap_or_default();
    match there == here || bucket.ends_with('.') {
        true => Ok(()),
        false => Err(KeyedError::OtherGateway(there.to_owned())),
    }
}

/// Host and port of an address.
fn authority(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
}

impl Running {
    /// The record of a new object, with what is known of its content.
    fn record(&self, ready: &Ready) -> Option<String> {
        let content = self.content.get().copied().unwrap_or(Content::Pending);
        let seal = Seal::new(self.keys.writer(), self.wanted.name.clone(), ready.nonce?);
        Some(seal.record(content).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_to_their_gateway_and_nowhere_else() {
        let gateway = Endpoint::parse("https://s3.example.org:8443", PlainHttp::Refuse).unwrap();
        let there = |address: &str| only_there(address, &gateway);
        assert!(there("https://s3.example.org:8443/bucket/key?x-id=PutObject").is_ok());
        assert!(there("https://bucket.s3.example.org:8443/key").is_ok());
        for other in [
            "https://evil.org/https://s3.example.org:8443",
            "https://evils3.example.org:8443/bucket/key",
            "https://s3.example.org/bucket/key",
            "https://s3.example.org:8443.evil.org/key",
            "http://s3.example.org:8443/bucket/key",
        ] {
            assert!(there(other).is_err(), "{other}");
        }
        let local = Endpoint::parse("http://localhost:80", PlainHttp::LoopbackOnly).unwrap();
        assert!(only_there("http://localhost:80/bucket/key", &local).is_ok());
        assert!(only_there("http://example.org:80/bucket/key", &local).is_err());
    }
}
