//! The `hangar` binary: arguments go to the command line's room, nothing else happens here.

use std::process::ExitCode;

/// Requests come and go by the thousand a second; the system's allocator takes an eighth of their
/// time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hangar::cli::main()
}
