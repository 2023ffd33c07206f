//! The UI as a whole: pictures, what keys do, and that nothing breaks it.

mod behaviour;
mod pictures;
mod random;
