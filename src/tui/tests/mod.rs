//! The UI as a whole: pictures, what keys do, and that nothing breaks it.

mod behaviour;
mod folds;
mod pictures;
mod random;
