//! Builds s3-ssec-wasm, binds it to JavaScript with wasm-bindgen as a library, looks at the result.

use super::{Package, TRIPLE, Target};
use crate::{output, project};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;
use xshell::Shell;

const CRATE: &str = "s3-ssec-wasm";
/// The package consists of `s3_ssec.js`, `s3_ssec.d.ts` and `s3_ssec_bg.wasm`.
const OUT_NAME: &str = "s3_ssec";

/// JavaScript that the core may not reach, as it stands in the names of the glue: network,
/// storage and clock are the page's.
const FORBIDDEN: [&str; 8] = [
    "fetch",
    "xmlhttprequest",
    "websocket",
    "localstorage",
    "sessionstorage",
    "indexeddb",
    "_now_",
    "newdate",
];

/// One function that a module wants from outside: module and name.
struct Import(String, String);

/// Builds, binds, checks and describes `package`.
pub(super) fn make(sh: &Shell, package: &Package) -> Result<()> {
    let module = build(&package.features)?;
    fs::create_dir_all(&package.out)?;
    check_imports(&bind(&module, package.target, &package.out)?)?;
    write_manifest(sh, package)?;
    print_sizes(sh, package)
}

fn build(features: &str) -> Result<PathBuf> {
    let arguments = ["-p", CRATE, "--target", TRIPLE, "--profile", "wasm", "--features", features];
    let artifacts = project::build(&arguments)?;
    let is_module = |file: &Path| file.extension().is_some_and(|extension| extension == "wasm");
    project::find(&artifacts, "cdylib", &CRATE.replace('-', "_"), is_module)
}

/// Writes the package's code to `out`; returns what the module imports.
fn bind(module: &Path, target: Target, out: &Path) -> Result<Vec<Import>> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).typescript(true).out_name(OUT_NAME);
    // The library leaves the module's address out, unlike the command: `init()` would fail.
    bindgen.omit_default_module_path(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    match target {
        Target::Web => bindgen.web(true)?,
        Target::Node => bindgen.nodejs(true)?,
    };
    let mut output = bindgen.generate_output()?;
    output.emit(out)?;
    let imports = output.wasm().imports.iter();
    Ok(imports.map(|import| Import(import.module.clone(), import.name.clone())).collect())
}

/// The module may import its own glue, and there nothing that does IO.
fn check_imports(imports: &[Import]) -> Result<()> {
    for Import(module, name) in imports {
        let is_glue = module == "wbg" || module == &format!("./{OUT_NAME}_bg.js");
        let plain = name.to_ascii_lowercase();
        if !is_glue || FORBIDDEN.iter().any(|word| plain.contains(word)) {
            bail!("the WebAssembly module imports {module}.{name}\nIO belongs in the page.");
        }
    }
    Ok(())
}

/// Writes `package.json`, so that the directory is a package for npm and Node.
fn write_manifest(sh: &Shell, package: &Package) -> Result<()> {
    let metadata = project::metadata(sh)?;
    let ours = metadata["packages"].as_array().into_iter().flatten();
    let ours: &Value = ours.into_iter().find(|p| p["name"] == CRATE).context("no s3-ssec-wasm")?;
    let mut manifest = json!({
        "name": "s3-ssec",
        "version": ours["version"],
        "description": ours["description"],
        "license": ours["license"],
        "type": match package.target { Target::Web => "module", Target::Node => "commonjs" },
        "main": format!("{OUT_NAME}.js"),
        "types": format!("{OUT_NAME}.d.ts"),
        "files": [
            format!("{OUT_NAME}.js"),
            format!("{OUT_NAME}.d.ts"),
            format!("{OUT_NAME}_bg.wasm"),
        ],
    });
    if package.target == Target::Web {
        publishable(&mut manifest, &package.out)?;
    }
    // As text: the order of conditions in `exports` counts, and a map would sort them.
    let text = format!("{manifest:#}\n").replace("\"@exports\"", EXPORTS.trim());
    Ok(fs::write(package.out.join("package.json"), text)?)
}

/// What resolvers find: types before all else, and for Node the module that reads from disk.
const EXPORTS: &str = r#"
{
    ".": {
      "types": "./s3_ssec.d.ts",
      "node": "./node.js",
      "default": "./s3_ssec.js"
    },
    "./s3_ssec_bg.wasm": "./s3_ssec_bg.wasm",
    "./package.json": "./package.json"
  }
"#;

/// Adds what the package on a registry has and one for tests has not.
fn publishable(manifest: &mut Value, out: &Path) -> Result<()> {
    manifest["exports"] = "@exports".into();
    manifest["sideEffects"] = json!(["./node.js"]);
    manifest["engines"] = json!({ "node": ">=20" });
    let sources = project::root().join("crates").join(CRATE).join("package");
    let licences = ["LICENSE-APACHE", "LICENSE-MIT"].map(|name| project::root().join(name));
    let files = [sources.join("node.js"), sources.join("README.md")];
    for file in files.iter().chain(&licences) {
        let name = file.file_name().context("a file has a name")?;
        fs::copy(file, out.join(name))?;
        if let Some(files) = manifest["files"].as_array_mut() {
            files.push(name.to_string_lossy().into());
        }
    }
    Ok(())
}

/// Most bytes of the module and of its glue, with brotli: what a page loads first.
const BUDGET: [(&str, u64); 2] = [("_bg.wasm", 64 << 10), (".js", 6 << 10)];

/// Prints the size of each file, and what a browser would fetch if Node is there to compress.
fn print_sizes(sh: &Shell, package: &Package) -> Result<()> {
    let node = project::program_in_path("node");
    for (ending, most) in BUDGET {
        let file = package.out.join(format!("{OUT_NAME}{ending}"));
        let mut line = format!("{}: {} bytes", file.display(), fs::metadata(&file)?.len());
        if let Some(node) = &node {
            let script = "const {readFileSync} = require('fs'), {brotliCompressSync} = \
                          require('zlib'); console.log(brotliCompressSync(readFileSync(process.argv[1])).length)";
            let compressed = sh.cmd(node).args(["-e", script]).arg(&file).quiet().read()?;
            line.push_str(&format!(", {compressed} with brotli"));
            let published = package.target == Target::Web && package.features.is_empty();
            if published && compressed.trim().parse::<u64>()? > most {
                line.push_str(&format!(", above the budget of {most}"));
            }
        }
        output::say(line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(module: &str, name: &str) -> [Import; 1] {
        [Import(module.into(), name.into())]
    }

    #[test]
    fn the_glue_is_allowed() {
        check_imports(&import("./s3_ssec_bg.js", "__wbg_getRandomValues_1")).unwrap();
        check_imports(&import("wbg", "__wbindgen_throw")).unwrap();
    }

    #[test]
    fn io_is_refused() {
        for (module, name) in [("env", "read"), ("wbg", "__wbg_fetch_2"), ("wbg", "__wbg_now_3")] {
            assert!(check_imports(&import(module, name)).is_err(), "{module}.{name}");
        }
    }
}
