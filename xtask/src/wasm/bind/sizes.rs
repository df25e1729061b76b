//! What a browser fetches, held to a budget.

use super::{Module, Package};
use crate::{output, project};
use anyhow::{Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use xshell::Shell;

/// Most bytes with brotli of the page's own JavaScript.
const PAGE_MOST: u64 = 40_000;

/// Prints the size of the module and its glue, and refuses what is above the budget.
pub(super) fn check(sh: &Shell, module: &Module, package: &Package) -> Result<()> {
    let Some(node) = project::program_in_path("node") else {
        output::say(format_args!("{}: its size was not checked, there is no Node", module.name));
        return Ok(());
    };
    let budget = module.budget;
    let limits =
        [("_bg.wasm", budget.map(|most| most.wasm)), (".js", budget.map(|most| most.glue))];
    for (ending, most) in limits {
        let file = package.out.join(format!("{}{ending}", module.name));
        let name = format!("{}{ending}", module.name);
        let (plain, compressed) = (fs::metadata(&file)?.len(), brotli(sh, &node, &[&file])?);
        output::say(format_args!("{name}: {plain} bytes, {compressed} with brotli"));
        let most = most.unwrap_or(u64::MAX);
        ensure!(
            compressed <= most,
            "{name} has {compressed} bytes with brotli, and its budget is {most}\n\
             Find out what grew (`twiggy top`), or argue for a greater budget."
        );
        if ending == "_bg.wasm" && budget.is_some() {
            check_stated(module, compressed)?;
        }
    }
    Ok(())
}

/// Refuses a README of the package that states another size, in kilobytes.
fn check_stated(module: &Module, compressed: u64) -> Result<()> {
    let readme = project::root().join("crates/s3-ssec-wasm/package/README.md");
    let row = format!("| `s3-ssec{}` |", module.path().trim_start_matches('.'));
    let stated = stated_in(&fs::read_to_string(&readme)?, &row);
    ensure!(
        stated.is_some_and(|stated| (stated * 1000).abs_diff(compressed) <= 1000),
        "{} has {compressed} bytes with brotli, and {} states {stated:?} KB\nCorrect its table.",
        module.name,
        readme.display()
    );
    Ok(())
}

/// The size at the end of a row: `| 71 KB |`.
fn stated_in(readme: &str, row: &str) -> Option<u64> {
    let line = readme.lines().find(|line| line.starts_with(row))?;
    line.trim_end_matches(" KB |").rsplit(' ').next()?.parse().ok()
}

/// Refuses a page whose own JavaScript, all files together, is above its budget.
pub(super) fn check_page(sh: &Shell) -> Result<()> {
    let Some(node) = project::program_in_path("node") else { return Ok(()) };
    let files = fs::read_dir(project::root().join("web"))?.map(|entry| Ok(entry?.path()));
    let files: Vec<PathBuf> = files.collect::<Result<_>>()?;
    let code: Vec<&PathBuf> =
        files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "js")).collect();
    let compressed = brotli(sh, &node, &code)?;
    output::say(format_args!("{} files of the page: {compressed} with brotli", code.len()));
    ensure!(
        compressed <= PAGE_MOST,
        "the page's JavaScript has {compressed} bytes with brotli, and its budget is {PAGE_MOST}"
    );
    Ok(())
}

/// Bytes of files, each after compression as servers do it; Node has it built in.
fn brotli(sh: &Shell, node: &Path, files: &[impl AsRef<Path>]) -> Result<u64> {
    let script = "const {readFileSync} = require('fs'), {brotliCompressSync} = require('zlib'); \
                  console.log(process.argv.slice(1).map((file) => \
                  brotliCompressSync(readFileSync(file)).length).reduce((a, b) => a + b))";
    let files = files.iter().map(AsRef::as_ref);
    Ok(sh.cmd(node).args(["-e", script]).args(files).quiet().read()?.trim().parse()?)
}

/// The glue without lines that are only comments: a third of it, and in the declarations again.
pub(super) fn without_comments(glue: &str) -> String {
    let mut inside = false;
    let mut kept = String::with_capacity(glue.len());
    for line in glue.lines() {
        let code = line.trim_start();
        inside |= code.starts_with("/*");
        if !inside && !code.starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
        inside &= !code.trim_end().ends_with("*/");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stated_size_is_read() {
        let table = "| import | size |\n| `a` | one | 71 KB |\n| `a/b` | two | about |\n";
        assert_eq!(stated_in(table, "| `a` |"), Some(71));
        assert_eq!(stated_in(table, "| `a/b` |"), None);
        assert_eq!(stated_in(table, "| `c` |"), None);
    }

    #[test]
    fn only_comments_go() {
        let glue = "/* @ts-self-types */\n/**\n * A key.\n */\nexport class Key {\n    // inside\n    \
                    free() { return '/*'; } // beside\n}\n";
        let kept = "export class Key {\n    free() { return '/*'; } // beside\n}\n";
        assert_eq!(without_comments(glue), kept);
    }
}
