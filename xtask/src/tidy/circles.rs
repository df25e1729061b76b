//! No circle of imports between files: who reads one file of a circle has to read all of them.
//!
//! An arrow between a module and one that it is in does not count: a parent names its children's types, and
//! they use what it shares.

use super::{File, Finding};
use std::collections::{BTreeMap, BTreeSet};

/// The roots of the crates, and the page.
const ROOTS: [&str; 8] = [
    "crates/s3-ssec-core/src/",
    "crates/s3-ssec/src/",
    "crates/s3-ssec-cli/src/",
    "crates/s3-ssec-wasm/src/",
    "crates/s3-ssec-adapters/src/",
    "tests/src/",
    "xtask/src/",
    "web/",
];

/// Circles that are still to be undone. Files may be taken off this list, and none added.
const KNOWN: [&[&str]; 3] = [
    // The small calls have to leave `client` downwards.
    &[
        "client", "call", "carry", "confirm", "copy", "get", "ledger", "locate", "put", "removal",
        "trial",
    ],
    &["rekey/history", "rekey/object", "rekey/run"],
    &["adversary/answers", "adversary/bucket", "adversary/write"],
];

type Arrows = BTreeMap<String, BTreeSet<String>>;

pub(super) fn imports_have_no_circle(files: &[File]) -> Vec<Finding> {
    ROOTS.iter().flat_map(|root| circles_below(root, files)).collect()
}

fn circles_below(root: &str, files: &[File]) -> Vec<Finding> {
    let modules: BTreeMap<String, &File> =
        files.iter().filter_map(|file| Some((module_of(root, &file.path)?, file))).collect();
    let names: BTreeSet<&str> = modules.keys().map(String::as_str).collect();
    let arrows: Arrows = modules
        .iter()
        .map(|(name, file)| {
            let targets = targets(name, &file.text, &names);
            let targets = targets.into_iter().filter(|to| !are_related(name, to));
            (name.clone(), targets.collect())
        })
        .collect();
    let circles = circles(&arrows).into_iter().filter(|circle| !is_known(circle));
    circles
        .map(|circle| {
            let first = modules[circle.first().map_or("", String::as_str)];
            let all = circle.iter().cloned().collect::<Vec<_>>().join(", ");
            first.finding(1, format!("a circle of imports: {all}"))
        })
        .collect()
}

/// `a/b` for `a/b.rs` and `a/b/mod.rs`, an empty name for the root; of the page the file's own.
fn module_of(root: &str, path: &str) -> Option<String> {
    let rest = path.strip_prefix(root)?;
    if root == "web/" {
        return (!rest.contains('/') && rest.ends_with(".js")).then(|| rest.to_owned());
    }
    let name = rest.strip_suffix(".rs")?;
    let name = name.strip_suffix("/mod").unwrap_or(name);
    Some(if matches!(name, "lib" | "main") { String::new() } else { name.to_owned() })
}

/// True if one is in the other, or they are the same.
fn are_related(one: &str, other: &str) -> bool {
    let is_in = |inner: &str, outer: &str| {
        outer.is_empty()
            || inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_in(one, other) || is_in(other, one)
}

fn is_known(circle: &BTreeSet<String>) -> bool {
    KNOWN.iter().any(|known| circle.iter().all(|file| known.contains(&file.as_str())))
}

/// The modules that a file imports from, tests apart.
fn targets(name: &str, text: &str, names: &BTreeSet<&str>) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    if name.ends_with(".js") {
        let from = text.split("\"./").skip(1).filter_map(|rest| rest.split('"').next());
        return from.filter(|file| names.contains(file)).map(str::to_owned).collect();
    }
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let text = lines.collect::<Vec<_>>().join(" ");
    let uses = text.split("use ").skip(1).filter_map(|rest| rest.split(';').next());
    uses.flat_map(paths).filter_map(|path| resolve(name, &path, names)).collect()
}

/// The single paths of a `use`, whose braces are resolved.
fn paths(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((before, rest)) = tree.split_once('{') else { return vec![tree.replace(' ', "")] };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut items, mut item) = (0, Vec::new(), String::new());
    for c in inner.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(std::mem::take(&mut item));
                continue;
            }
            _ => {}
        }
        item.push(c);
    }
    items.push(item);
    let items = items.iter().filter(|item| !item.trim().is_empty());
    items.flat_map(|item| paths(&format!("{}{}", before.trim(), item.trim()))).collect()
}

/// The deepest module that a path goes through.
fn resolve(name: &str, path: &str, names: &BTreeSet<&str>) -> Option<String> {
    let mut segments = path.split("::").peekable();
    let mut at: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
    match *segments.peek()? {
        "crate" => at.clear(),
        "super" | "self" => {}
        _ => return None,
    }
    while let Some(first @ ("crate" | "super" | "self")) = segments.peek().copied() {
        if first == "super" {
            at.pop();
        }
        segments.next();
    }
    // The last segment is the thing itself.
    while let Some(segment) = segments.next().filter(|_| segments.peek().is_some()) {
        let deeper = [at.as_slice(), &[segment]].concat().join("/");
        if !names.contains(deeper.as_str()) {
            break;
        }
        at.push(segment);
    }
    Some(at.join("/"))
}

/// The sets of files that reach each other.
fn circles(arrows: &Arrows) -> BTreeSet<BTreeSet<String>> {
    let reached = |from: &str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(name) = next.pop() {
            for to in arrows.get(&name).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    next.push(to.clone());
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&str, _> =
        arrows.keys().map(|name| (name.as_str(), reached(name))).collect();
    let both = |one: &str, other: &str| reach[one].contains(other) && reach[other].contains(one);
    let on_circle = reach.keys().filter(|name| both(name, name));
    on_circle
        .map(|name| {
            let circle = reach.keys().filter(|other| both(name, other));
            circle.map(|other| (*other).to_owned()).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let file = |(path, text): &(&str, &str)| File {
            path: format!("crates/s3-ssec-core/src/{path}"),
            text: (*text).to_owned(),
        };
        let files: Vec<_> = files.iter().map(file).collect();
        imports_have_no_circle(&files).into_iter().map(|finding| finding.advice).collect()
    }

    #[test]
    fn a_circle_of_three_is_named_once() {
        let files = [
            ("a.rs", "use crate::b::{B, Other};"),
            ("b.rs", "use std::fmt;\nuse crate::{c::inner::C,\n    d::D};"),
            ("c.rs", "mod inner;"),
            ("c/inner.rs", "use super::super::a::A;"),
            ("d.rs", "// use crate::b::B;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}"),
        ];
        assert_eq!(findings(&files), ["a circle of imports: a, b, c/inner"]);
        assert_eq!(findings(&files[..2]), [""; 0]);
    }

    #[test]
    fn a_parent_and_its_children_are_no_circle() {
        let files = [
            ("a.rs", "mod b;\nuse b::B;\nuse self::b::B2;"),
            ("a/b.rs", "use super::Shared;\nuse crate::Root;"),
            ("lib.rs", "use crate::a::A;"),
        ];
        assert_eq!(findings(&files), [""; 0]);
    }

    #[test]
    fn the_page_has_circles_too() {
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        let (a, b) = ("import { b } from \"./b.js\";", "import * as a from \"./a.js\";");
        let found = imports_have_no_circle(&[file("web/a.js", a), file("web/b.js", b)]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(imports_have_no_circle(&[file("web/a.js", a), file("web/b.js", "")]), []);
    }
}
