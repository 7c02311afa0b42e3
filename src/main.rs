//! The `hangar` binary: arguments go to the command line's room, nothing else happens here.
fn main() {}
