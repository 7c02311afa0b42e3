//! Every route with its access, on one screen, and the way from a path to a route. What routes do is
//! listed in `operation`; how a path is taken apart is in `path`, and looked up in `tree`.

mod operation;
mod path;
mod tree;

use std::sync::LazyLock;

use http::Method;

pub use operation::Operation;
pub use path::{Segment, split};

use self::tree::Tree;
use super::{
    auth::permission::{Access, Permission},
    error::ApiError,
};
use crate::graph::{schema::Versions, version::Version};

/// One way to call the API.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path below the version; what stands in braces, as `{id}`, stands for a key.
    pub path: &'static str,
    /// Where it exists. Elsewhere its path leads nowhere.
    pub versions: Versions,
    /// Who may call.
    pub access: Access,
    /// What happens.
    pub operation: Operation,
}

impl Route {
    /// Whether it is about one entity, or a description: only those have entity tags. An action of
    /// an import or a device writes to it; one of a profile does not.
    pub fn has_etags(&self) -> bool {
        let entities = [IMPORT, DEVICE, UPLOAD_IMPORT, ASSIGNMENT];
        entities.iter().any(|entity| self.path.starts_with(entity))
            || [PROFILE, UPLOAD, SETTINGS, METADATA, OPENAPI].contains(&self.path)
    }

    /// The names in the path and what stands for keys, in its order.
    pub fn segments(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter(|segment| !segment.is_empty())
    }
}

const READ: Access = Access::Needs(Permission::ServiceConfigRead);
const WRITE: Access = Access::Needs(Permission::ServiceConfigWrite);

const SERVICE_DOCUMENT: &str = "";
const METADATA: &str = "$metadata";
/// The description of the routes, whose path may stand without a version.
pub const OPENAPI: &str = "openapi.json";
const BATCH: &str = "$batch";
const IMPORTS: &str = "deviceManagement/importedWindowsAutopilotDeviceIdentities";
const IMPORTS_COUNT: &str = "deviceManagement/importedWindowsAutopilotDeviceIdentities/$count";
const IMPORTS_ACTION: &str = "deviceManagement/importedWindowsAutopilotDeviceIdentities/import";
const IMPORT: &str = "deviceManagement/importedWindowsAutopilotDeviceIdentities/{id}";
const UPLOADS: &str = "deviceManagement/importedWindowsAutopilotDeviceIdentityUploads";
const UPLOADS_COUNT: &str = "deviceManagement/importedWindowsAutopilotDeviceIdentityUploads/$count";
const UPLOAD: &str = "deviceManagement/importedWindowsAutopilotDeviceIdentityUploads/{id}";
const UPLOAD_IMPORTS: &str =
    "deviceManagement/importedWindowsAutopilotDeviceIdentityUploads/{id}/deviceIdentities";
const UPLOAD_IMPORTS_COUNT: &str =
    "deviceManagement/importedWindowsAutopilotDeviceIdentityUploads/{id}/deviceIdentities/$count";
const UPLOAD_IMPORTS_ACTION: &str =
    "deviceManagement/importedWindowsAutopilotDeviceIdentityUploads/{id}/deviceIdentities/import";
const UPLOAD_IMPORT: &str =
    "deviceManagement/importedWindowsAutopilotDeviceIdentityUploads/{id}/deviceIdentities/{import}";
const DEVICES: &str = "deviceManagement/windowsAutopilotDeviceIdentities";
const DEVICES_COUNT: &str = "deviceManagement/windowsAutopilotDeviceIdentities/$count";
const DEVICE: &str = "deviceManagement/windowsAutopilotDeviceIdentities/{id}";
const DELETE_DEVICES: &str = "deviceManagement/windowsAutopilotDeviceIdentities/deleteDevices";
const ASSIGN_USER: &str =
    "deviceManagement/windowsAutopilotDeviceIdentities/{id}/assignUserToDevice";
const UNASSIGN_USER: &str =
    "deviceManagement/windowsAutopilotDeviceIdentities/{id}/unassignUserFromDevice";
const UPDATE_PROPERTIES: &str =
    "deviceManagement/windowsAutopilotDeviceIdentities/{id}/updateDeviceProperties";
const ASSIGN_RESOURCE_ACCOUNT: &str =
    "deviceManagement/windowsAutopilotDeviceIdentities/{id}/assignResourceAccountToDevice";
const UNASSIGN_RESOURCE_ACCOUNT: &str =
    "deviceManagement/windowsAutopilotDeviceIdentities/{id}/unassignResourceAccountFromDevice";
const ALLOW_NEXT_ENROLLMENT: &str =
    "deviceManagement/windowsAutopilotDeviceIdentities/{id}/allowNextEnrollment";
const PROFILES: &str = "deviceManagement/windowsAutopilotDeploymentProfiles";
const PAYLOAD_LINKS: &str = "deviceManagement/windowsAutopilotDeploymentProfiles/hasPayloadLinks";
const PROFILE: &str = "deviceManagement/windowsAutopilotDeploymentProfiles/{id}";
const PROFILE_ASSIGN: &str = "deviceManagement/windowsAutopilotDeploymentProfiles/{id}/assign";
const PROFILE_DEVICES: &str =
    "deviceManagement/windowsAutopilotDeploymentProfiles/{id}/assignedDevices";
const ASSIGNMENTS: &str = "deviceManagement/windowsAutopilotDeploymentProfiles/{id}/assignments";
const ASSIGNMENT: &str =
    "deviceManagement/windowsAutopilotDeploymentProfiles/{id}/assignments/{assignment}";
const SETTINGS: &str = "deviceManagement/windowsAutopilotSettings";
const SYNC: &str = "deviceManagement/windowsAutopilotSettings/sync";
const EVENTS: &str = "deviceManagement/autopilotEvents";

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        Method::GET,
        SERVICE_DOCUMENT,
        Access::Anonymous,
        Operation::ServiceDocument,
    ),
    route(
        Method::GET,
        METADATA,
        Access::Anonymous,
        Operation::Metadata,
    ),
    route(Method::GET, OPENAPI, Access::Anonymous, Operation::OpenApi),
    route(Method::POST, BATCH, Access::AnyToken, Operation::Batch),
    route(Method::GET, IMPORTS, READ, Operation::ListImports),
    route(Method::GET, IMPORTS_COUNT, READ, Operation::CountImports),
    route(Method::POST, IMPORTS, WRITE, Operation::CreateImport),
    route(
        Method::POST,
        IMPORTS_ACTION,
        WRITE,
        Operation::CreateImports,
    ),
    route(Method::GET, IMPORT, READ, Operation::GetImport),
    route(Method::PATCH, IMPORT, WRITE, Operation::UpdateImport),
    route(Method::DELETE, IMPORT, WRITE, Operation::DeleteImport),
    beta(Method::GET, UPLOADS, READ, Operation::ListUploads),
    beta(Method::GET, UPLOADS_COUNT, READ, Operation::CountUploads),
    beta(Method::POST, UPLOADS, WRITE, Operation::CreateUpload),
    beta(Method::GET, UPLOAD, READ, Operation::GetUpload),
    beta(Method::PATCH, UPLOAD, WRITE, Operation::UpdateUpload),
    beta(Method::DELETE, UPLOAD, WRITE, Operation::DeleteUpload),
    beta(
        Method::GET,
        UPLOAD_IMPORTS,
        READ,
        Operation::ListUploadImports,
    ),
    beta(
        Method::GET,
        UPLOAD_IMPORTS_COUNT,
        READ,
        Operation::CountUploadImports,
    ),
    beta(
        Method::POST,
        UPLOAD_IMPORTS,
        WRITE,
        Operation::CreateUploadImport,
    ),
    beta(
        Method::POST,
        UPLOAD_IMPORTS_ACTION,
        WRITE,
        Operation::CreateUploadImports,
    ),
    beta(Method::GET, UPLOAD_IMPORT, READ, Operation::GetUploadImport),
    beta(
        Method::PATCH,
        UPLOAD_IMPORT,
        WRITE,
        Operation::UpdateUploadImport,
    ),
    beta(
        Method::DELETE,
        UPLOAD_IMPORT,
        WRITE,
        Operation::DeleteUploadImport,
    ),
    route(Method::GET, DEVICES, READ, Operation::ListDevices),
    route(Method::GET, DEVICES_COUNT, READ, Operation::CountDevices),
    route(Method::GET, DEVICE, READ, Operation::GetDevice),
    route(Method::POST, DEVICES, WRITE, Operation::CreateDevice),
    route(Method::PATCH, DEVICE, WRITE, Operation::UpdateDevice),
    route(Method::DELETE, DEVICE, WRITE, Operation::DeleteDevice),
    route(
        Method::POST,
        DELETE_DEVICES,
        WRITE,
        Operation::DeleteDevices,
    ),
    route(Method::POST, ASSIGN_USER, WRITE, Operation::AssignUser),
    route(Method::POST, UNASSIGN_USER, WRITE, Operation::UnassignUser),
    route(
        Method::POST,
        UPDATE_PROPERTIES,
        WRITE,
        Operation::UpdateDeviceProperties,
    ),
    beta(
        Method::POST,
        ASSIGN_RESOURCE_ACCOUNT,
        WRITE,
        Operation::AssignResourceAccount,
    ),
    beta(
        Method::POST,
        UNASSIGN_RESOURCE_ACCOUNT,
        WRITE,
        Operation::UnassignResourceAccount,
    ),
    beta(
        Method::POST,
        ALLOW_NEXT_ENROLLMENT,
        WRITE,
        Operation::AllowNextEnrollment,
    ),
    beta(Method::GET, PROFILES, READ, Operation::ListProfiles),
    beta(Method::POST, PROFILES, WRITE, Operation::CreateProfile),
    beta(
        Method::POST,
        PAYLOAD_LINKS,
        WRITE,
        Operation::HasPayloadLinks,
    ),
    beta(Method::GET, PROFILE, READ, Operation::GetProfile),
    beta(Method::PATCH, PROFILE, WRITE, Operation::UpdateProfile),
    beta(Method::DELETE, PROFILE, WRITE, Operation::DeleteProfile),
    beta(
        Method::POST,
        PROFILE_ASSIGN,
        WRITE,
        Operation::AssignProfile,
    ),
    beta(
        Method::GET,
        PROFILE_DEVICES,
        READ,
        Operation::ListAssignedDevices,
    ),
    beta(Method::GET, ASSIGNMENTS, READ, Operation::ListAssignments),
    beta(
        Method::POST,
        ASSIGNMENTS,
        WRITE,
        Operation::CreateAssignment,
    ),
    beta(Method::GET, ASSIGNMENT, READ, Operation::GetAssignment),
    beta(
        Method::PATCH,
        ASSIGNMENT,
        WRITE,
        Operation::UpdateAssignment,
    ),
    beta(
        Method::DELETE,
        ASSIGNMENT,
        WRITE,
        Operation::DeleteAssignment,
    ),
    beta(Method::GET, SETTINGS, READ, Operation::GetSettings),
    beta(Method::PATCH, SETTINGS, WRITE, Operation::UpdateSettings),
    beta(Method::POST, SYNC, WRITE, Operation::Sync),
    beta(Method::GET, EVENTS, READ, Operation::ListEvents),
];

const fn route(method: Method, path: &'static str, access: Access, operation: Operation) -> Route {
    Route {
        method,
        path,
        versions: Versions::Both,
        access,
        operation,
    }
}

/// A route that exists in beta only.
const fn beta(method: Method, path: &'static str, access: Access, operation: Operation) -> Route {
    Route {
        method,
        path,
        versions: Versions::BetaOnly,
        access,
        operation,
    }
}

/// The route of a request, and the keys in its path.
#[derive(Debug)]
pub struct Resolved {
    /// The route.
    pub route: &'static Route,
    /// The texts in the places of its keys, in their order, as the client wrote them.
    pub keys: Vec<String>,
}

/// Finds the route of these segments. What does not lead anywhere is named; so is what leads
/// somewhere only in the other version.
pub fn resolve(
    method: &Method,
    version: Version,
    segments: &[Segment<'_>],
) -> Result<Resolved, ApiError> {
    static BETA: LazyLock<Tree> = LazyLock::new(|| Tree::new(ROUTES, Version::Beta));
    static V1: LazyLock<Tree> = LazyLock::new(|| Tree::new(ROUTES, Version::V1));
    let tree = match version {
        Version::Beta => &BETA,
        Version::V1 => &V1,
    };
    tree.resolve(method, segments)
}

/// Finds the route of these segments if it is open to all.
pub fn resolve_anonymous(
    method: &Method,
    version: Version,
    segments: &[Segment<'_>],
) -> Option<&'static Route> {
    // Nearly all requests are about something that lies deeper, and are resolved once.
    let is_shallow = |route: &&Route| route.segments().count() >= segments.len();
    let mut anonymous = ROUTES
        .iter()
        .filter(|route| route.access == Access::Anonymous);
    if !anonymous.any(|route| is_shallow(&route)) {
        return None;
    }
    let resolved = resolve(method, version, segments).ok()?;
    (resolved.route.access == Access::Anonymous).then_some(resolved.route)
}

/// Whether these segments lead to an operation, by whatever method.
pub fn leads_to(operation: Operation, version: Version, segments: &[Segment<'_>]) -> bool {
    let mut routes = ROUTES.iter().filter(|route| route.operation == operation);
    routes.any(|route| {
        resolve(&route.method, version, segments)
            .is_ok_and(|resolved| resolved.route.operation == operation)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: &Method, path: &str) -> Result<(Operation, Option<String>), String> {
        let told = |error: ApiError| format!("{error:?}");
        let (version, segments) = split(path).map_err(told)?;
        let version = Version::parse(&version).unwrap();
        let mut resolved = resolve(method, version, &segments).map_err(told)?;
        assert!(resolved.keys.len() <= 1);
        Ok((resolved.route.operation, resolved.keys.pop()))
    }

    #[test]
    fn paths_lead_to_their_routes() {
        let key = |key: &str| Some(key.to_owned());
        let set = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";
        let cases = [
            (Method::GET, set.to_owned(), Operation::ListImports, None),
            (Method::GET, format!("{set}/"), Operation::ListImports, None),
            (
                Method::GET,
                set.to_uppercase(),
                Operation::ListImports,
                None,
            ),
            (Method::POST, set.to_owned(), Operation::CreateImport, None),
            (
                Method::POST,
                format!("{set}/import"),
                Operation::CreateImports,
                None,
            ),
            (
                Method::POST,
                format!("{set}/IMPORT"),
                Operation::CreateImports,
                None,
            ),
            (
                Method::POST,
                format!("{set}/microsoft.graph.import"),
                Operation::CreateImports,
                None,
            ),
            (
                Method::GET,
                format!("{set}/$count"),
                Operation::CountImports,
                None,
            ),
            (
                Method::GET,
                format!("{set}/%24count"),
                Operation::CountImports,
                None,
            ),
            (
                Method::GET,
                format!("{set}/7"),
                Operation::GetImport,
                key("7"),
            ),
            (
                Method::GET,
                format!("{set}('7')"),
                Operation::GetImport,
                key("7"),
            ),
            (
                Method::GET,
                format!("{set}(%277%27)"),
                Operation::GetImport,
                key("7"),
            ),
            (
                Method::GET,
                format!("{set}(7)"),
                Operation::GetImport,
                key("7"),
            ),
            (
                Method::GET,
                format!("{set}('O''Brien')"),
                Operation::GetImport,
                key("O'Brien"),
            ),
            (
                Method::GET,
                format!("{set}('$count')"),
                Operation::GetImport,
                key("$count"),
            ),
            (
                Method::DELETE,
                format!("{set}('import')"),
                Operation::DeleteImport,
                key("import"),
            ),
            (
                Method::GET,
                format!("{set}/a%2Fb"),
                Operation::GetImport,
                key("a/b"),
            ),
        ];
        for (method, path, operation, key) in cases {
            assert_eq!(
                find(&method, &path),
                Ok((operation, key)),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn actions_are_found_in_any_letter_case() {
        let devices = "/beta/deviceManagement/windowsAutopilotDeviceIdentities";
        for (path, operation, key) in [
            (
                "('7')/UpdateDeviceProperties",
                Operation::UpdateDeviceProperties,
                Some("7"),
            ),
            (
                "/7/microsoft.graph.allowNextEnrollment",
                Operation::AllowNextEnrollment,
                Some("7"),
            ),
            ("/DELETEDEVICES", Operation::DeleteDevices, None),
        ] {
            let found = find(&Method::POST, &format!("{devices}{path}"));
            assert_eq!(found, Ok((operation, key.map(str::to_owned))), "{path}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        let cases = [
            (
                Method::GET,
                "/beta/deviceManagement/other",
                "segment 'other'",
            ),
            (Method::GET, "/beta/users", "segment 'users'"),
            (
                Method::GET,
                "/beta/deviceManagement",
                "segment 'deviceManagement'",
            ),
            (Method::GET, "/beta//", "segment ''"),
            (
                Method::GET,
                "/beta/deviceManagement/windowsAutopilotDeviceIdentities/7/more",
                "segment 'more'",
            ),
            (
                Method::PUT,
                "/beta/deviceManagement/windowsAutopilotDeviceIdentities/7",
                "No method match route template",
            ),
            (
                Method::GET,
                "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities/import",
                "No method match route template",
            ),
            (Method::GET, "/beta/deviceManagement/%FF", "not UTF-8"),
            (
                Method::POST,
                "/v1.0/deviceManagement/windowsAutopilotDeviceIdentities/7/allowNextEnrollment",
                "segment 'allowNextEnrollment'",
            ),
            (
                Method::GET,
                "/beta/deviceManagement/windowsAutopilotDeviceIdentities/7/allowNextEnrollment",
                "No method match route template",
            ),
            (
                Method::POST,
                "/beta/deviceManagement/windowsAutopilotDeviceIdentities/7",
                "No method match route template",
            ),
        ];
        for (method, path, told) in cases {
            let error = find(&method, path).unwrap_err();
            assert!(error.contains(told), "{path}: {error}");
        }
    }
    #[test]
    fn a_route_may_have_several_keys_and_exist_in_beta_only() {
        const NESTED: &[Route] = &[
            route(Method::GET, "set", READ, Operation::ListDevices),
            beta(
                Method::GET,
                "set/{id}/inner/{inner}",
                READ,
                Operation::GetDevice,
            ),
            beta(Method::GET, "set/{id}/inner", READ, Operation::CountDevices),
        ];
        let find = |path: &str| {
            let (version, segments) = split(path).unwrap();
            let version = Version::parse(&version).unwrap();
            Tree::new(NESTED, version).resolve(&Method::GET, &segments)
        };
        let cases: [(&str, Operation, &[&str]); 6] = [
            ("/beta/set", Operation::ListDevices, &[]),
            ("/v1.0/set", Operation::ListDevices, &[]),
            ("/beta/set/a/inner", Operation::CountDevices, &["a"]),
            ("/beta/set('a')/INNER", Operation::CountDevices, &["a"]),
            ("/beta/set/a/inner/b_0", Operation::GetDevice, &["a", "b_0"]),
            (
                "/beta/set('inner')/inner('inner')/",
                Operation::GetDevice,
                &["inner", "inner"],
            ),
        ];
        for (path, operation, keys) in cases {
            let resolved = find(path).unwrap();
            assert_eq!(resolved.route.operation, operation, "{path}");
            assert_eq!(resolved.keys, keys, "{path}");
        }
        for (path, segment) in [
            ("/v1.0/set/a/inner", "a"),
            ("/v1.0/set('a')", "a"),
            ("/beta/set/a", "a"),
            ("/beta/set/a/other", "other"),
        ] {
            let told = format!("Resource not found for the segment '{segment}'.");
            let error = format!("{:?}", find(path).unwrap_err());
            assert!(error.contains(&told), "{path}: {error}");
        }
    }
}
