//! What must be absent, everywhere: the invariants of ARCHITECTURE.md that are about the tree and not about a number.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that cannot read the tree has failed

mod lexed;

use lexed::{implementations, is_float, words};
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
    ("plimsoll-core", &[], Some(&["ruint", "serde"])),
    ("plimsoll-venues", &["plimsoll-core"], Some(&[])),
    ("plimsoll-margin", &["plimsoll-core"], Some(&[])),
    (
        "plimsoll-engine",
        &["plimsoll-core", "plimsoll-kernel"],
        Some(&["crc32fast", "postcard", "serde", "sha2"]),
    ),
    ("plimsoll-kernel", &["plimsoll-core"], Some(&["rayon"])),
    ("plimsoll-risk", &["plimsoll-kernel"], Some(&["libm"])),
    ("plimsoll-sim", &["plimsoll-core", "plimsoll-kernel", "plimsoll-risk"], Some(&["libm"])),
    ("plimsoll-io", &["plimsoll-core", "plimsoll-margin", "plimsoll-risk", "plimsoll-venues"], None),
    (
        "plimsoll-chain",
        &["plimsoll-core", "plimsoll-io", "plimsoll-venues"],
        Some(&["serde_json", "sha3", "ureq"]),
    ),
    ("plimsoll", &["plimsoll-core", "plimsoll-kernel", "plimsoll-risk", "plimsoll-sim"], Some(&["sha2"])),
    (
        "plimsoll-app",
        &[
            "plimsoll",
            "plimsoll-chain",
            "plimsoll-core",
            "plimsoll-engine",
            "plimsoll-io",
            "plimsoll-margin",
            "plimsoll-risk",
            "plimsoll-sim",
        ],
        None,
    ),
    (
        "plimsoll-bench",
        &[
            "plimsoll",
            "plimsoll-core",
            "plimsoll-engine",
            "plimsoll-io",
            "plimsoll-kernel",
            "plimsoll-margin",
            "plimsoll-risk",
            "plimsoll-sim",
            "plimsoll-venues",
        ],
        None,
    ),
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
    for package in
        ["plimsoll-core", "plimsoll-venues", "plimsoll-margin", "plimsoll-engine", "plimsoll-chain"]
    {
        for (file, text) in crate_sources(package) {
            for word in words(&text) {
                assert!(!is_float(&word.text), "{file}:{}: the float {}", word.line, word.text);
            }
        }
        let lints = fs::read_to_string(root().join("crates").join(package).join("clippy.toml"));
        assert!(lints.expect("a clippy.toml of its own").contains("f64"), "{package} allows floats");
    }
}

/// What a manifest says under `[section]`; comments say nothing.
fn setting<'t>(manifest: &'t str, section: &str, key: &str) -> Option<&'t str> {
    let lines = manifest.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    let inside = lines.skip_while(|line| *line != format!("[{section}]")).skip(1);
    let mut pairs = inside.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once('='));
    pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
}

/// The one folder with unsafe code: the kernel's instructions of one processor.
const SIMD: &str = "crates/plimsoll-kernel/src/simd/";

/// A3
#[test]
fn unsafe_only_under_simd() {
    for package in fs::read_dir(root().join("crates")).expect("crates") {
        let manifest = package.expect("a crate").path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a manifest");
        assert_eq!(setting(&text, "lints", "workspace"), Some("true"), "{}", manifest.display());
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace");
    assert_eq!(setting(&workspace, "workspace.lints.rust", "unsafe_code"), Some("\"deny\""));
    assert_eq!(setting(&workspace, "workspace.lints.rust", "missing_docs"), Some("\"warn\""));
    assert_eq!(setting("[a]\n# x = 1\n[b]\nx = 2 # 3", "a", "x"), None);
    let mut reasons = 0;
    for (file, text) in sources(&root().join("crates")) {
        let lines: Vec<&str> = text.lines().collect();
        for word in words(&text) {
            if word.text == "unsafe_code" {
                assert_eq!(file, format!("{SIMD}mod.rs"), "{file}:{} lets unsafe code in", word.line);
            }
            if word.text != "unsafe" {
                continue;
            }
            assert!(file.starts_with(SIMD), "{file}:{} is unsafe", word.line);
            // Its reason stands right above it, at most three lines of it; the declaration of a foreign function has none.
            let above = &lines[word.line.saturating_sub(5)..word.line];
            let declares = lines[word.line - 1].contains("unsafe extern");
            assert!(
                declares || above.iter().any(|line| line.contains("// SAFETY: ")),
                "{file}:{}",
                word.line
            );
            reasons += 1;
        }
    }
    assert!(reasons > 20, "only {reasons} were seen");
}

/// A4
#[test]
fn no_venue_is_named_outside_venues_io_app_and_bench() {
    let venues = ["aave", "morpho", "comet", "compound", "maker", "liquity"];
    for package in ["plimsoll-core", "plimsoll-kernel", "plimsoll-risk", "plimsoll-sim", "plimsoll"] {
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
    // And there, its numbers have these traits and no other: an operator, or a way to the crate's own number that has
    // them all (`Deref`), would be one more, under whatever name it is imported.
    let traits = ["From", "FromStr", "Ord", "PartialOrd", "Display", "Debug", "Serialize", "Deserialize"];
    let mut seen = 0;
    for (file, text) in crate_sources("plimsoll-core") {
        for (line, name, of) in implementations(&text) {
            let number =
                |word: &String| ["U256", "Int", "Wide", "Divisor", "Decimal", "$"].contains(&word.as_str());
            if of.iter().any(number) {
                assert!(traits.contains(&name.as_str()), "{file}:{line}: {name} for {}", of.concat());
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "only {seen} traits of numbers were seen");
    // Derived are what every plain value has.
    for (file, text) in crate_sources("plimsoll-core").iter().filter(|(file, _)| file.contains("src/num")) {
        for line in text.lines().map(code).filter(|line| line.contains("derive(")) {
            let inside = line.split_once("derive(").and_then(|(_, rest)| rest.split_once(')'));
            for name in inside.map_or("", |(inside, _)| inside).split(", ") {
                let plain =
                    ["Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];
                // The word for a rounding goes into records as it is; numbers are written by `serial`, which proves what it reads.
                let word = file.ends_with("src/num.rs") && name.starts_with("serde::");
                assert!(plain.contains(&name) || word, "{file}: {line}");
            }
        }
    }
}

/// The checks above read code as Rust does.
#[test]
fn words_are_what_rust_reads() {
    let text = |source: &str| words(source).into_iter().map(|word| word.text).collect::<Vec<_>>();
    assert_eq!(text("a // 0.5\n/* 1.5 /* 2 */ 3 */ b"), ["a", "b"]);
    assert_eq!(
        text("f(\"1.5 \\\" 2.5\", r#\"3.5\" 4\"#, b'x', '\\'', '\"', 'a')"),
        ["f", "(", ",", ",", "b", ",", ",", ",", ")"]
    );
    let floats = |source: &str| text(source).into_iter().filter(|word| is_float(word)).collect::<Vec<_>>();
    assert_eq!(
        floats("let y = 0.1 + 2. + 1e5 + 1.5e-3 + 3f64; y as f32"),
        ["0.1", "2.", "1e5", "1.5e-3", "3f64", "f32"]
    );
    assert_eq!(floats("0..5, x.0.1, 1.max(2), 0x1e5, 7_usize, 1u128 << 2, name_e5"), [""; 0]);
    let found = |source: &str| {
        let found = implementations(source).into_iter();
        found.map(|(_, name, of)| format!("{name} for {}", of.concat())).collect::<Vec<_>>()
    };
    assert_eq!(found("use core::ops::Add as Plus; impl Plus for U256 {}"), ["Plus for U256"]);
    assert_eq!(found("impl<T: Into<U256>>\n  core::ops::Add<T>\n for &Int where T: X {}"), ["Add for &Int"]);
    assert_eq!(found("fn x(f: impl Fn(u8) -> U256) { for x in y {} } impl U256 {}"), [""; 0]);
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
    const ALLOWED: [&str; 11] = [
        "MIT",
        // Of the list of certificate authorities alone: data, to be passed on with its licence.
        "CDLA-Permissive-2.0",
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
