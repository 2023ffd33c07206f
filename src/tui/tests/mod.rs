//! The UI as a whole: pictures, what keys do, and that nothing breaks it.

mod behaviour;
mod boxes;
mod empty;
mod errors;
mod find;
mod folds;
mod footers;
mod mcp;
mod mouse;
mod pictures;
mod processes;
mod promises;
mod qr;
mod random;
mod record;
mod remembered;
mod scripts;
mod select;
mod settings;
mod steps;
mod strict;
mod terminal;
mod tour;
mod urls;
mod web;
mod zoom;
