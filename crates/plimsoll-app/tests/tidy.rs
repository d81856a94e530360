//! What must be absent, everywhere: the invariants of ARCHITECTURE.md that are about the tree and not about a number.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that cannot read the tree has failed

use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// The platform that we build for; the others' dependencies need not be on this machine.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc says its host").to_string()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &host()])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// The names of all packages that are built here, ours included.
fn linked() -> HashSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--target", &host(), "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_string).collect()
}

/// Every Rust source below a folder, as (path from the root, text).
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the tree") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, fs::read_to_string(&path).expect("a source")));
            }
        }
    }
    found.sort();
    found
}

fn crate_sources(package: &str) -> Vec<(String, String)> {
    sources(&root().join("crates").join(package).join("src"))
}

/// A line without its comment; good enough for a tree that has no `//` in strings of code.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or("")
}

/// A crate, which of the project's crates it may use, and which crates of others where that is limited.
type Layer = (&'static str, &'static [&'static str], Option<&'static [&'static str]>);

const LAYERS: &[Layer] = &[
    ("plimsoll-core", &[], Some(&["ruint"])),
    ("plimsoll-venues", &["plimsoll-core"], Some(&[])),
    ("plimsoll-io", &["plimsoll-core", "plimsoll-venues"], None),
    ("plimsoll", &["plimsoll-core"], Some(&["sha2"])),
    ("plimsoll-app", &["plimsoll", "plimsoll-core", "plimsoll-io"], None),
    ("plimsoll-bench", &["plimsoll", "plimsoll-core", "plimsoll-io", "plimsoll-venues"], None),
];

/// A1
#[test]
fn crates_depend_downward_only() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let ours = |name: &str| name == "plimsoll" || name.starts_with("plimsoll-");
    let mut seen = 0;
    for package in packages.iter().filter(|package| package["source"].is_null()) {
        let name = package["name"].as_str().expect("a name");
        let (_, inner, outer) = LAYERS
            .iter()
            .find(|(layer, _, _)| *layer == name)
            .unwrap_or_else(|| panic!("{name} has no place in the layers"));
        seen += 1;
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let dependency_name = dependency["name"].as_str().expect("a name");
            if !dependency["kind"].is_null() {
                continue; // tests and build scripts may use more
            }
            if ours(dependency_name) {
                assert!(inner.contains(&dependency_name), "{name} must not use {dependency_name}");
            } else if let Some(outer) = outer {
                assert!(outer.contains(&dependency_name), "{name} must not use {dependency_name}");
            }
        }
        assert!(package["features"].as_object().is_none_or(serde_json::Map::is_empty), "{name} has features");
    }
    assert!(seen >= 5, "only {seen} crates of ours were seen");
}

/// A2
#[test]
fn no_float_in_core_and_venues() {
    for package in ["plimsoll-core", "plimsoll-venues"] {
        for (file, text) in crate_sources(package) {
            for (number, line) in (1..).zip(text.lines()) {
                let words = code(line).split(|c: char| !c.is_alphanumeric() && c != '_');
                for word in words {
                    assert!(word != "f32" && word != "f64", "{file}:{number}: a float");
                }
            }
        }
        let lints = fs::read_to_string(root().join("crates").join(package).join("clippy.toml"));
        assert!(lints.expect("a clippy.toml of its own").contains("f64"), "{package} allows floats");
    }
}

/// A3
#[test]
fn no_unsafe_anywhere() {
    for package in fs::read_dir(root().join("crates")).expect("crates") {
        let manifest = package.expect("a crate").path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a manifest");
        assert!(text.contains("[lints]\nworkspace = true"), "{} has lints of its own", manifest.display());
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace");
    assert!(workspace.contains("unsafe_code = \"forbid\""));
    assert!(workspace.contains("missing_docs = \"warn\""));
}

/// A4
#[test]
fn no_venue_is_named_outside_venues_io_app_and_bench() {
    let venues = ["aave", "morpho", "comet", "compound", "maker", "liquity"];
    for package in ["plimsoll-core", "plimsoll"] {
        for (file, text) in crate_sources(package) {
            for (number, line) in (1..).zip(text.lines()) {
                let line = code(line).to_lowercase();
                for venue in venues {
                    assert!(!line.contains(venue), "{file}:{number} names {venue}");
                }
            }
        }
    }
}

/// A5
#[test]
fn big_integers_have_no_operators() {
    // The big-integer crate wraps silently; only core's own number module may touch it.
    for (file, text) in sources(&root().join("crates")) {
        let in_num = file.starts_with("crates/plimsoll-core/src/num");
        let elsewhere = !in_num && !file.starts_with("crates/plimsoll-bench") && !file.contains("/tests/");
        assert!(!elsewhere || !text.contains("ruint::"), "{file} uses the big-integer crate directly");
    }
    // And there, no operator trait gives `+` back.
    for (file, text) in crate_sources("plimsoll-core") {
        for operator in ["Add", "Sub", "Mul", "Div", "Rem", "Neg", "AddAssign", "SubAssign", "MulAssign"] {
            for implementation in
                [format!("{operator} for "), format!("{operator}<"), format!("ops::{operator}")]
            {
                let lines = text.lines().map(code).filter(|line| line.trim_start().starts_with("impl"));
                for line in lines {
                    let word = format!(" {implementation}");
                    let found = line.contains(&word) || line.contains(&format!("::{implementation}"));
                    assert!(!found, "{file}: {line}");
                }
            }
        }
    }
}

#[test]
fn formatting_is_rustfmts() {
    let output = Command::new(env!("CARGO"))
        .args(["fmt", "--all", "--check"])
        .current_dir(root())
        .output()
        .expect("cargo fmt runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn files_are_one_thing_each() {
    for (file, text) in sources(&root().join("crates")) {
        let lines = text.lines().count();
        assert!(lines <= 900, "{file} has {lines} lines: is it one thing?");
    }
}

/// Licences and origins of everything that is linked in, as `deny.toml` has them for `cargo deny`.
#[test]
fn dependencies_are_licensed_and_from_the_registry() {
    const ALLOWED: [&str; 10] = [
        "MIT",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Unicode-3.0",
        "Unlicense",
        "Zlib",
        "BSL-1.0",
    ];
    let allowed = |expression: &str| {
        expression.replace('/', " OR ").split(" AND ").all(|all| {
            all.trim_matches(['(', ')'])
                .split(" OR ")
                .any(|one| ALLOWED.contains(&one.trim().trim_matches(['(', ')'])))
        })
    };
    let linked = linked();
    assert!(linked.len() > 50, "only {} packages were seen", linked.len());
    for package in metadata()["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        if !linked.contains(name) {
            continue; // another platform's features bring it into the metadata
        }
        let license = package["license"].as_str().unwrap_or("none");
        assert!(allowed(license), "{name} is licensed {license}");
        if let Some(source) = package["source"].as_str() {
            assert!(source.starts_with("registry+"), "{name} comes from {source}");
        }
    }
    assert!(!allowed("GPL-3.0") && !allowed("MIT AND GPL-3.0") && allowed("MIT OR GPL-3.0"));
}

/// Every invariant that ARCHITECTURE.md numbers names the test that holds it, and that test exists.
#[test]
fn every_invariant_has_its_test() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let tests: String = sources(&root().join("crates")).into_iter().map(|(_, text)| text).collect();
    let mut expected = 1;
    for line in architecture.lines().filter(|line| line.starts_with("- **A")) {
        assert!(line.starts_with(&format!("- **A{expected}**")), "expected A{expected}: {line}");
        expected += 1;
        let named = line.rsplit_once("Test: ").or_else(|| line.rsplit_once("Tests: "));
        let (_, named) = named.unwrap_or_else(|| panic!("no test is named: {line}"));
        for test in named.split(", ") {
            let test = test.trim_matches('`');
            assert!(tests.contains(&format!("fn {test}(")), "no such test: {test}");
        }
    }
    assert!(expected > 8, "only {} invariants were found", expected - 1);
}
