//! The XML of a CORS configuration.

use super::{CorsConfiguration, CorsError, CorsRule};
use crate::xml::push_text;
use serde::Deserialize;

/// S3's own limit for the document, in bytes.
const DOCUMENT_MAX: usize = 64 << 10;
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

#[derive(Deserialize)]
enum Root {
    #[serde(rename = "CORSConfiguration")]
    Configuration(Document),
}

// Unknown elements are refused, because writing the document back would drop them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "@xmlns", default)]
    _namespace: String,
    #[serde(rename = "CORSRule", default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Rule {
    #[serde(rename = "ID", default)]
    id: Option<String>,
    #[serde(rename = "AllowedOrigin", default)]
    origins: Vec<String>,
    #[serde(rename = "AllowedMethod", default)]
    methods: Vec<String>,
    #[serde(rename = "AllowedHeader", default)]
    headers: Vec<String>,
    #[serde(rename = "MaxAgeSeconds", default)]
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

/// Written by hand: a page has to load everything that is linked here.
pub(super) fn write(configuration: &CorsConfiguration) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CORSConfiguration xmlns=\"{NAMESPACE}\">\n"
    );
    for rule in &configuration.rules {
        let max_age = rule.max_age.map(|seconds| seconds.to_string());
        xml.push_str("  <CORSRule>\n");
        elements(&mut xml, "ID", rule.id.as_slice());
        elements(&mut xml, "AllowedOrigin", &rule.origins);
        elements(&mut xml, "AllowedMethod", &rule.methods);
        elements(&mut xml, "AllowedHeader", &rule.headers);
        elements(&mut xml, "MaxAgeSeconds", max_age.as_slice());
        elements(&mut xml, "ExposeHeader", &rule.exposed);
        xml.push_str("  </CORSRule>\n");
    }
    xml.push_str("</CORSConfiguration>\n");
    xml
}

fn elements(xml: &mut String, name: &str, texts: &[String]) {
    for text in texts {
        xml.push_str(&["    <", name, ">"].concat());
        push_text(&mut *xml, text);
        xml.push_str(&["</", name, ">\n"].concat());
    }
}

impl From<Rule> for CorsRule {
    fn from(rule: Rule) -> Self {
        let Rule { id, origins, methods, headers, max_age, exposed } = rule;
        Self { id, origins, methods, headers, exposed, max_age }
    }
}
