//! Documents of buckets: policies and CORS rules, merged into what stands there.

use crate::error::{ArgumentError, thrown};
use js_sys::{Array, Reflect};
use s3_ssec_core::cors::{AnyOrigin, CorsConfiguration, CorsRule, Origin};
use s3_ssec_core::policy::{self, Policy, Rule};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

/// What in a policy does not do what it seems to on RGW, one sentence each.
#[wasm_bindgen(js_name = explainPolicy)]
pub fn explain_policy(existing: String) -> Result<Vec<String>, JsValue> {
    let policy = Policy::parse(&existing).map_err(thrown)?;
    Ok(policy::explain(&policy).iter().map(ToString::to_string).collect())
}

/// The body of PutBucketCors with the one rule that `origin` needs. `existing` are the rules that
/// stand, as `DOMParser` reads them from the answer of GetBucketCors; empty if there are none.
#[wasm_bindgen(js_name = applyCors)]
pub fn apply_cors(
    #[wasm_bindgen(unchecked_param_type = "readonly CorsRule[]")] existing: &Array,
    origin: &str,
) -> Result<String, JsValue> {
    let mut cors = rules(existing)?;
    cors.apply(&origin_of(origin)?).map_err(thrown)?;
    Ok(cors.to_xml())
}

/// True if pages of `origin` can work with customer keys under these CORS rules.
#[wasm_bindgen(js_name = admitsOrigin)]
pub fn admits_origin(
    #[wasm_bindgen(unchecked_param_type = "readonly CorsRule[]")] existing: &Array,
    origin: &str,
) -> Result<bool, JsValue> {
    Ok(rules(existing)?.admits(&origin_of(origin)?))
}

fn rules(list: &Array) -> Result<CorsConfiguration, JsValue> {
    let rules = list.iter().map(|rule| cors_rule(&rule)).collect::<Result<_, _>>()?;
    Ok(CorsConfiguration { rules })
}

fn cors_rule(rule: &JsValue) -> Result<CorsRule, JsValue> {
    let wrong = || thrown(ArgumentError("a CORS rule has lists of texts, see CorsRule"));
    let texts = |name: &str| {
        let list = Reflect::get(rule, &name.into()).map_err(|_| wrong())?;
        let list = list.dyn_ref::<Array>().ok_or_else(wrong)?;
        list.iter().map(|text| text.as_string().ok_or_else(wrong)).collect::<Result<_, _>>()
    };
    Ok(CorsRule {
        origins: texts("origins")?,
        methods: texts("methods")?,
        headers: texts("headers")?,
        exposed: texts("exposed")?,
        id: Reflect::get(rule, &"id".into())?.as_string(),
        max_age: Reflect::get(rule, &"maxAge".into())?.as_f64().map(|age| age as u64),
    })
}

pub(crate) fn rule_of(text: &str) -> Result<Rule, JsValue> {
    match text {
        "require-ssec" => Ok(Rule::RequireSsec),
        "block-ssec" => Ok(Rule::BlockSsec),
        "require-tls" => Ok(Rule::RequireTls),
        _ => Err(thrown(ArgumentError("a rule is require-ssec, block-ssec or require-tls"))),
    }
}

fn origin_of(text: &str) -> Result<Origin, JsValue> {
    Origin::parse(text, AnyOrigin::Refuse).map_err(thrown)
}
