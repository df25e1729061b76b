//! The XML of a CORS configuration.

use super::{CorsConfiguration, CorsError, CorsRule};
use serde::{Deserialize, Serialize};

/// S3's own limit for the document, in bytes.
const DOCUMENT_MAX: usize = 64 << 10;
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

#[derive(Deserialize, Serialize)]
enum Root {
    #[serde(rename = "CORSConfiguration")]
    Configuration(Document),
}

// Unknown elements are refused, because writing the document back would drop them.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "@xmlns", default)]
    namespace: String,
    #[serde(rename = "CORSRule", default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Rule {
    #[serde(rename = "ID", default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "AllowedOrigin", default)]
    origins: Vec<String>,
    #[serde(rename = "AllowedMethod", default)]
    methods: Vec<String>,
    #[serde(rename = "AllowedHeader", default)]
    headers: Vec<String>,
    #[serde(rename = "MaxAgeSeconds", default, skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
    #[serde(rename = "ExposeHeader", default)]
    exposed: Vec<String>,
}

pub(super) fn read(xml: &str) -> Result<CorsConfiguration, CorsError> {
    if xml.len() > DOCUMENT_MAX {
        return Err(CorsError::Malformed);
    }
    let Root::Configuration(document) =
        quick_xml::de::from_str(xml.trim()).map_err(|_| CorsError::Malformed)?;
    let rules = document.rules.into_iter().map(CorsRule::from).collect();
    Ok(CorsConfiguration { rules })
}

pub(super) fn write(configuration: &CorsConfiguration) -> String {
    let rules = configuration.rules.iter().cloned().map(Rule::from).collect();
    let document = Root::Configuration(Document { namespace: NAMESPACE.to_owned(), rules });
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut writer = quick_xml::se::Serializer::new(&mut xml);
    writer.indent(' ', 2);
    // Texts and numbers in lists always serialise, and a String always takes them.
    let _ = document.serialize(writer);
    xml.push('\n');
    xml
}

impl From<Rule> for CorsRule {
    fn from(rule: Rule) -> Self {
        let Rule { id, origins, methods, headers, max_age, exposed } = rule;
        Self { id, origins, methods, headers, exposed, max_age }
    }
}

impl From<CorsRule> for Rule {
    fn from(rule: CorsRule) -> Self {
        let CorsRule { id, origins, methods, headers, exposed, max_age } = rule;
        Self { id, origins, methods, headers, max_age, exposed }
    }
}
