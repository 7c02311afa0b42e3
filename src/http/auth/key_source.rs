//! Where an issuer's keys come from: from the issuer, over the network, or from this process.

use std::{future::Future, pin::Pin, sync::Arc};

use serde::Deserialize;
use thiserror::Error;
use url::Url;

use super::{issuer::Issuer, jwks::KeySet};

/// A document under way.
pub type FetchFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + 'a>>;

/// Gets the documents in which an issuer describes itself and its keys. Tests replace it.
pub trait FetchKeys: Send + Sync {
    /// The body of the document at `address`.
    fn fetch<'a>(&'a self, address: &'a Url) -> FetchFuture<'a>;
}

/// Where an issuer's keys come from.
#[derive(Clone)]
pub enum KeySource {
    /// From the issuer: by discovery, refreshed, and kept while the issuer is down.
    Remote(Arc<dyn FetchKeys>),
    /// From the development authority in this process. They never change.
    Local(Arc<KeySet>),
}

/// Why an issuer's keys could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FetchError {
    /// Keys that arrive in the clear are anybody's.
    #[error("`{0}` is neither https nor http on this machine")]
    Insecure(Url),
    /// The connection or the transfer failed.
    #[error("{0}")]
    Transfer(String),
    /// The answer was no success.
    #[error("`{address}` answered {status}")]
    Status {
        /// What was asked.
        address: Url,
        /// The number of its answer.
        status: u16,
    },
    /// The document is longer than any such document.
    #[error("the document at `{0}` is too long")]
    TooLong(Url),
    /// It took too long.
    #[error("no answer in time")]
    TimedOut,
    /// The document is not what it should be.
    #[error("the document at `{0}` is not in the expected form")]
    Malformed(Url),
    /// The description found is another issuer's.
    #[error("the description found is that of the issuer `{0}`")]
    OtherIssuer(String),
}

/// Keys, and where they were found.
#[derive(Clone)]
pub(super) struct Fetched {
    pub(super) address: Url,
    pub(super) keys: Arc<KeySet>,
}

#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

/// Gets an issuer's keys, from where they were found before if that is known.
pub(super) async fn fetch_keys(
    fetcher: &dyn FetchKeys,
    issuer: &Issuer,
    known: Option<Url>,
) -> Result<Fetched, FetchError> {
    let address = match known {
        Some(address) => address,
        None => discover(fetcher, issuer).await?,
    };
    let document = fetcher.fetch(&address).await?;
    match KeySet::parse(&document) {
        Ok(keys) => Ok(Fetched {
            address,
            keys: Arc::new(keys),
        }),
        Err(_) => Err(FetchError::Malformed(address)),
    }
}

/// Asks the issuer where its keys are.
async fn discover(fetcher: &dyn FetchKeys, issuer: &Issuer) -> Result<Url, FetchError> {
    let address = issuer.discovery_address();
    let document = fetcher.fetch(address).await?;
    let description: Description =
        serde_json::from_slice(&document).map_err(|_| FetchError::Malformed(address.clone()))?;
    // A template's common description names the template itself, so this is exact in both cases.
    if description.issuer != issuer.as_str() {
        return Err(FetchError::OtherIssuer(description.issuer));
    }
    Url::parse(&description.jwks_uri).map_err(|_| FetchError::Malformed(address.clone()))
}
