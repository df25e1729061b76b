//! Every page of the guide, looked at: links inside lead somewhere, and nothing is loaded from elsewhere.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// What makes a browser load a file, and what a person may follow.
const LOADED: [&str; 2] = [" src=\"", "url("];
const FOLLOWED: &str = " href=\"";

/// Checks all pages below `root`, and gives their number.
pub(super) fn check(root: &Path) -> Result<usize> {
    let mut pages = Vec::new();
    collect(root, &mut pages)?;
    let mut bad = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page)?;
        let place = page.parent().context("a page is in a directory")?;
        let name = page.strip_prefix(root)?.display();
        let is_style = page.extension().is_some_and(|ending| ending == "css");
        for loaded in LOADED.iter().flat_map(|mark| values(&text, mark)) {
            if is_elsewhere(loaded.trim_matches(['\'', '"'])) {
                bad.push(format!("{name}: loads {loaded}"));
            }
        }
        if is_style {
            continue;
        }
        for link in values(&text, FOLLOWED) {
            let is_loaded = |tag: &str| text.contains(&format!("<link {tag}href=\"{link}\""));
            if is_elsewhere(link) {
                if is_loaded("rel=\"stylesheet\" ") {
                    bad.push(format!("{name}: loads {link}"));
                }
            } else if let Some(missing) = missing(place, link) {
                bad.push(format!("{name}: {missing} is not there"));
            }
        }
    }
    match bad.is_empty() {
        true => Ok(pages.len()),
        false => bail!("{} links of the guide are wrong\n{}", bad.len(), bad.join("\n")),
    }
}

fn is_elsewhere(link: &str) -> bool {
    ["http:", "https:", "//"].iter().any(|start| link.starts_with(start))
}

/// The values behind a mark, up to a quote or a bracket.
fn values<'t>(text: &'t str, mark: &'static str) -> impl Iterator<Item = &'t str> {
    let end = if mark == "url(" { ')' } else { '"' };
    text.split(mark).skip(1).filter_map(move |rest| rest.split(end).next())
}

/// The file that a link leads to, if there is none, or no such place in it.
fn missing(place: &Path, link: &str) -> Option<String> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    // The page for what is not found begins at the root, wherever that will be.
    if file == "/" || link.starts_with("mailto:") || link.starts_with("data:") || file.is_empty() {
        return None;
    }
    let path = place.join(file);
    let path: PathBuf = if path.is_dir() { path.join("index.html") } else { path };
    let Ok(text) = fs::read(&path) else { return Some(link.to_owned()) };
    let anchor = format!("id=\"{anchor}\"");
    let found = anchor == "id=\"\"" || String::from_utf8_lossy(&text).contains(&anchor);
    (!found).then(|| link.to_owned())
}

fn collect(directory: &Path, pages: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, pages)?;
        } else if path.extension().is_some_and(|ending| ending == "html" || ending == "css") {
            pages.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(name: &str, page: &str) -> Result<usize> {
        let root = std::env::temp_dir().join(format!("guide-{name}-{}", std::process::id()));
        fs::create_dir_all(&root)?;
        fs::write(root.join("a.html"), "<h1 id=\"top\">a</h1>")?;
        fs::write(root.join("b.html"), page)?;
        let checked = check(&root);
        fs::remove_dir_all(root)?;
        checked
    }

    #[test]
    fn links_lead_somewhere() {
        assert_eq!(site("good", "<a href=\"a.html#top\">a</a> <a href=\"#x\">").unwrap(), 2);
        assert!(site("file", "<a href=\"c.html\">").is_err());
        assert!(site("place", "<a href=\"a.html#bottom\">").is_err());
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        assert!(site("script", "<script src=\"https://example.org/a.js\">").is_err());
        assert!(
            site("style", "<link rel=\"stylesheet\" href=\"https://example.org/a.css\">").is_err()
        );
        assert!(site("font", "<style>a { src: url('//example.org/a') }").is_err());
        site("link", "<a href=\"https://example.org/\">a site</a>").unwrap();
    }
}
