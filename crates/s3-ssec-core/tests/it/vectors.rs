//! Every case of every vector file runs, and passes.

use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn every_case_of_every_file_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let mut cases = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            let lists = file.as_object().unwrap().values().filter_map(Value::as_array);
            cases += lists.map(Vec::len).sum::<usize>();
        }
    }
    // A file that is not compiled in would be missing in the first number.
    assert_eq!(s3_ssec_core::vectors::run(), Ok(cases));
    assert!(cases > 150, "only {cases} cases");
}
