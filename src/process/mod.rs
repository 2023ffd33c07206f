//! Runs what the project holds: specs, detection, supervision, stop.
