//! The edge of the operating system: reactor, child processes, ptys, signals. All FFI is here.
