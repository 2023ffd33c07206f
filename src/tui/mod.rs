//! The terminal UI: model, message, update, view.
