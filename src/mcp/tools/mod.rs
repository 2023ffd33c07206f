//! The tools that a model can call: what each takes and gives, and what it does with the app.
//!
//! Read in this order: `table` (all of them), `schema` (what they take and give), `answer` and `text` (what a model is told), `toolbox`
//! (what they work on), `waits` (calls that wait for something to happen). Then a file for each family: `scripts` with `ready`, `logs`,
//! `errors` with `frames`, `test_run`, `proxy`, `telemetry`, `browser` with `driver`, `repl` with `library`, `queue`, `about`.

mod about;
pub(crate) mod answer;
mod browser;
mod driver;
pub(crate) mod errors;
mod frames;
mod library;
pub(crate) mod logs;
pub(crate) mod proxy;
mod queue;
mod ready;
mod repl;
pub(crate) mod schema;
pub(crate) mod scripts;
pub(crate) mod table;
pub(crate) mod telemetry;
mod test_run;
pub(crate) mod text;
pub(crate) mod toolbox;
pub(crate) mod waits;

pub(crate) use about::INSTRUCTIONS;
