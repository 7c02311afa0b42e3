//! The PowerShell scripts that administrators register devices with, request by request, as they stand
//! on the wire; each answer is looked at for what the script looks at. A file a script.
//!
//! The scripts wait by the half minute: `Desk::sleep` moves the clock as far.

mod get_windows_autopilot_info;
mod get_windows_autopilot_info_community;
mod others;
mod powershell;
mod throttled;
mod windows_autopilot_intune;
mod windows_autopilot_intune_profiles;
