//! The table of gateways in the guide says what the gateways do.

use harness::{Bucket, Garage, Gateway, Person, live};
use serde_json::Value;
use std::path::Path;

live![the_table_of_the_guide_is_what_the_doctor_says];

/// The source of the guide for this gateway.
fn printed(version: &str) -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/guide/gateways.json");
    let all: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let ours = all.into_iter().find(|printed| printed["version"] == version);
    ours.expect("the guide knows the gateway")["rows"].as_array().unwrap().clone()
}

async fn the_table_of_the_guide_is_what_the_doctor_says(gateway: &'static Gateway) {
    // A gateway of the user's is not in the table.
    let printed = gateway.release.as_ref().map(|_| printed(&gateway.version)).unwrap_or_default();
    let bucket = Bucket::new(gateway).await;
    hold_against(gateway, &bucket, printed).await;
    bucket.remove().await;
}

/// The same for Garage.
pub(crate) async fn garage() {
    let garage = Garage::start().await;
    let gateway = garage.gateway();
    let bucket = Bucket::new(&gateway).await;
    hold_against(&gateway, &bucket, printed("garage")).await;
}

async fn hold_against(gateway: &Gateway, bucket: &Bucket, printed: Vec<Value>) {
    let (address, person) = (format!("s3://{}", bucket.name), Person::new(gateway));
    let examined = person.run(["doctor", &address, "--output", "json"]).await.json();
    let rows = examined["rows"].as_array().unwrap();
    assert!(rows.len() > 30, "{examined:#}");
    let told = |row: &Value| (row["verdict"].clone(), row["means"].clone());
    for printed in printed {
        let row = rows.iter().find(|row| row["name"] == printed["name"]);
        let row = row.unwrap_or_else(|| panic!("the doctor has no row {}", printed["name"]));
        let advice = "cargo xtask guide --gateways writes the table anew";
        assert_eq!(told(row), told(&printed), "{}: {advice}", row["name"]);
    }
}
