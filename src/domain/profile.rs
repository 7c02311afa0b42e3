//! Deployment profiles: how a device is to be set up. How one comes to be and changes is in
//! `profile_change`, which devices it is for in `assignment`, how a device is named in
//! `device_name`.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::{revision::Revision, tenant::TenantId};

/// How many profiles a tenant may have.
pub const MAX_PROFILES: u64 = 350;

/// The key of a profile, made by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileId(pub Uuid);

impl fmt::Display for ProfileId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

/// How a device with this profile joins a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileKind {
    /// Entra alone. Graph: azureADWindowsAutopilotDeploymentProfile.
    AzureAd,
    /// Both directories. Graph: activeDirectoryWindowsAutopilotDeploymentProfile.
    ActiveDirectory,
}

/// Graph: windowsAutopilotDeploymentProfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// The key.
    pub id: ProfileId,
    /// Its kind, which never changes.
    pub kind: ProfileKind,
    /// What it says.
    pub properties: ProfileProperties,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
}

impl Profile {
    /// Names the state that the profile is in. It follows from all that the profile says and from
    /// when that was last said: two states with one revision are one.
    pub fn revision(&self) -> Revision {
        let instants = [self.created_at, self.modified_at];
        let [created_at, modified_at] = instants.map(|at| at.as_microsecond().to_le_bytes());
        // Whatever property is added has a place in this.
        let said = format!("{:?} {:?}", self.kind, self.properties);
        let id = self.id.0.as_bytes();
        Revision::of(&[id, &created_at, &modified_at, said.as_bytes()])
    }
}

/// What a profile says. Absent strings are empty here, as Graph answers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileProperties {
    /// Graph: `displayName`.
    pub display_name: String,
    /// Graph: `description`.
    pub description: String,
    /// Graph: `locale`, once `language`.
    pub locale: String,
    /// Graph: `outOfBoxExperienceSetting`, once `outOfBoxExperienceSettings`.
    pub out_of_box: OutOfBox,
    /// Graph: `enrollmentStatusScreenSettings`.
    pub status_screen: Option<StatusScreen>,
    /// Graph: `hardwareHashExtractionEnabled`, once `extractHardwareHash`.
    pub extract_hardware_hash: bool,
    /// Graph: `deviceNameTemplate`.
    pub device_name_template: String,
    /// Graph: `deviceType`.
    pub device_type: DeviceType,
    /// Graph: `preprovisioningAllowed`, once `enableWhiteGlove`.
    pub allow_preprovisioning: bool,
    /// Graph: `roleScopeTagIds`.
    pub role_scope_tags: Vec<String>,
    /// Graph: `managementServiceAppId`.
    pub management_service_app_id: Option<String>,
    /// Graph: `hybridAzureADJoinSkipConnectivityCheck`, of one kind only.
    pub skip_connectivity_check: bool,
}

/// What holds of a profile that says nothing.
impl Default for ProfileProperties {
    fn default() -> Self {
        Self {
            display_name: String::new(),
            description: String::new(),
            locale: "os-default".to_owned(),
            out_of_box: OutOfBox::default(),
            status_screen: None,
            extract_hardware_hash: false,
            device_name_template: String::new(),
            device_type: DeviceType::default(),
            allow_preprovisioning: false,
            role_scope_tags: vec!["0".to_owned()],
            management_service_app_id: None,
            skip_connectivity_check: false,
        }
    }
}

/// What the user meets when the device is first switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are Graph's, each a switch of its own"
)]
pub struct OutOfBox {
    /// Graph: `deviceUsageType`.
    pub usage: UsageType,
    /// Graph: `userType`.
    pub user: UserType,
    /// Graph: `escapeLinkHidden`.
    pub hide_escape_link: bool,
    /// Graph: `eulaHidden`.
    pub hide_eula: bool,
    /// Graph: `privacySettingsHidden`.
    pub hide_privacy_settings: bool,
    /// Graph: `keyboardSelectionPageSkipped`.
    pub skip_keyboard_page: bool,
}

/// Graph: windowsEnrollmentStatusScreenSettings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are Graph's, each a switch of its own"
)]
pub struct StatusScreen {
    /// Graph: `hideInstallationProgress`.
    pub hide_progress: bool,
    /// Graph: `allowDeviceUseBeforeProfileAndAppInstallComplete`.
    pub allow_early_use: bool,
    /// Graph: `blockDeviceSetupRetryByUser`.
    pub block_retry: bool,
    /// Graph: `allowLogCollectionOnInstallFailure`.
    pub allow_log_collection: bool,
    /// Graph: `customErrorMessage`.
    pub error_message: Option<String>,
    /// Graph: `installProgressTimeoutInMinutes`.
    pub timeout_minutes: i32,
    /// Graph: `allowDeviceUseOnInstallFailure`.
    pub allow_use_on_failure: bool,
}

/// Graph: windowsAutopilotDeviceType.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceType {
    /// A PC.
    #[default]
    WindowsPc,
    /// A `HoloLens`.
    HoloLens,
    /// A Surface Hub 2.
    SurfaceHub2,
    /// A Surface Hub 2S.
    SurfaceHub2S,
    /// A virtual machine.
    VirtualMachine,
    /// What a later version of Graph may add.
    UnknownFutureValue,
}

/// Graph: windowsDeviceUsageType.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsageType {
    /// One user's.
    #[default]
    SingleUser,
    /// Nobody's in particular.
    Shared,
    /// What a later version of Graph may add.
    UnknownFutureValue,
}

/// Graph: windowsUserType.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserType {
    /// An administrator of the device.
    #[default]
    Administrator,
    /// Not one.
    Standard,
    /// What a later version of Graph may add.
    UnknownFutureValue,
}
