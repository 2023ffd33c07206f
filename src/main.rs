//! Picks a front door by the command line and ends with its exit code.

fn main() -> std::process::ExitCode {
    brummer::cli::main()
}
