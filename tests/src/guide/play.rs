//! Does what a chapter says, as one person in one directory, and compares.

use super::parse::{Block, Chapter, Command};
use super::seen::{difference, fits};
use crate::browser::Browser;
use crate::bucket::Bucket;
use crate::command::Person;
use crate::lab::{Gateway, lab};
use crate::page::Page;
use s3_ssec::core::names::BucketName;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Plays a chapter on a gateway.
pub async fn play(chapter: &Chapter, gateway: &Gateway) {
    let person = reader(gateway);
    let page = Page::serve_files(&person.work()).await.unwrap();
    let time = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let names = Names {
        bucket: format!("t-{time}-{}-g{number}", std::process::id()),
        endpoint: gateway.https.clone(),
        origin: page.origin,
    };
    for (index, block) in chapter.blocks.iter().enumerate() {
        if block.holds_on(&gateway.version) {
            let place = format!("{}, line {}", chapter.name, block.line);
            let json = chapter.is_output(index + 1).then(|| &chapter.blocks[index + 1]);
            run(&person, block, json, &names, &place).await;
        }
    }
    assert_eq!(person.temporary(), Vec::<String>::new(), "{}", chapter.name);
    clean_up(gateway, &names.bucket).await;
}

/// `cargo run --quiet --example NAME ARGUMENT...`, without building what is built: chapters are played many
/// at a time, and cargo would let one build after the other.
const RUN_EXAMPLE: &str = "#!/bin/sh
[ \"$1 $2 $3\" = 'run --quiet --example' ] || exit 101
program=EXAMPLES/$4; shift 4; exec $program \"$@\"
";

/// Somebody with the programs that the guide speaks of in the path.
fn reader(gateway: &Gateway) -> Person {
    let person = Person::new(gateway);
    let bin = person.everything().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(&lab().command, bin.join("s3-ssec")).unwrap();
    if let Some(examples) = &lab().examples {
        let script = RUN_EXAMPLE.replace("EXAMPLES", examples.to_str().unwrap());
        let cargo = bin.join("cargo");
        std::fs::write(&cargo, script).unwrap();
        std::fs::set_permissions(&cargo, PermissionsExt::from_mode(0o755)).unwrap();
    }
    // The virtual environment's python finds its packages by the directory that it is called from.
    let python = lab().python.parent().unwrap();
    let path = format!("{}:{}:{}", bin.display(), python.display(), std::env::var("PATH").unwrap());
    let authorities = gateway.ca().to_str().unwrap();
    person
        .with("PATH", path)
        .with("CURL_CA_BUNDLE", authorities)
        .with("NODE_EXTRA_CA_CERTS", authorities)
        .with("S3_SSEC_PACKAGE", &lab().package)
}

/// What stands for the names in the guide.
struct Names {
    bucket: String,
    endpoint: String,
    origin: String,
}

impl Names {
    fn fill(&self, text: &str) -> String {
        text.replace("https://gateway.example.org", &self.endpoint)
            .replace("https://page.example.org", &self.origin)
            .replace("research-data", &self.bucket)
    }
}

async fn run(person: &Person, block: &Block, json: Option<&Block>, names: &Names, place: &str) {
    if let Some(name) = &block.file {
        person.file_with_mode(name, names.fill(&block.text).as_bytes(), 0o600);
        return;
    }
    if block.language == "browser" {
        return visit(person, &block.text, names).await;
    }
    let commands = block.commands();
    let last = commands.len().saturating_sub(1);
    for (index, command) in commands.iter().enumerate() {
        let json = json.filter(|_| index == last);
        // Messages are for people: they are no part of the JSON.
        let outputs = if json.is_some() { "exec 2> /dev/null" } else { "exec 2>&1" };
        let seen = type_in(person, command, names, outputs, place).await;
        match json {
            Some(json) => compare_json(&names.fill(&json.text), &seen, place),
            None => {
                let expected = names.fill(&command.seen);
                let typed = &command.typed;
                assert!(
                    fits(&expected, &seen),
                    "{place}: {typed}\nshown:\n{expected}\nseen:\n{seen}"
                );
            }
        }
    }
}

/// Types a command. Variables and the directory last from one command to the next, as in a shell.
async fn type_in(
    person: &Person,
    command: &Command,
    names: &Names,
    outputs: &str,
    place: &str,
) -> String {
    let state = person.everything().join("shell");
    let script = format!(
        "{outputs}\nif [ -f '{state}' ]; then . '{state}'; cd \"$(cat '{state}.directory')\"; fi\n{}\n\
         code=$?\nexport -p > '{state}'; pwd > '{state}.directory'; exit $code\n",
        names.fill(&command.typed),
        state = state.display(),
    );
    let ran = person.run_program(Path::new("/bin/sh"), ["-c", &script]).await;
    let seen = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert_eq!(ran.code, Some(command.exit), "{place}: {}\n{seen}", command.typed);
    seen
}

fn compare_json(expected: &str, seen: &str, place: &str) {
    let expected = serde_json::from_str(expected).expect("the guide shows JSON");
    let seen =
        serde_json::from_str(seen).unwrap_or_else(|error| panic!("{place}: {error}: {seen}"));
    if let Some(difference) = difference(&expected, &seen, "") {
        panic!("{place}: {difference}\nseen: {seen:#}");
    }
}

/// `PAGE, INPUT, FILE, TEXT`.
async fn visit(person: &Person, instruction: &str, names: &Names) {
    let words: Vec<_> = instruction.splitn(4, ", ").collect();
    let [page, input, file, text] = words[..] else { panic!("{instruction}: four words") };
    let browser = Browser::at(&format!("{}/{page}", names.origin)).await;
    browser.put_file(input, &person.work().join(file)).await;
    browser.wait_for_text(text).await;
    browser.close().await;
}

/// Removes the bucket, if the chapter made it.
async fn clean_up(gateway: &Gateway, bucket: &str) {
    let client = gateway.client().await;
    let name = BucketName::parse(bucket).unwrap();
    if client.list_buckets().await.unwrap().iter().any(|listed| listed.name == bucket) {
        Bucket { client, name }.remove().await;
    }
}
