//! Imports as a client sends and sees them.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use uuid::Uuid;

use super::{ClientError, Echo, GraphClient, Refusal, Written, error::shown};
use crate::graph::{
    import_state::ImportStatus,
    json_writer::{ObjectWriter, write_quoted},
    schema::{EntitySet, IMPORT_PARAMETER},
};

/// The rows of one call of `import`, each written already.
#[derive(Clone, Debug, Default)]
pub struct ImportCall {
    rows: Vec<u8>,
    ends: Vec<usize>,
}

/// One row to be registered, as the file says it.
#[derive(Clone, Copy, Debug)]
pub struct ImportRow<'a> {
    /// The id that we choose.
    pub id: Uuid,
    /// Graph: `serialNumber`.
    pub serial_number: &'a str,
    /// Graph: `productKey`.
    pub product_key: &'a str,
    /// Graph: `hardwareIdentifier`, in base64.
    pub hardware_hash: &'a str,
    /// Graph: `groupTag`.
    pub group_tag: &'a str,
    /// Graph: `assignedUserPrincipalName`.
    pub assigned_user: &'a str,
}

impl ImportCall {
    /// Adds a row. What the file leaves empty is left out.
    pub fn push(&mut self, row: &ImportRow<'_>) {
        let mut object = ObjectWriter::new(&mut self.rows);
        write_quoted(object.key("id"), row.id);
        for (name, text) in [
            ("groupTag", row.group_tag),
            ("serialNumber", row.serial_number),
            ("productKey", row.product_key),
            ("hardwareIdentifier", row.hardware_hash),
            ("assignedUserPrincipalName", row.assigned_user),
        ] {
            if !text.is_empty() {
                object.text(name, text);
            }
        }
        object.end();
        self.ends.push(self.rows.len());
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How long its body is about to be.
    pub fn len_bytes(&self) -> usize {
        self.rows.len() + self.ends.len() + 2 * IMPORT_PARAMETER.len()
    }

    /// The body with the rows at these places, in their order.
    pub fn body(&self, places: impl IntoIterator<Item = usize>) -> Bytes {
        let mut out = Vec::with_capacity(self.len_bytes());
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(IMPORT_PARAMETER.as_bytes());
        out.extend_from_slice(b"\":[");
        for (number, place) in places.into_iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.row(place));
        }
        out.extend_from_slice(b"]}");
        out.into()
    }

    fn row(&self, place: usize) -> &[u8] {
        let start = match place.checked_sub(1) {
            Some(before) => self.ends.get(before).copied(),
            None => Some(0),
        };
        let end = self.ends.get(place).copied();
        start
            .zip(end)
            .and_then(|(start, end)| self.rows.get(start..end))
            .unwrap_or_default()
    }
}

/// What became of a call of `import`.
#[derive(Debug)]
pub enum ImportSent {
    /// All rows are accepted, in their order.
    Accepted(Vec<SeenImport>),
    /// All rows are accepted; the server shows none.
    Unseen,
    /// None is.
    Refused(Refusal),
    /// Nobody knows.
    Unknown {
        /// Why not.
        reason: String,
        /// When the server wants to be asked again.
        retry_after: Option<std::time::Duration>,
    },
}

/// An import as a server shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenImport {
    /// Its id, in lower case; the server's own text where that is no GUID.
    pub id: String,
    /// Graph: `serialNumber`, or nothing.
    pub serial_number: String,
    /// Where it stands.
    pub status: ImportStatus,
    /// Graph: `deviceErrorCode`.
    pub code: i32,
    /// Graph: `deviceErrorName`.
    pub name: String,
}

/// A page of imports.
#[derive(Debug)]
pub struct ImportsPage {
    /// Its imports.
    pub imports: Vec<SeenImport>,
    /// Where the next page is, if there is one.
    pub next: Option<String>,
}

impl GraphClient {
    /// Calls `import`. It is sent again only where the server surely did nothing.
    pub async fn import(&self, body: Bytes, echo: Echo) -> Result<ImportSent, ClientError> {
        let link = format!("{}/import", self.address.of(EntitySet::Imports));
        Ok(match self.post(&link, body, echo).await? {
            Written::Refused(refusal) => ImportSent::Refused(refusal),
            Written::Unseen if echo == Echo::Spared => ImportSent::Unseen,
            Written::Unseen => ImportSent::Unknown {
                reason: "the server's answer is empty".to_owned(),
                retry_after: None,
            },
            Written::Unknown {
                reason,
                retry_after,
            } => ImportSent::Unknown {
                reason,
                retry_after,
            },
            Written::Answered(body) => match read_page(&body) {
                Some(page) => ImportSent::Accepted(page.imports),
                None => ImportSent::Unknown {
                    reason: "the server's answer can't be read".to_owned(),
                    retry_after: None,
                },
            },
        })
    }

    /// The import with this id, if there is one.
    pub async fn get_import(&self, id: &str) -> Result<Option<SeenImport>, ClientError> {
        let link = format!("{}/{id}", self.address.of(EntitySet::Imports));
        match self.get(&link).await {
            Ok(body) => serde_json::from_slice::<WireImport<'_>>(&body)
                .map(|import| Some(import.into()))
                .map_err(|_| self.unreadable("an import")),
            Err(ClientError::Refused(refusal)) if refusal.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many imports there are.
    pub async fn count_imports(&self) -> Result<u64, ClientError> {
        let link = format!("{}/$count", self.address.of(EntitySet::Imports));
        let body = self.get(&link).await?;
        std::str::from_utf8(&body)
            .ok()
            .and_then(|text| text.trim_start_matches('\u{feff}').trim().parse().ok())
            .ok_or_else(|| self.unreadable("a count"))
    }

    /// The address of the list of imports, with these options.
    pub fn imports_link(&self, options: &str) -> String {
        format!("{}?{options}", self.address.of(EntitySet::Imports))
    }

    /// A page of imports, at this address.
    pub async fn imports_page(&self, link: &str) -> Result<ImportsPage, ClientError> {
        let body = self.get(link).await?;
        let page = self.read_imports(&body)?;
        self.check_next(page.next.as_deref())?;
        Ok(page)
    }

    pub(super) fn read_imports(&self, body: &[u8]) -> Result<ImportsPage, ClientError> {
        read_page(body).ok_or_else(|| self.unreadable("a list of imports"))
    }

    /// Fails where a link would carry the token to another server.
    pub(super) fn check_next(&self, next: Option<&str>) -> Result<(), ClientError> {
        match next {
            Some(link) if !self.address.owns(link) => {
                Err(ClientError::ForeignLink(link.to_owned()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn unreadable(&self, what: &str) -> ClientError {
        ClientError::NotGraph {
            address: self.address.to_string(),
            what: format!("something that can't be read as {what}"),
        }
    }
}

/// Reads a list of imports.
fn read_page(body: &[u8]) -> Option<ImportsPage> {
    #[derive(Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        value: Vec<WireImport<'a>>,
        #[serde(rename = "@odata.nextLink")]
        next: Option<String>,
    }
    let page: Page<'_> = serde_json::from_slice(body).ok()?;
    Some(ImportsPage {
        imports: page.value.into_iter().map(SeenImport::from).collect(),
        next: page.next,
    })
}

#[derive(Deserialize)]
struct WireImport<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "serialNumber")]
    serial_number: Option<Cow<'a, str>>,
    #[serde(borrow)]
    state: Option<WireState<'a>>,
}

#[derive(Deserialize)]
struct WireState<'a> {
    #[serde(borrow, rename = "deviceImportStatus")]
    status: Option<Cow<'a, str>>,
    #[serde(rename = "deviceErrorCode")]
    code: Option<i32>,
    #[serde(borrow, rename = "deviceErrorName")]
    name: Option<Cow<'a, str>>,
}

impl From<WireImport<'_>> for SeenImport {
    fn from(import: WireImport<'_>) -> Self {
        let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
        let state = import.state;
        let (status, code, name) = state.map_or((None, None, None), |state| {
            (state.status, state.code, state.name)
        });
        Self {
            id: text(import.id).to_ascii_lowercase(),
            serial_number: text(import.serial_number),
            status: ImportStatus::parse(&text(status)).unwrap_or_default(),
            code: code.unwrap_or(0),
            name: shown(&text(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{import::read_import_call, json};

    fn row(number: u128, serial_number: &str) -> ImportRow<'_> {
        ImportRow {
            id: Uuid::from_u128(number),
            serial_number,
            product_key: "",
            hardware_hash: "aGFzaA==",
            group_tag: "a \"tag\"",
            assigned_user: "",
        }
    }

    #[test]
    fn a_call_is_what_the_server_reads() {
        let mut call = ImportCall::default();
        for (number, serial) in [(1, "A"), (2, "B"), (3, "C")] {
            call.push(&row(number, serial));
        }
        for places in [vec![0, 1, 2], vec![1], vec![0, 2], vec![]] {
            let body = call.body(places.iter().copied());
            let text = std::str::from_utf8(&body).unwrap();
            let requests = read_import_call(&json::parse(text).unwrap(), 10).unwrap();
            let serials: Vec<_> = requests
                .iter()
                .map(|request| request.properties.serial_number.clone().unwrap())
                .collect();
            let expected: Vec<_> = places.iter().map(|place| ["A", "B", "C"][*place]).collect();
            assert_eq!(serials, expected);
            for (request, place) in requests.iter().zip(&places) {
                assert_eq!(request.id.unwrap().0.as_u128(), *place as u128 + 1);
                let tag = request.properties.group_tag.as_deref();
                assert_eq!(tag, Some("a \"tag\""));
                assert_eq!(request.properties.product_key, None);
            }
        }
    }

    #[test]
    fn imports_are_read_leniently() {
        let body = br#"{"@odata.nextLink":"https://h/x","value":[
            {"id":"00000000-0000-0000-0000-00000000000A","serialNumber":"a\"b","hardwareIdentifier":"x","state":{"deviceImportStatus":"error","deviceErrorCode":806,"deviceErrorName":"N"}},
            {"id":"odd","serialNumber":null,"state":null}]}"#;
        let page = read_page(body).unwrap();
        assert_eq!(page.next.as_deref(), Some("https://h/x"));
        let [first, second] = &page.imports[..] else {
            panic!("{page:?}")
        };
        assert_eq!(first.id, Uuid::from_u128(10).to_string());
        assert_eq!((first.status, first.code), (ImportStatus::Error, 806));
        assert_eq!(first.serial_number, "a\"b");
        assert_eq!((&*second.id, second.status), ("odd", ImportStatus::Unknown));
        assert!(read_page(b"{}").is_none() && read_page(b"<html>").is_none());
    }
}
