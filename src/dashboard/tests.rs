use std::collections::BTreeSet;
use std::path::Path;

use super::*;

fn files_below(directory: &Path, root: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, root, found);
        } else {
            found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn every_file_of_the_page_is_in_the_program_and_has_a_type() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard/web");
    let mut on_disk = BTreeSet::new();
    files_below(&root, &root, &mut on_disk);
    let embedded: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(embedded, on_disk);
    for name in &on_disk {
        assert!(asset(name).is_some(), "{name}");
    }
}

/// The quoted or bracketed names that follow `before` in a text.
fn names_after<'a>(text: &'a str, before: &str, end: char) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once(end)).map(|(name, _)| name).collect()
}

fn text(name: &str) -> &'static str {
    std::str::from_utf8(asset(name).unwrap().bytes).unwrap()
}

#[test]
fn everything_the_page_names_is_there() {
    let index = text(INDEX);
    let mut loaded: Vec<&str> = names_after(index, "src=\"page/", '"');
    loaded.extend(names_after(index, "<link rel=\"stylesheet\" href=\"page/", '"'));
    assert!(loaded.len() >= 3, "{loaded:?}");
    for name in loaded {
        assert!(asset(name).is_some(), "{name}");
    }
    for &(file, _) in FILES.iter().filter(|(name, _)| name.ends_with(".js") && !name.starts_with("vendor/")) {
        for module in names_after(text(file), "from \"./", '"') {
            assert!(asset(module).is_some(), "{file} imports {module}");
        }
    }
}

#[test]
fn nothing_is_asked_of_another_host_and_nothing_is_written_as_markup() {
    for &(file, _) in FILES.iter().filter(|(name, _)| !name.starts_with("vendor/")) {
        let text = text(file);
        for forbidden in [
            "https://",
            "//cdn",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "createContextualFragment",
            "DOMParser",
            "srcdoc",
        ] {
            assert!(!text.contains(forbidden), "{file} has {forbidden}");
        }
        let others = names_after(text, "http://", '/');
        assert!(others.iter().all(|host| *host == "www.w3.org"), "{file} names {others:?}");
        if file.ends_with(".html") {
            for inline in ["<style", " style=", " onclick", "javascript:"] {
                assert!(!text.contains(inline), "{file} has {inline}");
            }
        }
    }
}
