//! Threads without I/O: the work-stealing pool, the event bus, contexts, timers, lifecycle and metrics.
