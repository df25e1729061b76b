//! `s3-ssec cors`: which pages may work with a bucket.

use crate::args::CorsCommand;
use crate::output::Fields;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use s3_ssec::CorsError;
use s3_ssec::core::cors::{self, CorsConfiguration, CorsRule, Origin, OriginError};
use s3_ssec::core::names::BucketName;
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, command: CorsCommand) -> Result<(), Failure> {
    match command {
        CorsCommand::Show { bucket } => show(session, &bucket).await,
        CorsCommand::Print(origin) => print(session, &origin.parse()?),
        CorsCommand::Apply { bucket, origin } => apply(session, &bucket, &origin.parse()?).await,
    }
}

async fn show(session: &Session, bucket: &BucketName) -> Result<(), Failure> {
    let address = format!("s3://{bucket}");
    let rules = session.client().await?.cors(bucket).await.about(&address)?.unwrap_or_default();
    let json = json!({ "bucket": address, "rules": rules_json(&rules.rules) });
    let text = match rules.rules.is_empty() {
        true => format!("{address} has no CORS rules: no page can use it"),
        false => rules_text(&rules.rules),
    };
    session.output.answer(text, &json)
}

fn print(session: &Session, origin: &Origin) -> Result<(), Failure> {
    let configuration = CorsConfiguration { rules: vec![CorsRule::for_origin(origin)] };
    let json = json!({ "rules": rules_json(&configuration.rules) });
    session.output.answer(configuration.to_xml().trim_end(), &json)
}

async fn apply(session: &Session, bucket: &BucketName, origin: &Origin) -> Result<(), Failure> {
    let address = format!("s3://{bucket}");
    let applied = session.client().await?.apply_cors(bucket, origin).await.about(&address)?;
    for rule in &applied.displaced {
        let rule = rule_json(rule);
        session.output.note(format_args!("{address}: this rule gave way in part or whole: {rule}"));
    }
    let stands = if applied.changed { "stands now" } else { "stood already" };
    let json = json!({
        "bucket": address,
        "origin": origin.as_str(),
        "changed": applied.changed,
        "displaced": rules_json(&applied.displaced),
        "rules": rules_json(&applied.configuration.rules),
    });
    session.output.report(format_args!("{address}: the CORS rule for {origin} {stands}"), &json)
}

fn rules_text(rules: &[CorsRule]) -> String {
    let fields = |(index, rule): (usize, &CorsRule)| {
        let list = |list: &[String]| (!list.is_empty()).then(|| list.join(" "));
        Fields::new(format_args!("rule {}", index + 1))
            .optional("id", rule.id.as_ref())
            .optional("origins", list(&rule.origins))
            .optional("methods", list(&rule.methods))
            .optional("headers", list(&rule.headers))
            .optional("exposed", list(&rule.exposed))
            .optional("max age", rule.max_age)
            .to_string()
    };
    rules.iter().enumerate().map(fields).collect::<Vec<_>>().join("\n")
}

fn rules_json(rules: &[CorsRule]) -> Value {
    rules.iter().map(rule_json).collect()
}

fn rule_json(rule: &CorsRule) -> Value {
    json!({
        "id": rule.id,
        "origins": rule.origins,
        "methods": rule.methods,
        "headers": rule.headers,
        "exposed": rule.exposed,
        "max_age": rule.max_age,
    })
}

impl From<OriginError> for Failure {
    fn from(error: OriginError) -> Self {
        let todo = match error {
            OriginError::PlainHttp(_) => {
                "Serve the page over https; without TLS only pages of localhost are accepted."
            }
            OriginError::Any => "Name the page's origin, or add --any-origin if you mean it.",
            _ => "Copy scheme, host and port from the page's address: https://data.example.org.",
        };
        Failure::new(Exit::Usage, error.to_string(), todo)
    }
}

impl From<CorsError> for Failure {
    fn from(error: CorsError) -> Self {
        let what = error.to_string();
        match error {
            CorsError::Call(error) => error.into(),
            CorsError::Document(cors::CorsError::TooManyRules) => {
                Failure::new(Exit::Failed, what, "Take rules out first: s3-ssec cors show.")
            }
            _ => Failure::new(Exit::Failed, what, "Look at what stands there: s3-ssec cors show."),
        }
    }
}
