//! The engine with clients and servers of its own, over loopback.

mod bodies;
mod chaos;
mod control;
mod forward;
mod keep_alive;
mod lab;
mod life;
mod limits;
mod refused;
mod replay;
mod rewriting;
mod rules;
mod tls;
mod upgrade;
