//! Rehearsals: what their directors can do, and that nobody else can.

mod breaking;
mod clock;
mod delays;
mod faults;
mod journal;
mod magic;
mod process;
mod recipes;
mod refusals;
mod run;
mod server;
mod typed;
mod worlds;
mod worlds_process;
