//! Rehearsals: what their directors can do, and that nobody else can.

mod clock;
mod process;
mod worlds;
mod worlds_process;
