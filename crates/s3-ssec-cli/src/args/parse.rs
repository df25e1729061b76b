//! Parsers of single arguments. What passes them needs no check later.

use crate::report::{Exit, Failure};
use s3_ssec::core::key::Fingerprint;
use s3_ssec::core::names::{BucketName, NameError, ObjectName, S3Address};
use s3_ssec::core::record::TAG_KEY;

/// Where `key new` and `key import` write when nothing is said.
pub(crate) const DEFAULT_KEY_FILE: &str = "s3-ssec.key";

/// `s3://bucket[/path]`.
pub(crate) fn address(text: &str) -> Result<S3Address, NameError> {
    S3Address::parse(text)
}

/// `s3://bucket/key`.
pub(crate) fn object(text: &str) -> Result<ObjectName, String> {
    let address = S3Address::parse(text).map_err(|error| error.to_string())?;
    match address.path.is_empty() {
        true => Err("it names a bucket, and an object is wanted: s3://bucket/key".to_owned()),
        false => address.object().map_err(|error| error.to_string()),
    }
}

/// The object of a command that also takes prefixes, when it is not to take one.
pub(crate) fn one_object(address: &S3Address) -> Result<ObjectName, Failure> {
    match address.path.is_empty() {
        true => Err(Failure::new(
            Exit::Usage,
            format!("{address} names a bucket, and an object is wanted"),
            "Name an object, s3://bucket/key, or add -r for everything in it.",
        )),
        false => Ok(address.object()?),
    }
}

/// `s3://bucket`.
pub(crate) fn bucket(text: &str) -> Result<BucketName, String> {
    let address = S3Address::parse(text).map_err(|error| error.to_string())?;
    match address.path.is_empty() {
        true => Ok(address.bucket),
        false => Err("it names an object, and a bucket is wanted: s3://bucket".to_owned()),
    }
}

/// A number of bytes: `5242880`, `64MiB`, `64M`. Units are powers of 1,024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size such as 1048576, 64MiB or 5G");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        "t" | "tib" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// An age in seconds: `45s`, `90m`, `12h`, `7d`.
pub(crate) fn age(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not an age such as 90m, 12h or 7d");
    let (number, seconds) = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
        .ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).ok_or_else(wrong)
}

/// The size of a part, within what S3 allows.
pub(crate) fn part_size(text: &str) -> Result<u64, String> {
    const ALLOWED: std::ops::RangeInclusive<u64> = 5 << 20..=5 << 30;
    match size(text)? {
        size if ALLOWED.contains(&size) => Ok(size),
        _ => Err("a part has 5 MiB to 5 GiB".to_owned()),
    }
}

/// User metadata: `name=value`, fit for a header.
pub(crate) fn metadata(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let printable = |c: char| c == ' ' || c.is_ascii_graphic();
    if !name.chars().all(token) {
        return Err("the name of metadata has letters, digits, '-', '_' and '.'".to_owned());
    }
    if !value.chars().all(printable) {
        return Err("the value of metadata has printable ASCII characters".to_owned());
    }
    Ok((name, value))
}

/// An object tag: `name=value`, within the limits of S3. The tag of the record is ours alone.
pub(crate) fn tag(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    if name == TAG_KEY {
        return Err(format!("the tag {TAG_KEY} holds the record of the object"));
    }
    if name.chars().count() > 128 || value.chars().count() > 256 {
        return Err("a tag has a name of at most 128 and a value of at most 256 characters".into());
    }
    Ok((name, value))
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it is not of the form name=value".to_owned()),
    }
}

/// A label for a key: one line, since it stands in the key file.
pub(crate) fn label(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.is_empty() || text.chars().count() > 100 || text.chars().any(char::is_control) {
        true => Err("a label is one line of 1 to 100 characters".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// 16 hexadecimal digits.
pub(crate) fn fingerprint(text: &str) -> Result<Fingerprint, &'static str> {
    Fingerprint::parse(text).ok_or("a fingerprint has 16 hexadecimal digits; see s3-ssec key show")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        let good = [("0", 0), ("17", 17), ("17b", 17), ("5M", 5 << 20), ("64MiB", 64 << 20)];
        for (text, bytes) in good.into_iter().chain([("2 GiB", 2 << 30), ("1t", 1 << 40)]) {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "M", "-1", "1.5M", "1MB", "18446744073709551616", "99999999999T", "٣"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert!(part_size("4M").is_err() && part_size("6G").is_err());
        assert_eq!(part_size("5MiB"), Ok(5 << 20));
    }

    #[test]
    fn addresses_name_a_bucket_or_an_object() {
        assert_eq!(object("s3://bucket/ a/../%41").unwrap().key.as_str(), " a/../%41");
        assert_eq!(object("s3://bucket//a").unwrap().key.as_str(), "/a");
        assert_eq!(bucket("s3://bucket/").unwrap().as_str(), "bucket");
        for bad in ["s3://bucket", "s3://bucket/", "bucket/key", "s3://b/key", "https://b/k"] {
            assert!(object(bad).is_err(), "{bad}");
        }
        assert!(bucket("s3://bucket/key").is_err());
    }

    #[test]
    fn pairs_fit_where_they_go() {
        assert_eq!(metadata("a-b=c=d"), Ok(("a-b".to_owned(), "c=d".to_owned())));
        for bad in ["a", "=b", "a b=c", "a=b\nc", "a=ü"] {
            assert!(metadata(bad).is_err(), "{bad:?}");
        }
        assert_eq!(tag("ü=ö ä"), Ok(("ü".to_owned(), "ö ä".to_owned())));
        let long = format!("a={}", "x".repeat(257));
        for bad in ["s3-ssec=v1", "a", long.as_str()] {
            assert!(tag(bad).is_err(), "{bad}");
        }
        assert_eq!(label(" lab "), Ok("lab".to_owned()));
        for bad in ["", "a\nkey x", "\u{1b}[31m"] {
            assert!(label(bad).is_err(), "{bad:?}");
        }
    }
}
