//! The canonical request: what both sides hash.

use super::{Header, UnsignedRequest};
use crate::percent::{Slash, encode};
use crate::secret::on_wiped_stack;
use sha2::{Digest as _, Sha256};

/// A request in the order in which it is hashed.
pub(super) struct Canonical<'r> {
    method: &'r str,
    path: &'r str,
    /// The parameters as they go into the address, encoded and sorted.
    pub(super) query: String,
    host: &'r str,
    /// Sorted by name, without `host`.
    headers: Vec<&'r Header>,
    /// The names of the signed headers, joined by semicolons.
    pub(super) signed_names: String,
    payload: &'r str,
}

impl<'r> Canonical<'r> {
    /// Sorts what is in `request` and the parameters that the signer adds.
    pub(super) fn of(
        request: &'r UnsignedRequest,
        own: Vec<(&'static str, String)>,
        payload: &'r str,
    ) -> Self {
        let pair =
            |name: &str, value: &str| (encode(name, Slash::Encoded), encode(value, Slash::Encoded));
        let theirs = request.query.iter().map(|(name, value)| pair(name, value));
        let own = own.iter().map(|(name, value)| pair(name, value));
        let mut pairs = Vec::new();
        for pair in theirs.chain(own) {
            // Sorted as encoded, not as given.
            insert(&mut pairs, pair, |other, pair| other <= pair);
        }
        let headers = sorted(request);
        Self {
            method: request.method.as_str(),
            path: &request.path,
            query: joined(&pairs),
            host: request.host(),
            signed_names: names(&headers),
            headers,
            payload,
        }
    }

    /// The names of the signed headers and the query.
    pub(super) fn into_parts(self) -> (String, String) {
        (self.signed_names, self.query)
    }

    /// SHA-256 of the whole.
    pub(super) fn digest(&self) -> [u8; 32] {
        on_wiped_stack(|| {
            let mut hasher = Sha256::new();
            self.write(|text| hasher.update(text));
            hasher.finalize().into()
        })
    }

    /// Hands out the text in pieces, so that it never stands anywhere as a whole.
    pub(super) fn write(&self, mut out: impl FnMut(&str)) {
        for line in [self.method, self.path, &self.query] {
            out(line);
            out("\n");
        }
        let before_host = self.headers.partition_point(|header| *header.name < *"host");
        self.write_headers(&self.headers[..before_host], &mut out);
        for text in ["host:", self.host, "\n"] {
            out(text);
        }
        self.write_headers(&self.headers[before_host..], &mut out);
        for text in ["\n", &self.signed_names, "\n", self.payload] {
            out(text);
        }
    }

    /// One line for each name; the values of a repeated one stand together.
    fn write_headers(&self, headers: &[&Header], out: &mut impl FnMut(&str)) {
        let mut last = None;
        for header in headers {
            match last == Some(&header.name) {
                true => out(","),
                false => {
                    if last.is_some() {
                        out("\n");
                    }
                    out(&header.name);
                    out(":");
                }
            }
            // Runs of blanks count as one.
            for (index, word) in header.value.split_ascii_whitespace().enumerate() {
                if index > 0 {
                    out(" ");
                }
                out(word);
            }
            last = Some(&header.name);
        }
        if last.is_some() {
            out("\n");
        }
    }
}

/// The names of the headers that a signature of `request` covers, joined by semicolons.
pub(super) fn signed_names(request: &UnsignedRequest) -> String {
    names(&sorted(request))
}

fn sorted(request: &UnsignedRequest) -> Vec<&Header> {
    let mut sorted = Vec::with_capacity(request.headers.len());
    for header in &request.headers {
        // Values of a repeated header keep their order.
        insert(&mut sorted, header, |other, header| other.name <= header.name);
    }
    sorted
}

/// Puts `new` behind those that are not after it. A request has some ten headers, and a page has to
/// load what is linked here: the sorts of the standard library are half as large as all of signing.
fn insert<T>(sorted: &mut Vec<T>, new: T, not_after: impl Fn(&T, &T) -> bool) {
    let place = sorted.partition_point(|other| not_after(other, &new));
    sorted.insert(place, new);
}

fn joined(pairs: &[(String, String)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        let mark = if query.is_empty() { "" } else { "&" };
        query.extend([mark, name, "=", value]);
    }
    query
}

fn names(sorted: &[&Header]) -> String {
    let length = |header: &&Header| header.name.len() + 1;
    let mut names = String::with_capacity(5 + sorted.iter().map(length).sum::<usize>());
    let before_host = sorted.partition_point(|header| *header.name < *"host");
    let (before, after) = sorted.split_at(before_host);
    let mut last = "";
    let all = before.iter().map(|header| &*header.name);
    for name in all.chain(["host"]).chain(after.iter().map(|header| &*header.name)) {
        if name == last {
            continue;
        }
        if !names.is_empty() {
            names.push(';');
        }
        names.push_str(name);
        last = name;
    }
    names
}
