//! What others can call: a list of all public items, kept beside the crate and compared.
//!
//! A line that is gone is a break, and needs a new version by SemVer; a new line is an addition, and
//! wants a line in the changelog. The list is read from what rustdoc writes, which works on stable Rust.
//! Signatures are not in it; they are seen in review.

use crate::{output, project};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use xshell::Shell;

/// The crates that others compile against, and the file with the list of each.
const CRATES: [(&str, &str); 3] = [
    ("s3-ssec-core", "crates/s3-ssec-core/PUBLIC.txt"),
    ("s3-ssec", "crates/s3-ssec/PUBLIC.txt"),
    ("s3-ssec-adapters", "crates/s3-ssec-adapters/PUBLIC.txt"),
];

/// Kinds of items that have a page, as its file is named.
const KINDS: [&str; 8] = ["struct", "enum", "trait", "fn", "type", "constant", "macro", "static"];

/// Parts of an item, as rustdoc marks them.
const PARTS: [&str; 6] =
    ["method.", "tymethod.", "variant.", "structfield.", "associatedconstant.", "associatedtype."];

/// Compares the lists with the sources.
pub(super) fn check(sh: &Shell) -> Result<()> {
    for (name, file) in CRATES {
        let now = list(sh, name)?;
        let path = project::root().join(file);
        let text = fs::read_to_string(&path).unwrap_or_default();
        let before: BTreeSet<String> = text.lines().map(str::to_owned).collect();
        let (gone, new): (Vec<_>, Vec<_>) =
            (before.difference(&now).collect(), now.difference(&before).collect());
        gone.iter().for_each(|line| output::line(format_args!("gone: {line}")));
        new.iter().for_each(|line| output::line(format_args!("new:  {line}")));
        if !gone.is_empty() || !new.is_empty() {
            bail!(
                "the public items of {name} are not those of {file}: {} gone, {} new\n\
                 If that is meant to be: cargo xtask release-check --update.",
                gone.len(),
                new.len()
            );
        }
        output::say(format_args!("{name}: {} public items, as listed", now.len()));
    }
    Ok(())
}

/// Writes the lists.
pub(super) fn update(sh: &Shell) -> Result<()> {
    for (name, file) in CRATES {
        let lines: Vec<_> = list(sh, name)?.into_iter().collect();
        fs::write(project::root().join(file), lines.join("\n") + "\n")?;
        output::say(format_args!("{file}: {} items", lines.len()));
    }
    Ok(())
}

fn list(sh: &Shell, name: &str) -> Result<BTreeSet<String>> {
    let root = name.replace('-', "_");
    let pages = project::target_dir(sh)?.join("doc").join(&root);
    // Pages of items that are gone would stay.
    let _ = fs::remove_dir_all(&pages);
    let arguments = ["doc", "--quiet", "--no-deps", "--all-features", "--package", name];
    project::cargo(sh).args(arguments).quiet().run()?;
    let mut items = BTreeSet::new();
    collect(&pages, &root, &mut items)?;
    if items.is_empty() {
        bail!(
            "rustdoc wrote no item of {name}\nIts pages may have changed: look at release_check/api.rs."
        );
    }
    Ok(items)
}

fn collect(directory: &Path, module: &str, items: &mut BTreeSet<String>) -> Result<()> {
    let entries = fs::read_dir(directory).with_context(|| format!("no pages of {module}"))?;
    for entry in entries {
        let path: PathBuf = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            collect(&path, &format!("{module}::{name}"), items)?;
        } else if let Some((kind, item)) = page(name) {
            let item = format!("{module}::{item}");
            items.extend(
                parts(&fs::read_to_string(&path)?).iter().map(|part| format!("{item}{part}")),
            );
            items.insert(format!("{item} ({kind})"));
        }
    }
    Ok(())
}

/// `struct.Key.html` is the page of the struct `Key`.
fn page(name: &str) -> Option<(&str, &str)> {
    let (kind, rest) = name.split_once('.')?;
    KINDS.contains(&kind).then_some((kind, rest.strip_suffix(".html")?))
}

/// Own methods, fields and variants as `::name`, and the traits that an item has as ` : Trait`.
fn parts(page: &str) -> BTreeSet<String> {
    let (own, rest) = page.split_once("id=\"trait-implementations\"").unwrap_or((page, ""));
    let traits =
        rest.split_once("id=\"synthetic-implementations\"").map_or(rest, |(traits, _)| traits);
    let part = |id: &str| {
        let name = PARTS.iter().find_map(|kind| id.strip_prefix(kind))?;
        // Fields of a variant have it before their name: `variant.A.field.b`.
        Some(format!("::{}", name.replace(".field.", "::").replace('.', "::")))
    };
    let implemented = |id: &str| {
        let name = id.strip_prefix("impl-")?;
        Some(format!(" : {}", name.rsplit_once("-for-").map_or(name, |(name, _)| name)))
    };
    ids(own).filter_map(part).chain(ids(traits).filter_map(implemented)).collect()
}

fn ids(page: &str) -> impl Iterator<Item = &str> {
    page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_items_are_known() {
        assert_eq!(page("struct.Key.html"), Some(("struct", "Key")));
        assert_eq!(page("index.html"), None);
        assert_eq!(page("sidebar-items.js"), None);
    }

    #[test]
    fn own_parts_and_traits_are_read() {
        let page = "<section id=\"variant.Master\"></section><section id=\"method.generate\">\
                    <h2 id=\"trait-implementations\"><section id=\"impl-From%3CKey%3E-for-Kind\">\
                    <section id=\"method.from\"><h2 id=\"synthetic-implementations\">\
                    <section id=\"impl-Send-for-Kind\">";
        let parts: Vec<_> = parts(page).into_iter().collect();
        assert_eq!(parts, [" : From%3CKey%3E", "::Master", "::generate"]);
    }
}
