//! What the core costs: headers, derivation, digest, record. Run: `cargo bench -p s3-ssec-core`.

use criterion::{BenchmarkId, Criterion, Throughput};
use http::HeaderMap;
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::ContentHasher;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{CustomerKey, Key, Kind};
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec_core::record::{Content, Record};
use std::error::Error;
use std::hint::black_box;

/// Contents as they are hashed: a small object, one read, one piece of the tree.
const SIZES: [usize; 3] = [4 << 10, 256 << 10, 4 << 20];

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    headers(&mut criterion)?;
    digest(&mut criterion)?;
    record(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

fn master() -> Result<Key, Box<dyn Error>> {
    Ok(Key::from_bytes(Kind::Master, &[7; 32])?)
}

fn name() -> Result<ObjectName, Box<dyn Error>> {
    let bucket = BucketName::parse("measurements")?;
    Ok(ObjectName::new(bucket, ObjectKey::parse("2026/08/run-0042/results.csv")?))
}

fn headers(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let mut group = criterion.benchmark_group("headers");
    let key = CustomerKey::from_bytes(&[7; 32])?;
    let built = TargetKeyHeaders::of(&key);
    let mut map = HeaderMap::with_capacity(8);
    group.bench_function("put into a request", |b| {
        b.iter(|| {
            map.clear();
            black_box(&built).apply(black_box(&mut map));
        });
    });
    group.bench_function("build from a key", |b| {
        b.iter(|| TargetKeyHeaders::of(black_box(&key)));
    });
    let (master, name) = (master()?, name()?);
    let nonce = Nonce::next(1_787_000_000, 42, None);
    group.bench_function("derive the key and build", |b| {
        b.iter(|| TargetKeyHeaders::of(&master.customer_key(black_box(&name), nonce)));
    });
    group.finish();
    Ok(())
}

fn digest(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let key = master()?.content_key();
    let mut group = criterion.benchmark_group("digest");
    for size in SIZES {
        let content = vec![0x5a; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_with_input(BenchmarkId::from_parameter(size), &content, |b, content| {
            b.iter(|| {
                let mut hasher = ContentHasher::new(&key);
                hasher.update(black_box(content));
                hasher.finish()
            });
        });
    }
    group.finish();
    Ok(())
}

fn record(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let (master, name) = (master()?, name()?);
    let nonce = Nonce::next(1_787_000_000, 42, None);
    let mut hasher = ContentHasher::new(&master.content_key());
    hasher.update(b"content");
    let content = Content::of_source(hasher.size(), hasher.finish());
    let record = Record::write(&master, &name, nonce, content);
    let keyring = Keyring::new(vec![master])?;
    let mut group = criterion.benchmark_group("record");
    group.bench_function("write", |b| {
        b.iter(|| Record::write(keyring.writer(), black_box(&name), nonce, content));
    });
    group.bench_function("parse", |b| b.iter(|| Record::parse(black_box(record.as_str()))));
    group.bench_function("open", |b| {
        b.iter(|| keyring.open(black_box(&record), &name).map(|(_, opened)| opened.nonce));
    });
    group.finish();
    Ok(())
}
