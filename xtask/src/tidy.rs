//! stub
pub(crate) fn run(_: &xshell::Shell) -> anyhow::Result<()> {
    Ok(())
}
