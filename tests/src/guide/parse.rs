//! Reads a chapter: its blocks, in order, and whether each of them is run by something.

use std::path::{Path, PathBuf};

/// A chapter of the guide.
pub struct Chapter {
    /// Its path below `src`, without `.md`.
    pub name: String,
    /// What it wants to be done, in order.
    pub blocks: Vec<Block>,
}

/// A fenced block, or a comment that is an instruction.
#[derive(Debug, Default)]
pub struct Block {
    /// `console`, `json`, `rust`, ...; `browser` for an instruction to open a page.
    pub language: String,
    /// Name of the file that it is.
    pub file: Option<String>,
    /// The releases on which it holds; all where it is empty.
    pub releases: Vec<String>,
    /// Commands that readers do not see.
    pub hidden: bool,
    /// Line in the chapter, counted from 1.
    pub line: usize,
    pub text: String,
}

/// What a console block has typed, and what is to be seen then.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub typed: String,
    pub seen: String,
    pub exit: i32,
}

/// Languages of blocks, and what has to run them.
const LANGUAGES: [&str; 12] = [
    "browser", "conf", "console", "diagram", "html", "ini", "js", "json", "python", "rust", "text",
    "toml",
];

/// All chapters, by name.
pub fn chapters() -> Vec<Chapter> {
    let root = root();
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let name = |path: &Path| path.strip_prefix(&root).unwrap().with_extension("");
    let read = |path: &PathBuf| Chapter {
        name: name(path).to_str().unwrap().to_owned(),
        blocks: blocks(&std::fs::read_to_string(path).unwrap()),
    };
    files.iter().map(read).filter(|chapter| chapter.name != "SUMMARY").collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/guide/src")
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, files),
            false => files.extend((path.extension().is_some_and(|e| e == "md")).then_some(path)),
        }
    }
}

/// The blocks of a text in Markdown.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(Block, &str)> = None;
    for (index, line) in text.lines().enumerate() {
        match &mut open {
            Some((block, end)) if line.trim() == *end => {
                blocks.push(std::mem::take(block));
                open = None;
            }
            Some((block, _)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => open = begin(line, index + 1, &mut blocks),
        }
    }
    assert!(open.is_none(), "a block without an end");
    blocks
}

/// The block that begins on this line; an instruction of one line is done at once.
fn begin(line: &str, number: usize, blocks: &mut Vec<Block>) -> Option<(Block, &'static str)> {
    if let Some(info) = line.trim_start().strip_prefix("```") {
        return Some((fence(info, number), "```"));
    }
    if line == "<!-- hidden" {
        let block =
            Block { language: "console".into(), hidden: true, line: number, ..Block::default() };
        return Some((block, "-->"));
    }
    if let Some(text) = line.strip_prefix("<!-- browser ").and_then(|l| l.strip_suffix(" -->")) {
        let (language, text) = ("browser".to_owned(), text.to_owned());
        blocks.push(Block { language, text, hidden: true, line: number, ..Block::default() });
    }
    None
}

fn fence(info: &str, line: usize) -> Block {
    let mut words = info.split(',');
    let language = words.next().unwrap_or_default().to_owned();
    let mut block = Block { language, line, ..Block::default() };
    for word in words {
        match word.split_once('=') {
            Some(("file", name)) => block.file = Some(name.to_owned()),
            Some(("rgw", list)) => block.releases = list.split('+').map(str::to_owned).collect(),
            _ => panic!("line {line}: {word:?} is nothing that a block can have"),
        }
    }
    block
}

impl Block {
    /// The commands of a console block.
    pub(super) fn commands(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        if self.language != "console" || self.file.is_some() {
            return commands;
        }
        let mut goes_on = false;
        for line in self.text.lines() {
            match (commands.last_mut(), line.strip_prefix("$ ")) {
                (Some(command), _) if goes_on => {
                    command.typed.push('\n');
                    command.typed.push_str(line);
                }
                (_, Some(typed)) => {
                    let (typed, seen) = (typed.to_owned(), String::new());
                    commands.push(Command { typed, seen, exit: 0 });
                }
                (Some(command), None) => match exit_code(line) {
                    Some(code) => command.exit = code,
                    None => {
                        command.seen.push_str(line);
                        command.seen.push('\n');
                    }
                },
                (None, None) => panic!("line {}: a console block begins with a command", self.line),
            }
            goes_on = line.ends_with('\\');
        }
        commands
    }

    /// What it includes, where it is nothing but that: `path`, or `path:anchor`.
    fn include(&self) -> Option<&str> {
        self.text.trim().strip_prefix("{{#include ")?.strip_suffix("}}")
    }

    /// How many lines of code a reader has to copy: none of them empty, or a remark.
    pub fn lines_of_code(&self) -> usize {
        let text = match (self.include(), &self.file) {
            (Some(include), _) => included(include).unwrap_or_default(),
            (None, Some(_)) => self.text.clone(),
            (None, None) => return 0,
        };
        let code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        text.lines().filter(code).count()
    }

    /// True if it holds on this release; a gateway that is not ours is taken for the newest.
    pub fn holds_on(&self, version: &str) -> bool {
        let version = if version == "foreign" { "20" } else { version };
        self.releases.is_empty() || self.releases.iter().any(|release| release == version)
    }
}

/// The code in `[exit code 3]`.
fn exit_code(line: &str) -> Option<i32> {
    line.strip_prefix("[exit code ")?.strip_suffix(']')?.parse().ok()
}

impl Chapter {
    /// Says which block nobody runs.
    pub fn check(&self) -> Result<(), String> {
        let commands: Vec<_> = self.blocks.iter().flat_map(Block::commands).collect();
        for (index, block) in self.blocks.iter().enumerate() {
            let wrong = |what: &str| Err(format!("line {}: {what}", block.line));
            if !LANGUAGES.contains(&block.language.as_str()) {
                return wrong(&format!("a block of {:?} is run by nothing", block.language));
            }
            if let Some(name) = &block.file {
                let typed = commands.iter().any(|command| command.typed.contains(name));
                let opened =
                    |block: &Block| block.language == "browser" && block.text.contains(name);
                if !typed && !self.blocks.iter().any(opened) {
                    return wrong(&format!("no command names {name}"));
                }
            }
            if let Some(include) = block.include() {
                included(include).map_err(|why| format!("line {}: {why}", block.line))?;
                continue;
            }
            match (block.language.as_str(), &block.file) {
                ("js" | "python" | "html" | "conf" | "ini" | "toml", None) => {
                    return wrong("it is no file, so nothing runs it");
                }
                ("json", None) if !self.is_output(index) => {
                    return wrong("it stands behind no command whose output it could be");
                }
                ("rust", _) => return wrong("Rust is included from an example"),
                _ => {}
            }
        }
        Ok(())
    }

    /// True if the block is the output of the command before it.
    pub(super) fn is_output(&self, index: usize) -> bool {
        let Some(block) = self.blocks.get(index) else { return false };
        let before = index.checked_sub(1).map(|before| &self.blocks[before]);
        let last = before.and_then(|before| before.commands().pop());
        block.language == "json"
            && block.file.is_none()
            && last.is_some_and(|command| command.seen.is_empty())
    }
}

/// The text of an example, whole or between its anchors: compilers and `tests/it/examples.rs` have seen it.
fn included(include: &str) -> Result<String, String> {
    let (path, anchor) = include.split_once(':').unwrap_or((include, ""));
    let name = path.trim_start_matches("../");
    if !name.contains("/examples/") {
        return Err(format!("{name} is no example"));
    }
    let file = root().join("../../..").join(name);
    let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    if anchor.is_empty() {
        return Ok(text);
    }
    let after = text.split_once(&format!("// ANCHOR: {anchor}\n")).map(|(_, after)| after);
    let inside = after.and_then(|after| after.split_once(&format!("// ANCHOR_END: {anchor}")));
    inside
        .map(|(inside, _)| inside.to_owned())
        .ok_or_else(|| format!("{name} has no anchor {anchor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Title

```console
$ s3-ssec put a \\
    s3://b/a
s3://b/a
...
$ false
[exit code 1]
```

<!-- hidden
$ true
-->

```python,file=a.py,rgw=16+18
print(1)
```
<!-- browser page.html, #file, a, done -->
";

    #[test]
    fn blocks_and_commands_are_read() {
        let blocks = blocks(TEXT);
        let command = |typed: &str, seen: &str, exit| Command {
            typed: typed.into(),
            seen: seen.into(),
            exit,
        };
        let put = command("s3-ssec put a \\\n    s3://b/a", "s3://b/a\n...\n", 0);
        assert_eq!(blocks[0].commands(), [put, command("false", "", 1)]);
        assert!(blocks[1].hidden && blocks[1].commands() == [command("true", "", 0)]);
        assert_eq!(blocks[2].file.as_deref(), Some("a.py"));
        assert!(blocks[2].holds_on("18") && !blocks[2].holds_on("20"));
        assert_eq!((blocks[3].language.as_str(), blocks[3].line), ("browser", 19));
    }

    #[test]
    fn what_nobody_runs_is_found() {
        for text in [
            "```python\nx\n```\n",
            "```python,file=x.py\nx\n```\n",
            "```json\n{}\n```\n",
            "```sh\nls\n```\n",
            "```rust\nfn main() {}\n```\n",
        ] {
            let chapter = Chapter { name: "x".into(), blocks: blocks(text) };
            assert!(chapter.check().is_err(), "{text}");
        }
        let run =
            "```python,file=x.py\nx\n```\n```console\n$ python3 x.py\n```\n```json\n{}\n```\n";
        Chapter { name: "x".into(), blocks: blocks(run) }.check().unwrap();
    }
}
