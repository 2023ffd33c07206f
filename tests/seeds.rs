//! Replays every fuzz seed through the checks of its target.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::Path;

/// Changed seeds that are tried for each target.
const MUTANTS: usize = 20_000;
/// Those that go over a connection of their own.
const SENT: usize = 1_000;

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

/// Replays each seed with a few bytes changed, doubled, cut out, or moved in from another seed: always the same ones.
fn mutate(target: &str, check: fn(&[u8])) {
    mutate_some(target, MUTANTS, check);
}

fn mutate_some(target: &str, mutants: usize, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("a folder of seeds").flatten().collect();
    files.sort_by_key(|file| file.file_name());
    let seeds: Vec<_> = files.iter().map(|file| std::fs::read(file.path()).expect("a seed can be read")).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize % bound.max(1)
    };
    for _ in 0..mutants {
        let mut data = seeds[below(seeds.len())].clone();
        for _ in 0..=below(4) {
            let (at, to) = (below(data.len()), below(data.len()));
            let (start, end) = (at.min(to), at.max(to).min(at.min(to) + 40));
            match below(5) {
                0 if !data.is_empty() => data[at] = below(256) as u8,
                1 if !data.is_empty() => data[at] = b"\r\n\t \0:,;=0159afxX\x7f\x80"[below(19)],
                2 => drop(data.drain(start..end)),
                3 => data.extend_from_within(start..end),
                _ => {
                    let other = &seeds[below(seeds.len())];
                    let from = below(other.len());
                    let piece = other[from..(from + below(40)).min(other.len())].to_vec();
                    data.splice(at..at, piece);
                }
            }
        }
        check(&data);
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

#[test]
fn seeds_of_http1_request_hold() {
    replay("http1_request", checks::http1_request);
    mutate("http1_request", checks::http1_request);
}

#[test]
fn seeds_of_http1_response_hold() {
    replay("http1_response", checks::http1_response);
    mutate("http1_response", checks::http1_response);
}

#[test]
fn seeds_of_chunked_hold() {
    replay("chunked", checks::chunked);
    mutate("chunked", checks::chunked);
}

#[test]
fn seeds_of_websocket_hold() {
    replay("websocket", checks::websocket);
    mutate("websocket", checks::websocket);
}

#[test]
fn seeds_of_sse_hold() {
    replay("sse", checks::sse);
    mutate("sse", checks::sse);
}

#[test]
fn seeds_of_filter_hold() {
    replay("filter", checks::filter);
}

#[test]
fn seeds_of_har_hold() {
    replay("har", checks::har);
}

#[test]
fn seeds_of_batch_hold() {
    replay("batch", checks::batch);
}

#[test]
fn seeds_of_jsonrpc_hold() {
    replay("jsonrpc", checks::jsonrpc);
    mutate("jsonrpc", checks::jsonrpc);
}

#[test]
fn seeds_of_mcp_http_hold() {
    replay("mcp_http", checks::mcp_http);
    mutate_some("mcp_http", SENT, checks::mcp_http);
}

#[test]
fn seeds_of_mcp_message_hold() {
    replay("mcp_message", checks::mcp_message);
    mutate_some("mcp_message", SENT, checks::mcp_message);
}
