//! Bytes to values, without threads, clocks or sockets.
