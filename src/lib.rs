//! Hangar: a self-hosted, Microsoft Graph compatible Windows Autopilot registration service.
//!
//! `ARCHITECTURE.md` is the map; each room says first what it is for.

pub mod authority;
pub mod cli;
pub mod client;
pub mod config;
pub mod devices_csv;
pub mod domain;
pub mod graph;
pub mod http;
pub mod lifecycle;
pub mod registrar;
pub mod rehearsal;
pub mod store;
pub mod telemetry;
pub mod testing;
pub mod tls;
