//! `s3-ssec key scope`: which gateway may see which key.

use crate::args::{PlaceArgs, ScopeCommand};
use crate::keys::place::Place;
use crate::memory::{Copied, Notes};
use crate::output::Fields;
use crate::report::{Exit, Failure};
use crate::session::Session;
use s3_ssec::core::key::Fingerprint;
use serde_json::{Value, json};

pub(super) fn run(session: &Session, command: Option<ScopeCommand>) -> Result<(), Failure> {
    match command {
        None => show(session, None),
        Some(ScopeCommand::Show { key }) => show(session, key),
        Some(ScopeCommand::Add(args)) => add(session, args),
        Some(ScopeCommand::Remove(args)) => remove(session, args),
    }
}

fn show(session: &Session, wanted: Option<Fingerprint>) -> Result<(), Failure> {
    let known = session.memory.read()?;
    let wanted = wanted.map(|key| key.to_string());
    let of_interest = |key: &str| wanted.as_ref().is_none_or(|wanted| wanted == key);
    let keys: Vec<_> = known.keys().filter(|(key, _)| of_interest(key)).collect();
    let json = keys.iter().map(|(key, notes)| in_json(key, notes)).collect::<Vec<_>>();
    let text = match (&keys[..], wanted) {
        ([], Some(key)) => {
            let what = format!("nothing is known of the key {key}");
            return Err(Failure::new(Exit::Key, what, "s3-ssec key show names your keys."));
        }
        ([], None) => "no key was used yet".to_owned(),
        _ => {
            let blocks = keys.iter().map(|(key, notes)| fields(key, notes).to_string());
            blocks.collect::<Vec<_>>().join("\n")
        }
    };
    session.output.answer(text, &json!({ "keys": json }))
}

fn add(session: &Session, args: PlaceArgs) -> Result<(), Failure> {
    let place = Place::new(&args.gateway, args.within);
    let held = |own: &Place| own.includes(&place);
    let known = session.memory.read()?;
    if let Some(wider) = known.places(args.key).iter().find(|own| held(own)) {
        let what = format!("the key {} may be used at {wider} already", args.key);
        let todo = "To keep it to less, remove that first: s3-ssec key scope remove.";
        return Err(Failure::new(Exit::Failed, what, todo));
    }
    changed(session, args.key, |places| {
        places.retain(|own| !place.includes(own));
        places.push(place);
    })
}

fn remove(session: &Session, args: PlaceArgs) -> Result<(), Failure> {
    let place = Place::new(&args.gateway, args.within);
    if !session.memory.read()?.places(args.key).contains(&place) {
        let what = format!("the key {} does not belong to {place}", args.key);
        return Err(Failure::new(Exit::Failed, what, "s3-ssec key scope shows where it belongs."));
    }
    changed(session, args.key, |places| places.retain(|own| *own != place))
}

/// Changes the places of a key, and shows what came of it.
fn changed(
    session: &Session,
    key: Fingerprint,
    change: impl FnOnce(&mut Vec<Place>),
) -> Result<(), Failure> {
    session.memory.change(|known| change(&mut known.notes_mut(key).places))?;
    let known = session.memory.read()?;
    let nothing = Notes::default();
    let (key, notes) = (key.to_string(), known.notes(key).unwrap_or(&nothing));
    session.output.report(fields(&key, notes), &in_json(&key, notes))
}

fn fields(key: &str, notes: &Notes) -> Fields {
    let mut fields = Fields::new(format_args!("key {key}"));
    if notes.places.is_empty() {
        fields = fields.line("used at", "nothing yet; the first endpoint will be its own");
    }
    for place in &notes.places {
        fields = fields.line("used at", place);
    }
    for Copied { form, date } in &notes.copies {
        fields = fields.line("copy", format_args!("{form}, {date}"));
    }
    fields
}

fn in_json(key: &str, notes: &Notes) -> Value {
    let copy = |Copied { form, date }: &Copied| json!({ "form": form, "date": date });
    json!({
        "fingerprint": key,
        "places": notes.places.iter().map(Place::to_string).collect::<Vec<_>>(),
        "copies": notes.copies.iter().map(copy).collect::<Vec<_>>(),
    })
}
