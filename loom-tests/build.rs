//! Sets `cfg(loom)` for this package alone, so that the shim in `src/sync/shim.rs` names loom's types here and std's elsewhere.

fn main() {
    println!("cargo::rustc-cfg=loom");
    println!("cargo::rerun-if-changed=build.rs");
}
