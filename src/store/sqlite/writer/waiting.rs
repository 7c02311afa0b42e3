//! The jobs that wait for the writer, and the groups that are taken of them.

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Duration,
};

use super::{GROUP_KIB, GROUP_OPERATIONS, Job};

/// How long there is nothing to do before the writer counts as idle.
const IDLE_AFTER: Duration = Duration::from_millis(50);

/// The jobs that wait.
pub(super) struct Waiting {
    jobs: VecDeque<Job>,
    queue: Receiver<Vec<Job>>,
}

impl Waiting {
    pub(super) fn new(queue: Receiver<Vec<Job>>) -> Self {
        Self {
            jobs: VecDeque::new(),
            queue,
        }
    }

    /// Waits for a job if none waits, and takes what else is queued, up to a group's worth; false once
    /// the writer is closed and everything is done. Calls `idle` while there is nothing to do and it
    /// says that there is more for it.
    pub(super) fn fill(&mut self, idle: impl FnMut() -> bool) -> bool {
        if self.jobs.is_empty() {
            let Some(jobs) = self.wait(idle) else {
                return false;
            };
            self.jobs.extend(jobs);
        }
        while self.jobs.len() < GROUP_OPERATIONS {
            let Ok(jobs) = self.queue.try_recv() else {
                break;
            };
            self.jobs.extend(jobs);
        }
        true
    }

    /// Takes the jobs that wait longest, up to a group's bounds.
    pub(super) fn take_group(&mut self) -> Vec<Job> {
        let mut weight_kib: u32 = 0;
        let mut group = Vec::new();
        while group.len() < GROUP_OPERATIONS && weight_kib < GROUP_KIB {
            let Some(job) = self.jobs.pop_front() else {
                break;
            };
            weight_kib = weight_kib.saturating_add(job.weight_kib);
            group.push(job);
        }
        group
    }

    fn wait(&self, mut idle: impl FnMut() -> bool) -> Option<Vec<Job>> {
        let mut patience = IDLE_AFTER;
        loop {
            match self.queue.recv_timeout(patience) {
                Ok(jobs) => return Some(jobs),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if idle() => patience = Duration::ZERO,
                Err(RecvTimeoutError::Timeout) => return self.queue.recv().ok(),
            }
        }
    }
}
