//! How a server behaves towards whoever started it.

use std::{io, path::PathBuf};

use crate::lifecycle::Shutdown;

/// How a server behaves towards whoever started it.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// It says where it listens in JSON, for programs.
    pub is_ready_in_json: bool,
    /// It ends when its standard input does.
    pub ends_with_stdin: bool,
    /// What a rehearsal begins with.
    pub seed: Option<PathBuf>,
}

/// Asks for the end once the standard input is over. The thread is not waited for.
pub(super) fn end_with_stdin(shutdown: Shutdown) {
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        shutdown.request();
    });
}
