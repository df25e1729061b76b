//! stub
pub(crate) fn run(_: &xshell::Shell, _: crate::flags::Test) -> anyhow::Result<()> {
    Ok(())
}
pub(crate) fn lab_file(sh: &xshell::Shell) -> anyhow::Result<std::path::PathBuf> {
    Ok(crate::project::target_dir(sh)?.join("lab.json"))
}
