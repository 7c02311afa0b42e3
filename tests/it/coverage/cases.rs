//! How each operation is called; a new one does not compile without its case.

use hangar::http::router::Operation;
use hardware_hash::Builder;
use http::Method;
use serde_json::{Value, json};

use super::{GROUP, OTHER_GROUP};
use crate::harness::{House, PROFILES, group_target, id_of, profile};

/// How an operation is called, and what it looks like when that succeeds.
pub(crate) struct Case {
    /// The keys in the path, in its order.
    pub(crate) keys: Vec<String>,
    pub(crate) body: Option<Value>,
    pub(crate) status: u16,
    pub(super) stranger: Stranger,
}

/// What somebody of another tenant meets, who makes the same call.
pub(super) enum Stranger {
    /// Only his own rows.
    OwnRows,
    /// The number of his own rows.
    OwnNumber,
    /// What he would meet if there were no such row.
    Nothing,
    /// A free id: what he brings is accepted beside the other's.
    FreeId,
    /// Hardware that nobody has: it becomes his.
    FreeHardware,
    /// That no device of his goes by the other's serial number.
    NotDeleted,
    /// What is his own, and shows nothing of the other's.
    OwnThing,
}

/// A tenant's rows: an upload, an import in it that is decided, its device with its serial number, a
/// deployment profile with an assignment and one without.
pub(crate) struct Rows {
    pub(crate) upload: String,
    pub(super) import: String,
    pub(crate) device: String,
    serial: String,
    pub(crate) profile: String,
    assignment: String,
    pub(super) spare_profile: String,
}

impl Rows {
    pub(crate) async fn new(house: &House, token: &str, seed: u64) -> Self {
        let (upload, import, device) = house.upload(token, seed).await;
        let profile = house.make_profile(token, "assigned").await;
        let path = format!("{PROFILES}/{profile}/assignments");
        let ask = house.ask(Method::POST, &path).token(token);
        let assigned = ask.json(&group_target(GROUP)).send().await;
        let report = Builder::new(seed).report();
        Self {
            upload,
            import,
            device,
            serial: report.serial_number().expect("a serial number").to_owned(),
            profile,
            assignment: id_of(&assigned),
            spare_profile: house.make_profile(token, "spare").await,
        }
    }
}

pub(crate) fn case(operation: Operation, rows: &Rows) -> Case {
    let with = |key: &str, body, status, stranger| Case {
        keys: vec![key.to_owned()],
        body,
        status,
        stranger,
    };
    let within = |body, status| Case {
        keys: vec![rows.upload.clone(), rows.import.clone()],
        ..with("", body, status, Stranger::Nothing)
    };
    let taken = json!({ "id": rows.import, "serialNumber": "a stranger's" });
    let many = json!({ "importedWindowsAutopilotDeviceIdentities": [taken] });
    let set = "/deviceManagement/importedWindowsAutopilotDeviceIdentities";
    let batch = json!({ "requests": [{ "id": "1", "method": "GET", "url": set }] });
    let upload = json!({ "id": rows.upload, "deviceIdentities": [taken] });
    let free = json!({ "serialNumber": "S" });
    let into_upload = json!({ "importedWindowsAutopilotDeviceIdentities": [free] });
    let tag = json!({ "groupTag": "changed" });
    // Every scene has another import, so that its id makes hardware that nobody has.
    let described = json!({
        "manufacturer": "Hangar Test Works", "model": "Kite", "serialNumber": rows.import,
    });
    let serials = json!({ "serialNumbers": [rows.serial] });
    let user = json!({ "userPrincipalName": "a@contoso.example" });
    let account = json!({
        "userPrincipalName": "room@contoso.example", "resourceAccountName": "room",
    });
    let of_assignment = |body, status| Case {
        keys: vec![rows.profile.clone(), rows.assignment.clone()],
        body,
        status,
        stranger: Stranger::Nothing,
    };
    let of_profile = |body, status| with(&rows.profile, body, status, Stranger::Nothing);
    let to_other_group = Some(group_target(OTHER_GROUP));
    match operation {
        Operation::ServiceDocument | Operation::Metadata | Operation::OpenApi => {
            with("", None, 200, Stranger::OwnThing)
        }
        Operation::Batch => with("", Some(batch), 200, Stranger::OwnRows),
        Operation::ListImports
        | Operation::ListUploads
        | Operation::ListDevices
        | Operation::ListProfiles => with("", None, 200, Stranger::OwnRows),
        Operation::CountImports | Operation::CountUploads | Operation::CountDevices => {
            with("", None, 200, Stranger::OwnNumber)
        }
        Operation::CreateImport => with("", Some(taken), 201, Stranger::FreeId),
        Operation::CreateImports => with("", Some(many), 200, Stranger::FreeId),
        Operation::GetImport => with(&rows.import, None, 200, Stranger::Nothing),
        Operation::UpdateImport => with(&rows.import, Some(tag), 200, Stranger::Nothing),
        Operation::DeleteImport => with(&rows.import, None, 204, Stranger::Nothing),
        Operation::CreateUpload => with("", Some(upload), 201, Stranger::FreeId),
        Operation::GetUpload => with(&rows.upload, None, 200, Stranger::Nothing),
        Operation::UpdateUpload => with(&rows.upload, Some(json!({})), 200, Stranger::Nothing),
        Operation::DeleteUpload => with(&rows.upload, None, 204, Stranger::Nothing),
        Operation::ListUploadImports | Operation::CountUploadImports => {
            with(&rows.upload, None, 200, Stranger::Nothing)
        }
        Operation::CreateUploadImport => with(&rows.upload, Some(free), 201, Stranger::Nothing),
        Operation::CreateUploadImports => {
            with(&rows.upload, Some(into_upload), 200, Stranger::Nothing)
        }
        Operation::GetUploadImport => within(None, 200),
        Operation::UpdateUploadImport => within(Some(tag), 200),
        Operation::DeleteUploadImport => within(None, 204),
        Operation::GetDevice => with(&rows.device, None, 200, Stranger::Nothing),
        Operation::CreateDevice => with("", Some(described), 201, Stranger::FreeHardware),
        Operation::UpdateDevice => with(&rows.device, Some(tag), 200, Stranger::Nothing),
        Operation::DeleteDevices => with("", Some(serials), 200, Stranger::NotDeleted),
        Operation::AssignUser => with(&rows.device, Some(user), 204, Stranger::Nothing),
        Operation::UpdateDeviceProperties => with(&rows.device, Some(tag), 204, Stranger::Nothing),
        Operation::AssignResourceAccount => {
            with(&rows.device, Some(account), 204, Stranger::Nothing)
        }
        Operation::DeleteDevice
        | Operation::UnassignUser
        | Operation::UnassignResourceAccount
        | Operation::AllowNextEnrollment => with(&rows.device, None, 204, Stranger::Nothing),
        Operation::CreateProfile => with("", Some(profile("new")), 201, Stranger::OwnThing),
        Operation::HasPayloadLinks => {
            let body = json!({ "payloadIds": [rows.profile] });
            with("", Some(body), 200, Stranger::OwnThing)
        }
        Operation::GetProfile | Operation::ListAssignments | Operation::ListAssignedDevices => {
            of_profile(None, 200)
        }
        Operation::UpdateProfile => of_profile(Some(json!({ "description": "new" })), 200),
        Operation::DeleteProfile => with(&rows.spare_profile, None, 204, Stranger::Nothing),
        Operation::AssignProfile => of_profile(Some(json!({ "deviceIds": [rows.device] })), 204),
        Operation::CreateAssignment => of_profile(to_other_group, 201),
        Operation::GetAssignment => of_assignment(None, 200),
        Operation::UpdateAssignment => of_assignment(to_other_group, 200),
        Operation::DeleteAssignment => of_assignment(None, 204),
        Operation::GetSettings | Operation::ListEvents => with("", None, 200, Stranger::OwnThing),
        Operation::UpdateSettings => with("", Some(json!({})), 200, Stranger::OwnThing),
        Operation::Sync => with("", Some(json!({})), 204, Stranger::OwnThing),
    }
}
