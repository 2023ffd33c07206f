//! Logs as programs really write them: their levels, stacks, URLs and errors are what stands beside each case.

use std::fmt::Write;
use std::path::Path;

use brummer::event::{Ending, Level, ProcessId, Stream};
use brummer::logs::{LogLimits, LogStore};

/// Each line with its level and `+` where it belongs to the error above, then the URLs, then the errors.
fn told(log: &[u8]) -> String {
    let store = LogStore::new(LogLimits::default());
    let mut writer = store.writer(ProcessId(1), "case");
    for line in log.strip_suffix(b"\n").unwrap_or(log).split(|byte| *byte == b'\n') {
        writer.line(Stream::Out, line, Ending::Newline);
    }
    drop(writer);
    let mut told = String::new();
    for line in store.snapshot().after(0) {
        let level = match line.level {
            Level::Debug => "debug",
            Level::Info => "",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Critical => "critical",
        };
        let text =
            format!("{level:8} {} {}", if line.is_stack { '+' } else { '|' }, String::from_utf8_lossy(line.plain));
        writeln!(told, "{}", text.trim_end()).expect("a string takes all");
    }
    for url in store.urls() {
        let what = match (url.is_server, url.is_local) {
            (true, _) => "",
            (false, true) => " (spoken of)",
            (false, false) => " (in the world)",
        };
        writeln!(told, "url: {}{}", url.url, what).expect("a string takes all");
    }
    for error in store.errors() {
        let language = error.language.map_or(String::new(), |language| format!(" ({language})"));
        let lines = error.stack_lines().count();
        writeln!(told, "{:?} x{}{language}: {} [+{lines}]", error.level, error.count, error.message)
            .expect("a string takes all");
    }
    told
}

/// `BRUMMER_BLESS=1` writes the text beside each case instead of comparing, for reading in the diff.
#[test]
fn ls05_real_logs_have_the_levels_urls_and_errors_beside_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/logs");
    let mut cases: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    cases.sort();
    assert!(cases.len() >= 12, "the cases are not found");
    for case in cases {
        let (told, beside) = (told(&std::fs::read(&case).unwrap()), case.with_extension("txt"));
        if std::env::var_os("BRUMMER_BLESS").is_some() {
            std::fs::write(&beside, &told).unwrap();
        }
        assert_eq!(told, std::fs::read_to_string(&beside).unwrap_or_default(), "{}", beside.display());
    }
}
