//! Peers from PyPI.

use super::peer_folder;
use crate::registry::Trouble;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A peer in Python: its pinned packages with their hashes, and a script that reads `input.json` and prints one JSON object.
pub(crate) struct PythonPeer {
    /// What lines call it.
    pub(crate) name: &'static str,
    /// Its folder below the build's.
    pub(crate) folder: &'static str,
    pub(crate) requirements: &'static str,
    pub(crate) script: &'static str,
}

impl PythonPeer {
    /// Installs the peer where it is not, and lets it answer. `arrays` are files that the input names.
    pub(crate) fn run(&self, input: &Value, arrays: &[(&str, Vec<u8>)]) -> Result<Value, Trouble> {
        let folder = peer_folder(self.folder);
        // The environment's own Python is started in this folder: by a path that holds from anywhere.
        let folder = std::fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
        let folder = folder.map_err(|error| self.missing(&error))?;
        let put = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.join(name), bytes).map_err(|error| self.missing(&error))
        };
        put("peer.py", self.script.as_bytes())?;
        put("input.json", input.to_string().as_bytes())?;
        arrays.iter().try_for_each(|(name, bytes)| put(name, bytes))?;
        self.install(&folder)?;
        let mut python = Command::new(folder.join("venv/bin/python"));
        let answer = self.ended(python.arg("peer.py").current_dir(&folder).stderr(Stdio::inherit()));
        for (name, _) in arrays {
            let _ = std::fs::remove_file(folder.join(name)); // what is left is written over the next time
        }
        serde_json::from_slice(&answer?.stdout).map_err(|error| self.missing(&error))
    }

    /// A fresh environment, unless just these packages were installed before.
    fn install(&self, folder: &Path) -> Result<(), Trouble> {
        let stamp = folder.join("installed.txt");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == self.requirements) {
            return Ok(());
        }
        eprintln!("installing {}", self.name);
        std::fs::write(folder.join("requirements.txt"), self.requirements)
            .map_err(|error| self.missing(&error))?;
        self.ended(Command::new("python3").args(["-m", "venv", "--clear", "venv"]).current_dir(folder))?;
        let mut pip = Command::new(folder.join("venv/bin/python"));
        let options =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
        pip.args(options).args(["--require-hashes", "-r", "requirements.txt"]);
        self.ended(pip.current_dir(folder))?;
        std::fs::write(stamp, self.requirements).map_err(|error| self.missing(&error))
    }

    /// What a command said that ended well.
    fn ended(&self, command: &mut Command) -> Result<Output, Trouble> {
        let output = command.output().map_err(|error| self.missing(&error))?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(self.missing(&format!("{} {}", output.status, said.trim())))
    }

    fn missing(&self, why: &dyn std::fmt::Display) -> Trouble {
        Trouble::NoBaseline { baseline: self.name, why: why.to_string() }
    }
}
