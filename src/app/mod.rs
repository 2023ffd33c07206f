//! Puts the services on the runtime; the commands and the read-only views.
