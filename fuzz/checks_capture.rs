//! What must hold for any filter and any HAR file.

use brummer::proxy::capture::{Filter, Secrets, copy, decode, har as archive, redact};
use brummer::proxy::{Exchange, ExchangeId, Headers, Mode, Opened};

/// A filter is read or refused at a place that exists; what is read can be asked of any exchange.
pub(crate) fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let opened = Opened {
        time_ms: 0,
        mode: Mode::Reverse,
        method: "GET".into(),
        url: "http://localhost/?q=1".into(),
        process: None,
        headers: Headers::default(),
    };
    match Filter::parse(text) {
        Ok(filter) => drop(filter.matches(&Exchange::new(ExchangeId(1), opened))),
        Err(error) => {
            assert!(error.column > 0 && error.column <= text.chars().count() + 1 && error.width > 0, "{error}");
            assert!(!error.message.is_empty());
        }
    }
}

/// A HAR file is read or refused with words; what was read and written reads back as the same, and can be masked, shown,
/// and copied.
pub(crate) fn har(data: &[u8]) {
    let Ok(imported) = archive::import(data) else { return };
    let file = archive::export(&imported.exchanges, Secrets::Shown);
    let again = archive::import(file.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{file}"));
    assert_eq!(again.skipped, [""; 0], "{file}");
    assert_eq!(archive::export(&again.exchanges, Secrets::Shown), file);
    for exchange in &imported.exchanges {
        let shown = decode::show(&exchange.response.headers, &exchange.response.body);
        assert!(shown.text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
        let once = redact::masked(exchange);
        assert_eq!(format!("{:?}", redact::masked(&once)), format!("{once:?}"));
        assert!(copy::curl(exchange, Secrets::Masked).contains("curl "));
        assert!(copy::fetch(exchange, Secrets::Masked).contains("fetch("));
    }
}
