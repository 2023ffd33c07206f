//! The product's own sources, compiled once more with `cfg(loom)`; the models stand in `tests/`.
