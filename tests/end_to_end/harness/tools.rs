//! What is installed: a test whose tool is missing says so loudly, and fails where everything must be there.

use std::process::{Command, Stdio};

/// Whether the tool runs here. With `BRUMMER_NO_SKIP=1` a missing one fails the test.
#[expect(clippy::print_stderr, reason = "what is skipped is said loudly")]
pub(crate) fn is_installed(tool: &str) -> bool {
    let flag = if tool == "tmux" { "-V" } else { "--version" };
    let mut command = Command::new(tool);
    command.arg(flag).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if command.status().is_ok_and(|status| status.success()) {
        return true;
    }
    assert!(std::env::var_os("BRUMMER_NO_SKIP").is_none(), "{tool} is not installed, and nothing may be skipped");
    eprintln!("skipped: {tool} is not installed");
    false
}
