//! Hangar's integration tests, in one binary: linking once is what makes them quick.

mod architecture;
mod crash;
