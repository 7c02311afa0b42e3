//! What `serve --dev` prints: requests to try, ready to paste.

use std::{net::SocketAddr, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hardware_hash::Builder;
use jiff::Timestamp;
use serde_json::json;

use super::serve::listeners::Addresses;
use crate::{
    config::{self, DEFAULT_DATA_DIR},
    tls::ca_path,
};

const IMPORTS: &str = "beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";

/// The body of the request in Microsoft's document, with its very values.
const SEED: &str = r##"{
  "@odata.type": "#microsoft.graph.importedWindowsAutopilotDeviceIdentity",
  "orderIdentifier": "Order Identifier value",
  "serialNumber": "Serial Number value",
  "productKey": "Product Key value",
  "hardwareIdentifier": "aGFyZHdhcmVJZGVudGlmaWVy",
  "state": {
    "@odata.type": "microsoft.graph.importedWindowsAutopilotDeviceIdentityState",
    "deviceImportStatus": "pending",
    "deviceRegistrationId": "Device Registration Id value",
    "deviceErrorCode": 15,
    "deviceErrorName": "Device Error Name value"
  }
}"##;

/// The line for a program that started a server: where it is, in JSON.
pub(super) fn ready(
    addresses: &Addresses,
    admin_address: SocketAddr,
    data_dir: &Path,
) -> anyhow::Result<String> {
    let data_dir = data_dir.canonicalize()?;
    let ca = ca_path(&data_dir);
    let line = json!({
        "url": addresses.usual,
        "secure_url": addresses.secure,
        "admin_url": format!("http://{admin_address}"),
        "ca": ca.exists().then_some(ca),
        "data_dir": data_dir,
        "process": std::process::id(),
    });
    Ok(format!("{line}\n"))
}

/// The text for a server that clients reach at these addresses. Its device is another one each second,
/// so that a restart does not print one that is registered already.
pub(super) fn text(
    addresses: &Addresses,
    data_dir: &Path,
    now: Timestamp,
) -> anyhow::Result<String> {
    let program = config::program()?;
    let program = shell_word(&program.display().to_string());
    let option = if data_dir == Path::new(DEFAULT_DATA_DIR) {
        String::new()
    } else {
        format!(
            " --data-dir {}",
            shell_word(&data_dir.display().to_string())
        )
    };
    let seed = u64::try_from(now.as_second()).unwrap_or(0);
    // Without its padding the hash is a third of its usual length, and as good.
    let blob = Builder::new(seed).total_size(0).build();
    let hash = BASE64_STANDARD.encode(blob);
    let url = format!("{}/{IMPORTS}", addresses.usual);
    let secure = match &addresses.secure {
        Some(secure) => format!(
            "\nThe same over https, at {secure}: {program} trust{option} says how to trust its certificate.\n"
        ),
        None => String::new(),
    };
    Ok(format!(
        r#"
1. A token of the administrator of the first tenant (there are others: see {program} token --help):

TOKEN=$({program} token{option})

2. The request of Microsoft's document, with its very body. It is accepted with 201 and ends in
   error 802, InvalidZtdHardwareHash: its hash is the word "hardwareIdentifier", not a hash.

curl -sS -i "{url}" \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" --data @- <<'END'
{SEED}
END

3. A device with a generated hardware hash. It ends in complete, and in 806 when it is sent twice:

curl -sS -i "{url}" \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" --data @- <<'END'
{{"groupTag": "Kiosk", "hardwareIdentifier": "{hash}"}}
END

4. What became of them:

curl -sS "{url}" -H "Authorization: Bearer $TOKEN"
{secure}
"#
    ))
}

/// A text that a shell takes as one word.
pub(super) fn shell_word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        for (text, word) in [
            ("/opt/hangar", "/opt/hangar"),
            ("my data", "'my data'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn the_seed_is_microsofts() {
        let fixture = include_str!("../../tests/it/seed/request.json");
        let json = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(json(SEED), json(fixture));
    }
}
