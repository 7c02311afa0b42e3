//! Certificates: read from files, watched while they are served, and made for development.
//!
//! How a connection is opened and what is spoken on it is `http::server`'s.

mod development;
mod identity;
mod keeper;
mod pem_file;
mod served;

pub use development::{DevelopmentCa, DevelopmentCaError, ca_path};
pub use identity::{Identity, IdentityError};
pub use keeper::{CertificateFiles, Keeper};
pub use served::{Served, server_config};

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// The cryptography that everything here is done with.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
