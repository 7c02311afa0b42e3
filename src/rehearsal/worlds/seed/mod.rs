//! Seed files: tenants, users, clients, profiles and devices that a world is to have, in YAML or JSON.
//!
//! Here is what such a file may say; whether it makes sense is in `plan`, how it is done in `apply`,
//! and how a world becomes one in `export`.

mod apply;
mod export;
mod plan;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Worlds;
use crate::rehearsal::control::Problem;

/// How deep a file may be nested. A profile's properties are the deepest there is.
const DEEPEST: usize = 32;

/// How many values and lists a file may hold.
const MOST_NODES: usize = 4_000_000;

/// What a world is to have.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// What people want to say about it. Nothing follows from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(default)]
    tenants: Vec<SeedTenant>,
    #[serde(default)]
    users: Vec<SeedUser>,
    #[serde(default)]
    clients: Vec<SeedClient>,
    #[serde(default)]
    profiles: Vec<SeedProfile>,
    #[serde(default)]
    devices: Vec<SeedDevice>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedTenant {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// Of the sign-in name of its administrator, if the file lists no user of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedUser {
    principal_name: String,
    /// By default what stands before the `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object_id: Option<Uuid>,
    /// By default those of an administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedClient {
    name: String,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redirect_uris: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedProfile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified_at: Option<Timestamp>,
    /// As Graph has them: the body of a POST.
    properties: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    assignments: Vec<SeedAssignment>,
}

/// For whom a profile is: a group's devices, not a group's devices, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SeedAssignment {
    AllDevices,
    Group(Uuid),
    Exclude(Uuid),
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SeedDevice {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(skip_serializing_if = "String::is_empty")]
    serial_number: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    manufacturer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    model: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    product_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    group_tag: String,
    /// The sign-in name of its user.
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    /// A hash in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    hardware_hash: Option<String>,
    /// From which a hash is made; the same makes the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_seed: Option<u64>,
    /// What the ledger knows of it, as an export says it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fingerprints: Vec<SeedFingerprint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registered_at: Option<Timestamp>,
    /// The profile that is assigned to this very device: its id, or its display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    purchase_order: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    addressable_user_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    resource_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sku_number: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    system_family: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    directory_device_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    managed_device_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    display_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    device_account_upn: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    device_friendly_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    userless_enrollment: Option<SeedUserless>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SeedUserless {
    Allowed,
    Blocked,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedFingerprint {
    kind: String,
    sha256: String,
}

/// What a seed has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seeded {
    /// Tenants that were not there.
    pub tenants: usize,
    /// Users that were not there.
    pub users: usize,
    /// Clients that were not there.
    pub clients: usize,
    /// Profiles.
    pub profiles: usize,
    /// Devices.
    pub devices: usize,
}

impl fmt::Display for Seeded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tenants,
            users,
            clients,
            profiles,
            devices,
        } = self;
        write!(
            formatter,
            "{tenants} tenants, {users} users, {clients} clients, {profiles} profiles, {devices} devices"
        )
    }
}

impl Seed {
    /// Reads a file: JSON where it begins as such, YAML otherwise.
    pub fn read(text: &[u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(text)
            .map_err(|_| Problem::bad("a seed is a text in UTF-8, in YAML or JSON"))?;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with('{') {
            Self::read_json(text)
        } else {
            Self::read_yaml(text)
        }
    }

    fn read_json(text: &str) -> Result<Self, Problem> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = serde_path_to_error::deserialize(&mut reader);
        let seed = read.map_err(|error| {
            let field = error.path().to_string();
            at(&field, error.inner().to_string())
        })?;
        let rest = reader.end();
        rest.map_err(|error| Problem::bad(error.to_string()))?;
        Ok(seed)
    }

    fn read_yaml(text: &str) -> Result<Self, Problem> {
        let mut track = serde_path_to_error::Track::new();
        let read =
            serde_saphyr::with_deserializer_from_str_with_options(text, options(), |reader| {
                let tracked = serde_path_to_error::Deserializer::new(reader, &mut track);
                Option::<Self>::deserialize(tracked)
            });
        read.map(Option::unwrap_or_default).map_err(|error| {
            let field = track.path().to_string();
            at(&field, error.without_snippet().to_string())
        })
    }
}

/// How YAML is read: no anchors, which could make much of little, and no second meaning of what looks
/// like a number or a word.
fn options() -> serde_saphyr::Options {
    let mut options = serde_saphyr::Options::default();
    let mut budget = serde_saphyr::Budget::default();
    budget.max_anchors = 0;
    budget.max_aliases = 0;
    budget.max_documents = 1;
    budget.max_depth = DEEPEST;
    budget.max_nodes = MOST_NODES;
    budget.max_events = 2 * MOST_NODES;
    options.budget = Some(budget);
    options.strict_booleans = true;
    options.leading_zero_numbers_as_strings = true;
    options.merge_keys = serde_saphyr::options::MergeKeyPolicy::Error;
    options.with_snippet = false;
    options
}

fn at(field: &str, message: String) -> Problem {
    let problem = Problem::bad(message);
    // Where nothing was read yet there is no place.
    if field == "." {
        problem
    } else {
        problem.of(field)
    }
}

impl Worlds {
    /// Loads a seed into a world: all of it, or nothing.
    pub async fn seed(&self, world: &str, seed: Seed) -> Result<Seeded, Problem> {
        self.apply(world, seed).await
    }

    /// A seed of which an equal world comes.
    pub async fn export(&self, world: &str) -> Result<Seed, Problem> {
        self.export_world(world).await
    }

    /// Whether nobody has anything in a world.
    pub async fn is_empty(&self, world: &str) -> Result<bool, Problem> {
        let share = self.share_of("world", world).await?;
        let rows = share.store().list_tenants().await;
        Ok(rows.map_err(super::failed)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "
# A comment.
tenants:
  - name: adatum
    id: 11111111-0000-4000-8000-000000000001
profiles:
  - properties: {displayName: Sales}
    assignments:
      - all_devices
      - group: 11111111-0000-4000-8000-000000000002
devices:
  - serial_number: 00123
    manufacturer: Contoso
    model: no
    hash_seed: 7
";

    fn refusal(text: &str) -> String {
        let problem = Seed::read(text.as_bytes()).unwrap_err();
        problem.to_string()
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = Seed::read(YAML.as_bytes()).unwrap();
        assert_eq!(yaml.devices[0].serial_number, "00123");
        assert_eq!(yaml.devices[0].model, "no");
        assert_eq!(yaml.profiles[0].assignments.len(), 2);
        let written = serde_json::to_string(&yaml).unwrap();
        let json = Seed::read(written.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&json).unwrap(), written);
        for empty in ["", "# nothing\n", "{}", "\u{feff}{}"] {
            assert!(Seed::read(empty.as_bytes()).unwrap().devices.is_empty());
        }
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        let table = [
            ("tenants:\n  - nmae: x\n", "tenants[0]", "nmae"),
            (
                "devices:\n  - {}\n  - serial_number: [1]\n",
                "devices[1].serial_number",
                "",
            ),
            ("devices:\n  - hash_seed: x\n", "devices[0].hash_seed", ""),
            (
                "{\"devices\": [{\"hash_seed\": -1}]}",
                "devices[0].hash_seed",
                "",
            ),
            ("devices: 5\n", "devices", ""),
            ("{\"a\": 1}", "", "unknown field `a`"),
            ("{} {}", "", "trailing"),
            ("- a\n", "", ""),
            ("a: b: c\n", "", ""),
            ("devices: [\n", "", ""),
        ];
        for (text, place, why) in table {
            let told = refusal(text);
            assert!(
                told.starts_with(place) && told.contains(why),
                "{text}: {told}"
            );
        }
    }

    #[test]
    fn what_makes_much_of_little_is_refused() {
        let anchors = "notes: [&a x]\ntenants:\n - &b {name: x}\n - *b\n";
        refusal(anchors);
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n";
        refusal(bomb);
        refusal(&format!(
            "profiles:\n  - properties: {}",
            "{a: ".repeat(10_000)
        ));
        refusal(&format!("profiles: {}", "[".repeat(100_000)));
        refusal(&format!("{{\"profiles\": {}", "[".repeat(100_000)));
        refusal("notes: [a]\n---\nnotes: [b]\n");
        refusal("notes: [a]\nnotes: [b]\n");
        refusal("\u{0}\u{1}");
        assert!(Seed::read(&[0xff, 0xfe, 0x00]).is_err());
    }
}
