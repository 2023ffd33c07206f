//! What the benches share: a fixed corpus, quiet timing, and a table of target, measured, ratio, pass or fail.
