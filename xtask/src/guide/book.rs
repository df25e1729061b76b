//! mdBook as a library, with two additions: drawings from text, and the table of gateways.

use super::{diagram, gateways};
use anyhow::Result;
use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use mdbook_preprocessor::book::{Book, Chapter};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use std::path::Path;

/// What stands in a chapter where the table belongs.
const TABLE: &str = "{{gateways}}";

/// Builds the book in `sources` into `out`.
pub(super) fn build(sources: &Path, out: &Path) -> Result<()> {
    let mut config = Config::from_disk(sources.join("book.toml"))?;
    config.build.build_dir = out.to_owned();
    let mut book = MDBook::load_with_config(sources, config)?;
    book.with_preprocessor(Ours);
    book.build()
}

struct Ours;

impl Preprocessor for Ours {
    fn name(&self) -> &str {
        "s3-ssec"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let mut failed = None;
        book.for_each_chapter_mut(|chapter| {
            if let Err(error) = complete(chapter, &context.root) {
                failed = failed.take().or(Some(error.context(format!("chapter {}", chapter.name))));
            }
        });
        failed.map_or(Ok(book), Err)
    }
}

fn complete(chapter: &mut Chapter, root: &Path) -> Result<()> {
    if chapter.content.contains(TABLE) {
        chapter.content = chapter.content.replace(TABLE, &gateways::table(root)?);
    }
    chapter.content = diagram::draw_all(&chapter.content)?;
    Ok(())
}
