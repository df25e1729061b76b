//! `s3-ssec doctor`: what this gateway does with customer keys, row by row.

use crate::args::DoctorArgs;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::style::{self, Tone};
use crate::text::printable;
use s3_ssec::{Examination, Row, Topic, Verdict};
use serde_json::{Value, json};
use std::fmt::Write as _;

const TOPICS: [(Topic, &str); 6] = [
    (Topic::Connection, "connection"),
    (Topic::Encryption, "encryption"),
    (Topic::Traps, "traps"),
    (Topic::Copies, "copies"),
    (Topic::Features, "features"),
    (Topic::Settings, "settings"),
];

pub(super) async fn run(session: &Session, args: DoctorArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    let address = format!("s3://{}", args.bucket);
    let progress = session.progress(Total::Unknown);
    let examined = client.examine(&args.bucket, &progress.watch).await;
    drop(progress);
    let examined = examined.about(&address)?;
    session.output.answer(text(&address, &examined), &in_json(&address, &examined))?;
    match failure(&address, &examined) {
        None => Ok(()),
        Some(failure) => {
            session.output.complaint(&failure);
            Err(Failure::reported(failure.exit))
        }
    }
}

fn failure(address: &str, examined: &Examination) -> Option<Failure> {
    let dangers = examined.rows.iter().filter(|row| row.verdict == Verdict::Danger);
    let names: Vec<_> = dangers.map(|row| row.name).collect();
    if !examined.encrypts() {
        let what = format!("{address}: customer keys do not protect here: {}", names.join(", "));
        let todo = "Do not use this gateway, or the proxy before it, for what must be encrypted.";
        return Some(Failure::new(Exit::NotProved, what, todo));
    }
    if !examined.left.is_empty() {
        let what = format!("{address}: could not be removed: {}", examined.left.join(", "));
        return Some(Failure::new(Exit::Failed, what, "Remove it: s3-ssec rm -r."));
    }
    (!names.is_empty()).then(|| {
        let what = format!("{address}: there is danger: {}", names.join(", "));
        Failure::new(Exit::Failed, what, "Look at these rows; each says what to change.")
    })
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Note => "note",
        Verdict::Untried => "untried",
        Verdict::Caution => "caution",
        Verdict::Danger => "DANGER",
    }
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Good => Tone::Good,
        Verdict::Note | Verdict::Untried => Tone::Plain,
        Verdict::Caution => Tone::Caution,
        Verdict::Danger => Tone::Bad,
    }
}

fn topic(topic: Topic) -> &'static str {
    TOPICS.iter().find(|(known, _)| *known == topic).map_or("", |(_, name)| name)
}

fn text(address: &str, examined: &Examination) -> String {
    let profile = &examined.profile;
    let mut text = format!("{address} at {}", profile.endpoint);
    if let Some(server) = &profile.server {
        let _ = write!(text, ", {}", printable(server));
    }
    if let Some(like) = profile.behaves_like() {
        let _ = write!(text, ", behaves like {like}");
    }
    for (topic, name) in TOPICS {
        let _ = write!(text, "\n{}", Tone::Head.paint(name));
        for row in examined.rows.iter().filter(|row| row.topic == topic) {
            text += &lines(row);
        }
    }
    text
}

fn lines(row: &Row) -> String {
    let fit = |text: &str, indent| style::wrapped(text, indent, style::width());
    let verdict = tone(row.verdict).paint(&format!("{:8}", verdict(row.verdict)));
    let mut text = format!("\n  {verdict}{:20}{}", row.name, fit(&row.means, 30));
    let _ = write!(text, "\n          tried: {}", fit(row.tried, 17));
    let _ = write!(text, "\n          saw:   {}", fit(&printable(&row.saw), 17));
    if let Some(todo) = &row.todo {
        let _ = write!(text, "\n          do:    {}", fit(&printable(todo), 17));
    }
    text
}

fn in_json(address: &str, examined: &Examination) -> Value {
    let row = |row: &Row| {
        json!({
            "name": row.name,
            "topic": topic(row.topic),
            "verdict": verdict(row.verdict).to_ascii_lowercase(),
            "tried": row.tried,
            "saw": row.saw,
            "means": row.means,
            "todo": row.todo,
        })
    };
    json!({
        "bucket": address,
        "endpoint": examined.profile.endpoint,
        "server": examined.profile.server,
        "behaves_like": examined.profile.behaves_like(),
        "encrypts": examined.encrypts(),
        "rows": examined.rows.iter().map(row).collect::<Value>(),
        "abilities": serde_json::to_value(&examined.profile).unwrap_or_default()["abilities"],
        "left": examined.left,
    })
}
