//! Hangar: a self-hosted, Microsoft Graph compatible Windows Autopilot registration service.
