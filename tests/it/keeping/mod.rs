//! Keeping what was taken in, with the real binary: backups, the check, moves, tenants, the
//! supervisor.

mod backup;
mod check;
mod client;
mod migrate_data;
mod supervisor;
mod tenant;
