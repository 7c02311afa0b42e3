//! What is left when the process or the power goes: the real binary, killed and traced.

pub(crate) mod evidence;
mod kill;
mod sync;
