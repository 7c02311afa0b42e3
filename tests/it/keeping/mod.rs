//! Keeping what was taken in, with the real binary: backups, the check, tenants, the supervisor.

mod backup;
mod check;
mod client;
mod supervisor;
mod tenant;
