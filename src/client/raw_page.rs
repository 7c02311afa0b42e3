//! Whole collections, item by item as the server wrote them: what an export reads.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ClientError, GraphClient};

/// A page of anything, each item as the server wrote it.
#[derive(Debug)]
pub struct RawPage {
    /// The items, in JSON.
    pub items: Vec<Box<RawValue>>,
    /// Where the next page is, if there is one.
    pub next: Option<String>,
}

impl GraphClient {
    /// A page of any collection, at this address.
    pub async fn raw_page(&self, link: &str) -> Result<RawPage, ClientError> {
        #[derive(Deserialize)]
        struct Page {
            value: Vec<Box<RawValue>>,
            #[serde(rename = "@odata.nextLink")]
            next: Option<String>,
        }
        let body = self.get(link).await?;
        let page: Page = serde_json::from_slice(&body).map_err(|_| self.unreadable("a list"))?;
        self.check_next(page.next.as_deref())?;
        Ok(RawPage {
            items: page.value,
            next: page.next,
        })
    }
}
