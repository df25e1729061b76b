//! `s3-ssec policy apply`: tries a rule, and puts it into the policy if it does what it says.

use super::{note_untried, steps, trial_json};
use crate::args::ApplyArgs;
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Failure};
use crate::session::Session;
use s3_ssec::core::policy::{GapAnswer, Rule};
use s3_ssec::{Applied, HalfDone};
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, args: &ApplyArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    let address = format!("s3://{}", args.bucket);
    let options = args.plain.options(args.replace_statement);
    let progress = session.progress(Total::Unknown);
    let mut applied = Vec::new();
    for rule in args.rules.named() {
        let one = client.apply_policy(&args.bucket, rule, &options, &progress.watch).await;
        applied.push(one.about(&address)?);
    }
    drop(progress);
    let text: Vec<_> = applied.iter().flat_map(|one| paragraphs(&address, one)).collect();
    let rules: Vec<_> = applied.iter().map(|one| applied_json(&address, one)).collect();
    session.output.report(text.join("\n"), &json!({ "bucket": address, "rules": rules }))?;
    if applied.iter().any(|one| one.open_uploads.as_ref().is_some_and(|open| !open.is_empty())) {
        session.output.note(format_args!(
            "an upload that was begun without a key can be completed in plaintext; s3-ssec repair \
             {address} --abort-older-than 7d aborts old ones"
        ));
    }
    let unlisted =
        |one: &Applied| one.open_uploads.is_none() && one.trial.rule == Rule::RequireSsec;
    if applied.iter().any(unlisted) {
        session.output.note(format_args!(
            "the incomplete uploads of {address} could not be listed: one that was begun without a key \
             can be completed in plaintext"
        ));
    }
    note_untried(session, &applied.iter().map(|one| &one.trial).collect::<Vec<_>>());
    Ok(())
}

fn paragraphs(address: &str, applied: &Applied) -> Vec<String> {
    let claim = applied.trial.claim();
    let headline = match applied.changed {
        true => format!("{address}: {claim}"),
        false => format!("{address}: {claim}; nothing was changed"),
    };
    let mut paragraphs = vec![steps(Fields::new(headline), &applied.trial).to_string()];
    let gaps: Vec<_> =
        applied.gaps.iter().filter_map(|(gap, answer)| said(*answer).zip(Some(gap))).collect();
    if !gaps.is_empty() {
        let headline = format!("{address}: what the rule does on this gateway with other uploads");
        let fields = gaps
            .into_iter()
            .fold(Fields::new(headline), |fields, (said, gap)| fields.line(gap.what(), said));
        paragraphs.push(fields.to_string());
    }
    let open = applied.open_uploads.iter().flatten();
    let open: Vec<_> = open.map(|upload| upload_line(address, upload)).collect();
    if !open.is_empty() {
        let count = open.len();
        let s = if count == 1 { "" } else { "s" };
        let headline = format!("{address}: {count} incomplete upload{s}, begun before this moment");
        paragraphs.push(format!("{headline}\n{}", open.join("\n")));
    }
    paragraphs
}

fn upload_line(address: &str, upload: &HalfDone) -> String {
    crate::text::printable(&format!("  {address}/{}", upload.key))
}

fn said(answer: GapAnswer) -> Option<&'static str> {
    match answer {
        GapAnswer::StoresPlaintext => Some("accepted, and stores plaintext"),
        GapAnswer::Encrypted => Some("accepted, and stored encrypted"),
        GapAnswer::Refused => Some("refused"),
        GapAnswer::Untried => None,
    }
}

fn applied_json(address: &str, applied: &Applied) -> Value {
    let gap = |(gap, answer): &(s3_ssec::core::policy::Gap, GapAnswer)| {
        let result = match answer {
            GapAnswer::StoresPlaintext => "plaintext",
            GapAnswer::Encrypted => "encrypted",
            GapAnswer::Refused => "refused",
            GapAnswer::Untried => "untried",
        };
        json!({ "what": gap.what(), "result": result })
    };
    let upload = |upload: &HalfDone| json!({ "object": format!("{address}/{}", upload.key), "upload_id": upload.upload_id });
    let open = applied.open_uploads.as_ref();
    json!({
        "changed": applied.changed,
        "trial": trial_json(&applied.trial),
        "gaps": applied.gaps.iter().map(gap).collect::<Value>(),
        "open_uploads": open.map(|list| list.iter().map(upload).collect::<Value>()),
    })
}
