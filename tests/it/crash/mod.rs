//! What is left when the process or the power goes: the real binary, killed and traced.

mod kill;
mod sync;
