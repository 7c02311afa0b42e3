//! What the process that started this one is told: that the service is ready, and that it stops.
//!
//! It is systemd's protocol (`Type=notify`), a datagram to the socket that `NOTIFY_SOCKET` names.
//! The crate reads that variable: it is no setting of Hangar's, and without it nobody is told.

use sd_notify::NotifyState;

/// Says that requests are answered from now on.
pub fn ready() {
    tell(NotifyState::Ready);
}

/// Says that the service has begun to stop.
pub fn stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    // Serving is what matters; a supervisor that is gone is no reason to end.
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the supervisor can't be told how the service stands");
    }
}
