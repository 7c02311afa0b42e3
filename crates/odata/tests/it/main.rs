//! The crate through its public door, with the sample vocabulary of `odata::fuzzing`.

mod bounds;
mod filter;
mod meaning;
mod options;
mod properties;
mod refusals;
