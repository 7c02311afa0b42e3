//! `/deviceManagement/importedWindowsAutopilotDeviceIdentityUploads`, beta only.

mod collection;
mod imports;
mod one;
mod queries;

use serde_json::{Value, json};

use crate::harness::{House, UPLOADS, id_of, string, text};

impl House {
    /// Makes an upload with these imports, and answers its id.
    async fn make_upload(&self, imports: &[Value]) -> String {
        let answer = self
            .post(UPLOADS, &json!({ "deviceIdentities": imports }))
            .await;
        assert_eq!(answer.status, 201, "{}", text(&answer));
        id_of(&answer)
    }

    async fn status_of(&self, upload: &str) -> String {
        let answer = self.get(&format!("{UPLOADS}/{upload}")).await;
        string(&answer.json()["status"])
    }
}

/// An import that is refused: it has neither a hash nor a serial number.
fn nameless() -> Value {
    json!({})
}
