//! What decides about stored results is hashed, so that no result of another state of the program is kept.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code)]
#[path = "../build.rs"]
mod build;

use std::{collections::BTreeSet, fs, path::Path};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Modules that a source uses by `crate::`, outside its tests.
fn used(source: &str) -> BTreeSet<String> {
    let code: String = source.split("#[cfg(test)]\nmod tests").next().unwrap().into();
    let code: String =
        code.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    let word = |text: &str| -> String {
        text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut found = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            found.insert(word(after));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (i, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    found.insert(word(&list[i..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn modules_that_are_used_are_found() {
    let source = "use crate::{\n    a::{b, c},\n    d,\n};\n// crate::no\nfn f() { crate::e::g() }\n#[cfg(test)]\nmod tests { use crate::h; }";
    assert_eq!(used(source).into_iter().collect::<Vec<_>>(), ["a", "d", "e"]);
}

#[test]
fn every_source_that_can_change_a_result_is_hashed() {
    let hashed = build::hashed(root());
    for name in [
        "Cargo.lock",
        "Cargo.toml",
        "src/tissue.rs",
        "src/pipeline/cuts.rs",
        "src/store/record.rs",
        build::STILL,
    ] {
        assert!(hashed.iter().any(|n| n == name), "{name}");
    }
    let tissue = fs::read_dir(root().join("src/tissue")).unwrap();
    for file in tissue.map(|e| format!("src/tissue/{}", e.unwrap().file_name().to_str().unwrap())) {
        assert!(hashed.contains(&file), "{file}");
    }
    assert!(hashed.iter().all(|name| root().join(name).is_file()));
    for place in build::LEFT_OUT {
        assert!(root().join(place).exists(), "{place} is no more");
    }
}

#[test]
fn what_is_hashed_uses_nothing_that_is_not() {
    let left_out: Vec<&str> =
        build::LEFT_OUT.iter().filter_map(|p| p.strip_prefix("src/")?.strip_suffix(".rs")).collect();
    let own = |name: &str| name == "src/lib.rs" || name == build::STILL;
    let mut wrong = Vec::new();
    for name in build::hashed(root()).iter().filter(|n| n.ends_with(".rs") && !own(n)) {
        let source = fs::read_to_string(root().join(name)).unwrap();
        let bad = used(&source).into_iter().filter(|module| left_out.contains(&module.as_str()));
        wrong.extend(bad.map(|module| format!("{name} uses {module}")));
        let report = ["comparison::", "index_page::", "agreement::"]
            .into_iter()
            .filter(|m| source.contains(&format!("report::{m}")));
        wrong.extend(report.map(|module| format!("{name} uses report::{module}")));
    }
    assert_eq!(wrong, [""; 0]);
}
