//! Changes that a gateway, or another writer, can make to an object at rest: it saw the object's own key.

use super::cell::{self, World};
use harness::adversary::{CustomerKey, Object, Store};
use s3_ssec::core::derive::Nonce;
use s3_ssec::core::digest::ContentHasher;
use s3_ssec::core::headers::TargetKeyHeaders;
use s3_ssec::core::keyring::Seal;
use s3_ssec::core::record::{Content, Record};

/// Changes `p/b`.
pub(super) type Plant = fn(&World, &mut Store);

fn change(store: &mut Store, how: impl FnOnce(Object) -> Object) {
    let object = store.objects.remove(cell::TARGET).unwrap();
    store.objects.insert(cell::TARGET.to_owned(), how(object));
}

/// Other bytes of the same length.
fn other() -> Vec<u8> {
    harness::content(99, cell::SIZE)
}

pub(super) fn nothing(_: &World, _: &mut Store) {}

/// Other bytes under the same key and record.
pub(super) fn altered(_: &World, store: &mut Store) {
    change(store, |object| object.with_content(other()));
}

/// The first half of the bytes.
pub(super) fn shortened(_: &World, store: &mut Store) {
    change(store, |object| object.clone().with_content(object.content.slice(..cell::SIZE / 2)));
}

/// Other bytes, and the pending record that an upload in parts once had.
pub(super) fn altered_and_pending(_: &World, store: &mut Store) {
    change(store, |object| {
        let nonce = Record::parse(object.record().unwrap()).unwrap().nonce();
        let key = cell::key(cell::OLD);
        let pending = Seal::new(&key, cell::object(cell::TARGET), nonce).record(Content::Pending);
        object.with_content(other()).with_record(Some(pending.as_str()))
    });
}

/// The right bytes, and no record.
pub(super) fn record_removed(_: &World, store: &mut Store) {
    change(store, |object| object.with_record(None));
}

/// Other bytes, and no record.
pub(super) fn altered_and_record_removed(_: &World, store: &mut Store) {
    change(store, |object| object.with_content(other()).with_record(None));
}

/// The record of another object.
pub(super) fn record_of_another(_: &World, store: &mut Store) {
    let record = store.objects["p/a"].record().unwrap().to_owned();
    change(store, |object| object.with_record(Some(&record)));
}

/// Plaintext without a record.
pub(super) fn plaintext(_: &World, store: &mut Store) {
    change(store, |_| Object::new(other(), None));
}

/// Plaintext under the record of the encrypted object.
pub(super) fn plaintext_under_the_record(_: &World, store: &mut Store) {
    change(store, |object| Object { key: None, ..object.with_content(other()) });
}

/// An object under the direct key of the ring, with a genuine record of that key.
pub(super) fn under_the_direct_key(_: &World, store: &mut Store) {
    let (direct, content) = (cell::key(cell::DIRECT), other());
    let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let seal = Seal::new(&direct, cell::object(cell::TARGET), Nonce::next(seconds, 7, None));
    let mut hasher = ContentHasher::new(&direct.content_key());
    hasher.update(&content);
    let known = Content::of_source(hasher.size(), hasher.finish());
    let headers = TargetKeyHeaders::of(&seal.customer_key());
    let base64 = headers.expose_key_base64().to_owned();
    let key = CustomerKey { base64, md5: headers.key_md5().to_base64() };
    let record = seal.record(known).to_string();
    change(store, |_| Object::new(content, Some(key)).with_record(Some(&record)));
}
