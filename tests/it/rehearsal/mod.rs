//! Rehearsals: what their directors can do, and that nobody else can.

mod clock;
mod journal;
mod process;
mod run;
mod worlds;
mod worlds_process;
