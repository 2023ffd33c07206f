//! Replays every fuzz seed through the checks of its target.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files: Vec<_> = std::fs::read_dir(&folder).expect("a folder of seeds").flatten().collect();
    assert!(!files.is_empty(), "{target} has no seeds");
    for file in files {
        let data = std::fs::read(file.path()).expect("a seed can be read");
        // Cut anywhere, an input must be as harmless as whole.
        for end in 0..=data.len() {
            check(&data[..end]);
        }
    }
}

#[test]
fn seeds_of_ansi_hold() {
    replay("ansi", checks::ansi);
}

#[test]
fn seeds_of_url_hold() {
    replay("url", checks::url);
}

#[test]
fn seeds_of_env_hold() {
    replay("env", checks::env);
}

#[test]
fn seeds_of_command_hold() {
    replay("command", checks::command);
}

#[test]
fn seeds_of_lines_hold() {
    replay("lines", checks::lines);
}

#[test]
fn seeds_of_config_hold() {
    replay("config", checks::config);
}

#[test]
fn seeds_of_html_hold() {
    replay("html", checks::html);
}
