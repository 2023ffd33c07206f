//! The engine with clients and servers of its own, over loopback.

mod bodies;
mod keep_alive;
mod lab;
mod life;
