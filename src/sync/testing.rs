//! How big the unit tests of this folder are: small under Miri, which runs them a thousand times slower.

use proptest::test_runner::Config;

/// Property tests: no files beside the sources, fewer cases under Miri.
pub(super) fn config() -> Config {
    Config { cases: if cfg!(miri) { 3 } else { 256 }, failure_persistence: None, ..Config::default() }
}

/// Rounds of a loop between threads.
pub(super) fn rounds(natively: u64) -> u64 {
    if cfg!(miri) { 40 } else { natively }
}
