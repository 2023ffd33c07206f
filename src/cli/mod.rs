//! The command line: flags, headless output, list, demo.

/// Runs the program and answers its exit code.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
