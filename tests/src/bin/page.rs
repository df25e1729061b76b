//! Serves the page of a directory on loopback until it is ended: `page DIRECTORY PORT`.
#![allow(clippy::print_stdout, reason = "it says where the page is")]

use harness::page::Page;
use std::error::Error;
use std::path::PathBuf;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let root = PathBuf::from(arguments.next().ok_or("which directory?")?);
    let port = arguments.next().ok_or("which port?")?.parse()?;
    let page = Page::serve(&root, port).await?;
    println!("the page is at {} (Ctrl-C ends it)", page.origin);
    std::future::pending::<()>().await;
    Ok(())
}
