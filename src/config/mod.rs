//! Settings: files, flags and defaults, each value with its source.
