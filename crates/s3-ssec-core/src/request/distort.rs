//! Requests that nobody should send, for finding out what a gateway does with them.
//!
//! The set is closed: whatever happens to a request here, no key gets into its address. To be sent
//! with throw-away keys only.

use super::{Header, UnsignedRequest};
use crate::headers::{AES256, ALGORITHM, KEY, KEY_MD5, TargetKeyHeaders};
use zeroize::Zeroizing;

/// One of the three headers of a customer key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHeader {
    /// The algorithm.
    Algorithm,
    /// The key.
    Key,
    /// The MD5 of the key.
    KeyMd5,
}

impl KeyHeader {
    /// All three, in the order of the AWS reference.
    pub const ALL: [KeyHeader; 3] = [KeyHeader::Algorithm, KeyHeader::Key, KeyHeader::KeyMd5];

    /// Its name as a header and, in lower case as it is, as a field of a form.
    pub fn name(self) -> &'static str {
        match self {
            KeyHeader::Algorithm => ALGORITHM,
            KeyHeader::Key => KEY,
            KeyHeader::KeyMd5 => KEY_MD5,
        }
    }
}

impl UnsignedRequest {
    /// Takes one of the three key headers off again.
    #[must_use]
    pub fn without_key_header(mut self, which: KeyHeader) -> Self {
        self.headers.retain(|header| header.name != which.name());
        self
    }

    /// Sends all three key headers with empty values, as a script with unset variables does.
    #[must_use]
    pub fn empty_key_headers(mut self) -> Self {
        KeyHeader::ALL.into_iter().for_each(|which| self.set(which.name().into(), ""));
        self
    }

    /// Sends the MD5 of this key in place of the own one.
    #[must_use]
    pub fn md5_of(mut self, other: &TargetKeyHeaders) -> Self {
        let md5 = other.key_md5().to_base64();
        self.set(KEY_MD5.into(), &md5);
        self
    }

    /// Names the algorithm in the address, and sends no key at all.
    ///
    /// A gateway that reads the address misses the key and refuses; one that does not stores
    /// plaintext. Neither is shown a key.
    #[must_use]
    pub fn algorithm_in_address(mut self) -> Self {
        for which in KeyHeader::ALL {
            self = self.without_key_header(which);
        }
        self.query.push((ALGORITHM.into(), AES256.to_owned()));
        self
    }

    /// The key headers apart, so that they can be sent without being signed.
    #[must_use]
    pub fn take_key_headers(&mut self) -> Vec<(String, Zeroizing<String>)> {
        let of_key = |header: &Header| KeyHeader::ALL.iter().any(|key| header.name == key.name());
        let (taken, kept) = std::mem::take(&mut self.headers).into_iter().partition(of_key);
        self.headers = kept;
        let taken: Vec<Header> = taken;
        taken.into_iter().map(|header| (header.name.into_owned(), header.value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{Endpoint, PlainHttp};
    use crate::key::CustomerKey;
    use crate::request::Place;

    fn request() -> UnsignedRequest {
        let endpoint = Endpoint::parse("https://gateway", PlainHttp::Refuse).unwrap();
        let key = TargetKeyHeaders::of(&CustomerKey::from_bytes(&[7; 32]).unwrap());
        UnsignedRequest::new(http::Method::PUT, &endpoint, Place::Service).unwrap().key(&key)
    }

    fn names(request: &UnsignedRequest) -> Vec<&str> {
        request.headers.iter().map(|header| header.name.as_ref()).collect()
    }

    #[test]
    fn one_header_goes_and_the_others_stay() {
        for which in KeyHeader::ALL {
            let request = request().without_key_header(which);
            assert_eq!(names(&request).len(), 2);
            assert!(!names(&request).contains(&which.name()));
        }
        let empty = request().empty_key_headers();
        assert!(names(&empty).len() == 3 && empty.headers.iter().all(|one| one.value.is_empty()));
    }

    #[test]
    fn no_key_gets_into_the_address() {
        let request = request().algorithm_in_address();
        assert!(names(&request).is_empty());
        assert_eq!(request.query, [(ALGORITHM.into(), AES256.to_owned())]);
    }

    #[test]
    fn key_headers_can_be_sent_apart() {
        let mut request = request().header("x-amz-tagging", "a=b").unwrap();
        assert_eq!(request.take_key_headers().len(), 3);
        assert_eq!(names(&request), ["x-amz-tagging"]);
    }

    #[test]
    fn the_md5_of_another_key_is_not_ours() {
        let other = TargetKeyHeaders::of(&CustomerKey::from_bytes(&[8; 32]).unwrap());
        let (before, after) = (request(), request().md5_of(&other));
        let md5 = |request: &UnsignedRequest| {
            let header = request.headers.iter().find(|header| header.name == KEY_MD5);
            header.map(|header| header.value.to_string())
        };
        assert_eq!(md5(&after), Some(other.key_md5().to_base64()));
        assert_ne!(md5(&before), md5(&after));
    }
}
