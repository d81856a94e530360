//! Peers that run in a process of their own and time themselves. Each is installed below the build's folder when it is first
//! asked, exactly as its lock file says, and only then.

mod node;
mod python;

pub(crate) use node::NodePeer;
pub(crate) use python::PythonPeer;

use std::path::{Path, PathBuf};

/// Where a peer is installed.
fn peer_folder(name: &str) -> PathBuf {
    build_folder().join("bench-peers").join(name)
}

/// The folder that this program was built into.
pub(crate) fn build_folder() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let profile = |path: &Path| path.file_name().is_some_and(|name| name == "release" || name == "debug");
    let beside = || {
        let program = std::env::current_exe().ok()?;
        let profile = program.ancestors().find(|path| profile(path))?;
        profile.parent().map(Path::to_path_buf)
    };
    named.or_else(beside).unwrap_or_else(|| PathBuf::from("target"))
}
