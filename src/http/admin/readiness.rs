//! Whether the service could answer a request now, part by part. Who asks the parts is `cli::serve`.

use std::time::Duration;

use super::Probe;

/// How long the parts may take to say. Supervisors wait no longer, and a part that hangs is not
/// ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the parts of the service said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// One entry a part.
    pub checks: Vec<Check>,
}

/// What one part said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The part.
    pub name: &'static str,
    /// Why it is not ready, in words that may be shown to anybody.
    pub problem: Option<String>,
}

impl Check {
    /// This part is ready.
    pub fn passed(name: &'static str) -> Self {
        Self {
            name,
            problem: None,
        }
    }

    /// This part is not, for a reason that may be shown to anybody.
    pub fn failed(name: &'static str, reason: impl Into<String>) -> Self {
        Self {
            name,
            problem: Some(reason.into()),
        }
    }
}

impl Readiness {
    /// What these parts said.
    pub fn of(checks: impl IntoIterator<Item = Check>) -> Self {
        Self {
            checks: checks.into_iter().collect(),
        }
    }

    /// Whether every part is ready.
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.problem.is_none())
    }
}

/// Asks, and takes silence for a no.
pub(super) async fn ask(probe: &Probe) -> Readiness {
    let answer = tokio::time::timeout(PATIENCE, probe()).await;
    answer.unwrap_or_else(|_| {
        let reason = format!("no answer within {} seconds", PATIENCE.as_secs());
        Readiness::of([Check::failed("probe", reason)])
    })
}
