//! stub
pub(crate) fn run(_: &xshell::Shell, _: crate::flags::Demo) -> anyhow::Result<()> {
    Ok(())
}
