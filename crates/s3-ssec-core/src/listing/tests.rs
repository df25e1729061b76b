//! Pages that are whole, and every way in which one is not.

use super::*;

fn objects(keys: &[&str], rest: &str) -> String {
    let entry = |key: &&str| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-11-30T15:00:00.000Z</LastModified>\
             <ETag>&quot;ab&quot;</ETag><Size>5</Size><Owner><ID>x</ID></Owner></Contents>"
        )
    };
    let entries: String = keys.iter().map(entry).collect();
    format!(
        "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Name>b</Name><Prefix></Prefix>{entries}{rest}</ListBucketResult>"
    )
}

const END: &str = "<IsTruncated>false</IsTruncated>";
const MORE: &str = "<IsTruncated>true</IsTruncated>";

fn read(text: &str) -> Result<Page, ListingError> {
    Listing::Objects.read(text.as_bytes())
}

fn keys(page: &Page) -> Vec<&str> {
    page.entries.iter().map(|entry| entry.key.as_str()).collect()
}

#[test]
fn a_whole_page_is_read() {
    let page = read(&objects(&["a", "b"], &format!("<KeyCount>2</KeyCount>{END}"))).unwrap();
    assert_eq!((keys(&page), page.next.as_ref()), (vec!["a", "b"], None));
    let first = &page.entries[0];
    assert_eq!((first.size, first.etag.as_str(), first.time), (5, "ab", Some(1_796_050_800)));
    let more = format!("{MORE}<NextContinuationToken>t</NextContinuationToken>");
    let next = read(&objects(&["a"], &more)).unwrap().next;
    assert_eq!(next, Some(Marker { at: "t".to_owned(), id: None }));
}

#[test]
fn no_page_that_was_cut_is_read() {
    let page = objects(&["a", "b"], END);
    for end in 0..page.len() {
        assert!(read(&page[..end]).is_err(), "{}", &page[..end]);
    }
    // Cut and closed again by someone in between, it states other entries than it has.
    let short = objects(&["a"], &format!("<KeyCount>2</KeyCount>{END}"));
    assert_eq!(read(&short), Err(ListingError::Count { stated: 2, found: 1 }));
}

#[test]
fn a_page_says_whether_and_from_where_it_goes_on() {
    assert_eq!(read(&objects(&["a"], "")), Err(ListingError::Silent("whether more follows")));
    for rest in [MORE.to_owned(), format!("{MORE}<NextContinuationToken/>")] {
        let silent = Err(ListingError::Silent("from where to go on"));
        assert_eq!(read(&objects(&["a"], &rest)), silent);
    }
}

#[test]
fn prefixes_may_count_or_not() {
    let prefix = "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>";
    for count in [1, 2] {
        let rest = format!("{prefix}<KeyCount>{count}</KeyCount>{END}");
        let page = read(&objects(&["a"], &rest)).unwrap();
        assert_eq!(keys(&page), ["a", "p/"]);
        assert_eq!(page.entries[1].kind, EntryKind::Prefix);
    }
    assert!(read(&objects(&["a"], &format!("{prefix}<KeyCount>3</KeyCount>{END}"))).is_err());
}

#[test]
fn names_are_decoded_where_they_are_encoded() {
    let url = format!("<EncodingType>url</EncodingType>{END}");
    let page = read(&objects(&["a%2Bb+c%20d", "%EF%BF%BE", "%01%0a", "%25"], &url)).unwrap();
    assert_eq!(keys(&page), ["a+b c d", "\u{fffe}", "\u{1}\n", "%"]);
    assert_eq!(keys(&read(&objects(&["a%2Bb+c"], END)).unwrap()), ["a%2Bb+c"]);
    for bad in ["%", "%4", "%zz", "%ff"] {
        assert_eq!(read(&objects(&[bad], &url)), Err(ListingError::Entry("name")), "{bad}");
    }
}

#[test]
fn entries_have_names_and_possible_sizes() {
    let page = |entry: &str| read(&format!("<ListBucketResult>{entry}{END}</ListBucketResult>"));
    let entry = |size: &str| format!("<Contents><Key>a</Key>{size}</Contents>");
    assert!(page(&entry("<Size>0</Size>")).is_ok());
    let sizes = ["", "<Size/>", "<Size>-1</Size>", "<Size>x</Size>"];
    for size in sizes.into_iter().chain(["<Size>9223372036854775807</Size>"]) {
        assert_eq!(page(&entry(size)), Err(ListingError::Entry("size")), "{size}");
    }
    assert_eq!(page("<Contents><Size>1</Size></Contents>"), Err(ListingError::Entry("name")));
    // What stands elsewhere in the answer is no part of an entry.
    let stray = "<Owner><Key>x</Key></Owner><Contents><Size>1</Size></Contents>";
    assert_eq!(page(stray), Err(ListingError::Entry("name")));
}

#[test]
fn versions_uploads_and_parts() {
    let versions = format!(
        "<ListVersionsResult><Version><Key>a</Key><VersionId>1</VersionId><IsLatest>false</IsLatest>\
         <Size>7</Size></Version><DeleteMarker><Key>a</Key><VersionId>2</VersionId>\
         <IsLatest>true</IsLatest></DeleteMarker>{MORE}<NextKeyMarker>a%2F</NextKeyMarker>\
         <NextVersionIdMarker>2</NextVersionIdMarker><EncodingType>url</EncodingType>\
         </ListVersionsResult>"
    );
    let page = Listing::Versions.read(versions.as_bytes()).unwrap();
    let kinds: Vec<_> = page.entries.iter().map(|entry| (entry.kind, entry.is_latest)).collect();
    assert_eq!(kinds, [(EntryKind::Version, false), (EntryKind::DeleteMarker, true)]);
    assert_eq!(page.next, Some(Marker { at: "a/".to_owned(), id: Some("2".to_owned()) }));
    let marker = |marker: &str| {
        let text = versions.replace("<Key>a</Key>", "<Key>a%2541</Key>").replace("a%2F", marker);
        Listing::Versions.read(text.as_bytes()).unwrap().next.unwrap().at
    };
    assert_eq!([marker("a%41"), marker("a%2541"), marker("b%2F")], ["a%41", "a%41", "b/"]);
    let uploads = format!(
        "<ListMultipartUploadsResult><Upload><Key>a</Key><UploadId>u</UploadId></Upload>{END}\
         </ListMultipartUploadsResult>"
    );
    let page = Listing::Uploads.read(uploads.as_bytes()).unwrap();
    assert_eq!(page.entries[0].id.as_deref(), Some("u"));
    let nameless = uploads.replace("<UploadId>u</UploadId>", "");
    assert_eq!(Listing::Uploads.read(nameless.as_bytes()), Err(ListingError::Entry("upload ID")));
    let parts = format!(
        "<ListPartsResult><Part><PartNumber>3</PartNumber><ETag>e</ETag></Part>{MORE}\
         <NextPartNumberMarker>3</NextPartNumberMarker></ListPartsResult>"
    );
    let page = Listing::Parts.read(parts.as_bytes()).unwrap();
    assert_eq!((page.entries[0].number, page.next.unwrap().at), (3, "3".to_owned()));
    let other = Listing::Parts.read(uploads.as_bytes());
    assert!(matches!(other, Err(ListingError::Xml(XmlError::OtherRoot(_)))), "{other:?}");
}

#[test]
fn what_is_too_large_is_not_read() {
    let large = vec![b' '; PAGE_MAX + 1];
    assert_eq!(Listing::Objects.read(&large), Err(ListingError::TooLarge));
}

#[test]
fn objects_are_all_only_where_no_version_is_kept() {
    for refused in [400, 403, 404, 405, 501] {
        assert!(shows_all_without_versions(refused, None), "{refused}");
        for status in ["Enabled", "Suspended", "Disabled", ""] {
            assert!(!shows_all_without_versions(refused, Some(status)), "{refused} {status}");
        }
    }
    assert!(!shows_all_without_versions(503, None), "it may pass");
}

#[test]
fn pages_go_on_and_stay_where_they_were_asked_for() {
    let page = |name: &str, token: &str| {
        let more = match token {
            "" => "<IsTruncated>false</IsTruncated>".to_owned(),
            _ => format!(
                "<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
            ),
        };
        format!(
            "<ListBucketResult>{more}<Contents><Key>{name}</Key><Size>1</Size></Contents></ListBucketResult>"
        )
    };
    let mut pages = Pages::new(Listing::Objects, "p/");
    let mut read = |name, token| pages.read(page(name, token).as_bytes()).map(|page| page.next);
    let token = |at: &str| Some(Marker { at: at.to_owned(), id: None });
    assert_eq!(read("p/a", "1"), Ok(token("1")));
    assert_eq!(read("p/b", "2"), Ok(token("2")));
    assert_eq!(read("p/c", "1"), Err(ListingError::Circle));
    assert_eq!(read("q/c", "3"), Err(ListingError::Elsewhere));
    assert_eq!(read("p/c", ""), Ok(None));
    // A listing that goes on where it began.
    let begin = Marker { at: "1".to_owned(), id: None };
    let mut pages = Pages::new(Listing::Objects, "p/").going_on(&begin);
    assert_eq!(pages.read(page("p/b", "1").as_bytes()), Err(ListingError::Circle));
    // The ID of a version counts.
    let mut seen = Continuations::default();
    let version = Marker { id: Some("v".to_owned()), ..begin.clone() };
    assert!(seen.follow(&begin).is_ok() && seen.follow(&version).is_ok());
    assert_eq!(seen.follow(&version), Err(ListingError::Circle));
}
