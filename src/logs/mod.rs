//! Keeps every line: store, search, levels, URLs, errors.
