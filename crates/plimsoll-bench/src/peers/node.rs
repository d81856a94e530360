//! Peers from npm.

use super::peer_folder;
use crate::registry::Trouble;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// A peer from npm: its manifest and lock file, and a script that reads one JSON file and prints one JSON object.
pub(crate) struct NodePeer {
    /// What lines call it.
    pub(crate) name: &'static str,
    /// Its folder below the build's.
    pub(crate) folder: &'static str,
    pub(crate) package: &'static str,
    pub(crate) lock: &'static str,
    pub(crate) script: &'static str,
}

impl NodePeer {
    /// Installs the peer where it is not, and lets it answer.
    pub(crate) fn run(&self, input: &Value) -> Result<Value, Trouble> {
        let folder = peer_folder(self.folder);
        let put = |name: &str, text: &str| std::fs::write(folder.join(name), text);
        let ready = std::fs::create_dir_all(&folder)
            .and_then(|()| put("peer.cjs", self.script))
            .and_then(|()| put("input.json", &input.to_string()));
        ready.map_err(|error| self.missing(&format!("{}: {error}", folder.display())))?;
        self.install(&folder)?;
        let node = Command::new("node")
            .args(["peer.cjs", "input.json"])
            .current_dir(&folder)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| self.missing(&format!("node does not start: {error}")))?;
        if !node.status.success() {
            return Err(self.missing(&format!("node ended with {}", node.status)));
        }
        serde_json::from_slice(&node.stdout)
            .map_err(|error| self.missing(&format!("no JSON from node: {error}")))
    }

    /// `npm ci`, unless just this lock file was installed before.
    fn install(&self, folder: &Path) -> Result<(), Trouble> {
        let stamp = folder.join("installed.json");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == self.lock) {
            return Ok(());
        }
        eprintln!("installing {}", self.name);
        let put = |name: &str, text: &str| std::fs::write(folder.join(name), text);
        put("package.json", self.package)
            .and_then(|()| put("package-lock.json", self.lock))
            .map_err(|error| self.missing(&error.to_string()))?;
        let npm = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(folder)
            .output()
            .map_err(|error| self.missing(&format!("npm does not start: {error}")))?;
        if !npm.status.success() {
            let said = String::from_utf8_lossy(&npm.stderr);
            return Err(self.missing(&format!("npm ci ended with {}: {}", npm.status, said.trim())));
        }
        std::fs::write(stamp, self.lock).map_err(|error| self.missing(&error.to_string()))
    }

    pub(crate) fn missing(&self, why: &str) -> Trouble {
        Trouble::NoBaseline { baseline: self.name, why: why.into() }
    }
}
