//! The `hangar` binary: arguments go to the command line's room, nothing else happens here.

use std::process::ExitCode;

fn main() -> ExitCode {
    hangar::cli::main()
}
