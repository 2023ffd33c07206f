//! Fuzzes what `checks::mcp_message` demands of any input.
#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code, unused_imports)]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::mcp_message(data));
