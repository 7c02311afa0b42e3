//! Hangar: a self-hosted, Microsoft Graph compatible Windows Autopilot registration service.

pub mod cli;
pub mod config;
pub mod authority;
pub mod cli;
pub mod domain;
pub mod registrar;
pub mod store;
pub mod testing;
pub mod graph;
pub mod http;
pub mod lifecycle;
pub mod telemetry;
pub mod http;
