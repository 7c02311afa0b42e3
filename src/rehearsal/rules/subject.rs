//! What a request or an import is about, as far as rules ask: the serial numbers, and how many devices
//! a request brings.
//!
//! A request's serial numbers are those in its body, at any depth, each row's own; where a row has
//! none, its hardware hash's. A key in the path is not looked up. A `$batch` has none: its parts have.

use std::cell::OnceCell;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::{
    domain::{import::ImportProperties, tenant::TenantId},
    graph::{behavior::Behavior, edm::decode_base64, lenient_json, text},
    http::{rehearsed::Told, router::Operation},
};

/// A request as rules see it. Its body is read when the first of them asks.
pub(super) struct Subject<'a> {
    /// The request.
    pub(super) request: &'a Told,
    /// The path, decoded and without a slash at its end.
    pub(super) path: String,
    body: OnceCell<Option<Value>>,
    serials: OnceCell<Vec<String>>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(request: &'a Told) -> Self {
        let decoded = percent_decode_str(&request.path).decode_utf8_lossy();
        Self {
            path: decoded.strip_suffix('/').unwrap_or(&decoded).to_owned(),
            request,
            body: OnceCell::new(),
            serials: OnceCell::new(),
        }
    }

    /// Who asks.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        self.request.caller.as_ref().map(|caller| caller.tenant)
    }

    /// Its serial numbers.
    pub(super) fn serials(&self) -> &[String] {
        self.serials.get_or_init(|| {
            let mut serials = Vec::new();
            if !self.is_batch()
                && let Some(body) = self.body()
            {
                gather(body, &mut serials);
            }
            serials
        })
    }

    /// Whether it is a batch as a whole.
    pub(super) fn is_batch(&self) -> bool {
        self.request.operation == Some(Operation::Batch)
    }

    /// How many devices it brings; 0 for one that brings none.
    pub(super) fn devices_brought(&self) -> u64 {
        let rows = match self.request.operation {
            Some(
                Operation::CreateImport | Operation::CreateUploadImport | Operation::CreateDevice,
            ) => return 1,
            Some(Operation::CreateImports | Operation::CreateUploadImports) => {
                "importedWindowsAutopilotDeviceIdentities"
            }
            Some(Operation::CreateUpload) => "deviceIdentities",
            _ => return 0,
        };
        let rows = self.body().and_then(|body| body.get(rows)?.as_array());
        rows.map_or(0, |rows| rows.len() as u64)
    }

    fn body(&self) -> Option<&Value> {
        self.body.get_or_init(|| read(self.request)).as_ref()
    }
}

/// The serial number of an import: its own, or its hardware hash's.
pub(super) fn serial_of_import(import: &ImportProperties) -> Option<String> {
    let own = import.serial_number.as_deref().map(str::trim);
    match own {
        Some(serial) if !serial.is_empty() => Some(serial.to_owned()),
        _ => of_blob(&import.hardware_blob.as_ref()?.to_bytes()),
    }
}

/// The body as JSON. What can't be read is the operation's to refuse.
fn read(request: &Told) -> Option<Value> {
    if request.body.is_empty() {
        return None;
    }
    let content_type = request.headers.get(http::header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    // The more tolerant of the two behaviours: to look costs nothing.
    let text = text::decode_body(&request.body, content_type, Behavior::Observed).ok()?;
    serde_json::from_str(&lenient_json::quote_names(&text)).ok()
}

fn gather(value: &Value, serials: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, serials)),
        Value::Object(members) => {
            let own = members.get("serialNumber").and_then(Value::as_str);
            let own = own.map(str::trim).filter(|serial| !serial.is_empty());
            let hash = members.get("hardwareIdentifier").and_then(Value::as_str);
            let serial = own.map(str::to_owned).or_else(|| of_hash(hash?));
            serials.extend(serial);
            if let Some(Value::Array(several)) = members.get("serialNumbers") {
                serials.extend(several.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            members.values().for_each(|member| gather(member, serials));
        }
        _ => {}
    }
}

fn of_hash(hash: &str) -> Option<String> {
    of_blob(&decode_base64(hash.trim())?)
}

fn of_blob(blob: &[u8]) -> Option<String> {
    let report = hardware_hash::decode(blob).ok()?;
    report
        .serial_number()
        .map(|serial| serial.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use hardware_hash::Builder;
    use serde_json::json;

    use super::*;

    fn serials(body: &Value) -> Vec<String> {
        let mut serials = Vec::new();
        gather(body, &mut serials);
        serials
    }

    #[test]
    fn serial_numbers_are_found_at_any_depth() {
        let hash = BASE64_STANDARD.encode(Builder::new(1).serial_number("IN-HASH").build());
        let longer = Builder::new(1).serial_number("IN-HASH").total_size(3001);
        // Bits that mean nothing are left over in the last character, and the API reads past them.
        let stray = BASE64_STANDARD.encode(longer.build()).replace("A==", "B==");
        let body = json!({
            "serialNumber": "A",
            "rows": [
                { "serialNumber": "B", "hardwareIdentifier": hash },
                { "serialNumber": "", "hardwareIdentifier": hash },
                { "hardwareIdentifier": hash.trim_end_matches('=') },
                { "hardwareIdentifier": stray },
                { "hardwareIdentifier": "toy" },
                { "serialNumber": 5, "deeper": [[{ "serialNumber": " C " }]] },
            ],
            "serialNumbers": ["D", "E", 6],
        });
        let mut found = serials(&body);
        found.sort();
        let in_hash = ["IN-HASH"; 3];
        assert_eq!(found, [&["A", "B", "C", "D", "E"][..], &in_hash].concat());
        assert!(serials(&json!(null)).is_empty());
    }
}
