//! stub
pub(crate) fn run(_: &xshell::Shell, _: crate::flags::Wasm) -> anyhow::Result<()> {
    Ok(())
}
