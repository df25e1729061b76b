//! Builds the modules of s3-ssec-wasm, binds them to JavaScript with wasm-bindgen as a library, looks at the result.

mod modules;
mod sizes;

use super::{Package, TRIPLE, Target};
use crate::project;
use anyhow::{Context, Result, bail};
use modules::Module;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;
use xshell::Shell;

const CRATE: &str = "s3-ssec-wasm";
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
    fs::create_dir_all(&package.out)?;
    let modules = modules::of(package);
    for module in &modules {
        let built = build(module)?;
        check_imports(module.name, &bind(&built, module, package)?)?;
    }
    write_manifest(sh, package, &modules)?;
    modules.iter().try_for_each(|module| sizes::check(sh, module, package))?;
    if package.target == Target::Web { sizes::check_page(sh) } else { Ok(()) }
}

fn build(module: &Module) -> Result<PathBuf> {
    let rustflags = format!("target.{TRIPLE}.rustflags={:?}", module.rustflags());
    let mut arguments = vec!["-p", CRATE, "--target", TRIPLE, "--profile", module.profile];
    arguments.extend(["--no-default-features", "--features", &module.features]);
    arguments.extend(["--config", &rustflags]);
    let artifacts = project::build(&arguments)?;
    let is_module = |file: &Path| file.extension().is_some_and(|extension| extension == "wasm");
    project::find(&artifacts, "cdylib", &CRATE.replace('-', "_"), is_module)
}

/// Writes the code of one module to the package's directory; returns what it imports.
fn bind(built: &Path, module: &Module, package: &Package) -> Result<Vec<Import>> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(built).typescript(true).out_name(module.name);
    // The library leaves the module's address out, unlike the command: `init()` would fail.
    bindgen.omit_default_module_path(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    match package.target {
        Target::Web => bindgen.web(true)?,
        Target::Node => bindgen.nodejs(true)?,
    };
    let mut output = bindgen.generate_output()?;
    output.emit(&package.out)?;
    // The declarations for TypeScript keep the documentation.
    let glue = package.out.join(format!("{}.js", module.name));
    fs::write(&glue, sizes::without_comments(&fs::read_to_string(&glue)?))?;
    let imports = output.wasm().imports.iter();
    Ok(imports.map(|import| Import(import.module.clone(), import.name.clone())).collect())
}

/// The module may import its own glue, and there nothing that does IO.
fn check_imports(name: &str, imports: &[Import]) -> Result<()> {
    for Import(module, function) in imports {
        let is_glue = module == "wbg" || module == &format!("./{name}_bg.js");
        let plain = function.to_ascii_lowercase();
        if !is_glue || FORBIDDEN.iter().any(|word| plain.contains(word)) {
            bail!("the WebAssembly module imports {module}.{function}\nIO belongs in the page.");
        }
    }
    Ok(())
}

/// Writes `package.json`, so that the directory is a package for npm and Node.
fn write_manifest(sh: &Shell, package: &Package, modules: &[Module]) -> Result<()> {
    let metadata = project::metadata(sh)?;
    let ours = metadata["packages"].as_array().into_iter().flatten();
    let ours: &Value = ours.into_iter().find(|p| p["name"] == CRATE).context("no s3-ssec-wasm")?;
    let mut manifest = json!({
        "name": "s3-ssec",
        "version": ours["version"],
        "description": ours["description"],
        "license": ours["license"],
        "type": match package.target { Target::Web => "module", Target::Node => "commonjs" },
        "main": format!("{}.js", modules[0].name),
        "types": format!("{}.d.ts", modules[0].name),
    });
    let mut files: Vec<String> = modules.iter().flat_map(Module::files).collect();
    if package.target == Target::Web {
        manifest["exports"] = "@exports".into();
        manifest["engines"] = json!({ "node": ">=20" });
        files.extend(add_files(&package.out, modules)?);
    }
    manifest["files"] = json!(files);
    // As text: the order of conditions in `exports` counts, and a map would sort them.
    let text = format!("{manifest:#}\n").replace("\"@exports\"", &exports(modules));
    Ok(fs::write(package.out.join("package.json"), text)?)
}

/// What resolvers find: types before all else, and for Node the file that reads from disk.
fn exports(modules: &[Module]) -> String {
    let mut entries = Vec::new();
    for module in modules {
        let (name, path, node) = (module.name, module.path(), module.for_node());
        entries.push(format!(
            "{path:?}: {{\n      \"types\": \"./{name}.d.ts\",\n      \"node\": \"./{node}\",\n      \
             \"default\": \"./{name}.js\"\n    }}"
        ));
        entries.push(format!("\"./{name}_bg.wasm\": \"./{name}_bg.wasm\""));
    }
    entries.push("\"./package.json\": \"./package.json\"".into());
    format!("{{\n    {}\n  }}", entries.join(",\n    "))
}

/// Adds what the package on a registry has and one for tests has not; returns the names.
fn add_files(out: &Path, modules: &[Module]) -> Result<Vec<String>> {
    let sources = project::root().join("crates").join(CRATE).join("package");
    let licences = ["LICENSE-APACHE", "LICENSE-MIT"].map(|name| project::root().join(name));
    let mut names = Vec::new();
    for file in licences.iter().chain([&sources.join("README.md")]) {
        let name = file.file_name().context("a file has a name")?;
        fs::copy(file, out.join(name))?;
        names.push(name.to_string_lossy().into());
    }
    let node = fs::read_to_string(sources.join("node.js"))?;
    for module in modules {
        fs::write(out.join(module.for_node()), node.replace("MODULE", module.name))?;
        names.push(module.for_node());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(module: &str, name: &str) -> [Import; 1] {
        [Import(module.into(), name.into())]
    }

    #[test]
    fn the_glue_is_allowed() {
        check_imports("s3_ssec", &import("./s3_ssec_bg.js", "__wbg_getRandomValues_1")).unwrap();
        check_imports("s3_ssec", &import("wbg", "__wbindgen_throw")).unwrap();
    }

    #[test]
    fn io_is_refused() {
        for (module, name) in [("env", "read"), ("wbg", "__wbg_fetch_2"), ("wbg", "__wbg_now_3")] {
            assert!(check_imports("s3_ssec", &import(module, name)).is_err(), "{module}.{name}");
        }
    }
}
