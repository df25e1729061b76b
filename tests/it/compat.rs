//! The table of gateways in the guide says what the gateways do.

use harness::{Bucket, Gateway, Person, live};
use serde_json::Value;
use std::path::Path;

live![the_table_of_the_guide_is_what_the_doctor_says];

/// What the guide was made from, for this release; `None` for a gateway that is not ours.
fn printed(gateway: &Gateway) -> Option<Vec<Value>> {
    gateway.release.as_ref()?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/guide/gateways.json");
    let all: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let ours = all.into_iter().find(|printed| printed["version"] == gateway.version.as_str());
    Some(ours.expect("the guide knows the release")["rows"].as_array().unwrap().clone())
}

async fn the_table_of_the_guide_is_what_the_doctor_says(gateway: &'static Gateway) {
    let (bucket, person) = (Bucket::new(gateway).await, Person::new(gateway));
    let address = format!("s3://{}", bucket.name);
    let examined = person.run(["doctor", &address, "--output", "json"]).await.json();
    let rows = examined["rows"].as_array().unwrap();
    assert!(rows.len() > 30, "{examined:#}");
    let told = |row: &Value| (row["verdict"].clone(), row["means"].clone());
    for printed in printed(gateway).unwrap_or_default() {
        let row = rows.iter().find(|row| row["name"] == printed["name"]);
        let row = row.unwrap_or_else(|| panic!("the doctor has no row {}", printed["name"]));
        let advice = "cargo xtask guide --gateways writes the table anew";
        assert_eq!(told(row), told(&printed), "{}: {advice}", row["name"]);
    }
    bucket.remove().await;
}
