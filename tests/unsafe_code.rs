//! Unsafe code is allowed in the files of the kernels for vector instructions, and nowhere else.

use std::fs;
use std::path::{Path, PathBuf};

/// The files that may contain unsafe code. Some may not exist.
const KERNELS: [&str; 5] = [
    "src/mersenne/factor/fma.rs",
    "src/mersenne/factor/ifma.rs",
    "src/mersenne/transform/simd/avx2.rs",
    "src/mersenne/transform/simd/avx512.rs",
    "src/mersenne/transform/simd/rows.rs",
];

/// All Rust files below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The lines with the word `unsafe` before any comment, or with leave to use it: words in strings count too, to be on the
/// safe side.
fn offences(source: &str) -> Vec<&str> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let offends = |line: &&str| {
        let code = line.split("//").next().unwrap_or_default();
        code.split(|letter| !is_part(letter)).any(|word| word == "unsafe")
            || (code.contains("unsafe_code") && !code.contains("deny(unsafe_code)"))
    };
    source.lines().filter(offends).collect()
}

#[test]
fn unsafe_code_is_in_the_kernels_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = sources(&root.join("src"));
    assert!(files.len() > 50);
    for path in files {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        if !KERNELS.contains(&name) {
            let source = fs::read_to_string(&path).unwrap();
            assert_eq!(offences(&source), Vec::<&str>::new(), "{name}");
        }
    }
}

#[test]
fn the_crate_denies_it_elsewhere() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    assert!(lib.contains("#![deny(unsafe_code)]"));
}

#[test]
fn blocks_functions_and_leave_are_noticed_and_comments_are_not() {
    let source =
        "fn f() { unsafe { g() } }\n// unsafe\nunsafe fn g() {} // x\n#![allow(unsafe_code)]\nlet unsafely = 1;\n";
    assert_eq!(offences(source), ["fn f() { unsafe { g() } }", "unsafe fn g() {} // x", "#![allow(unsafe_code)]"]);
}
