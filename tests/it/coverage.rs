//! Every route of the table, asked by everybody: nobody, those who hold too little, applications,
//! personal accounts, another tenant.

mod cases;

use hangar::{
    domain::settings::SyncRules,
    graph::version::Version,
    http::{
        auth::permission::{Access, ApplicationPermissions, ConfigurationScopes, Permission},
        router::{Operation, ROUTES, Route},
    },
    testing::{TestAnswer, TestOptions},
};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use cases::Stranger;
pub(crate) use cases::{Case, Rows, case};

use crate::harness::{
    DEVICES, House, IMPORTS, PROFILES, READ, SETTINGS, UPLOADS, VERSIONS, WRITE, device, error,
    id_of, ids_of, masked, text,
};

const CONTOSO: Uuid = Uuid::from_u128(0xaaaa_aaaa_0000_4000_8000_0000_0000_000a);
const FABRIKAM: Uuid = Uuid::from_u128(0xbbbb_bbbb_0000_4000_8000_0000_0000_000b);
const GROUP: Uuid = Uuid::from_u128(0x5a1e5);
const OTHER_GROUP: Uuid = Uuid::from_u128(0x5a1e6);
const CONFIGURATION_READ: &str = "DeviceManagementConfiguration.Read.All";
const CONFIGURATION_WRITE: &str = "DeviceManagementConfiguration.ReadWrite.All";
const CHALLENGE: &str = "Bearer realm=\"\", authorization_uri=\"http://127.0.0.1:8080/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"";
const APPLICATION_ONLY: &str = "403 Forbidden: Application is not authorized to perform this operation as called in app only context but does not have application permissions configured.";
const PERSONAL: &str =
    "403 Forbidden: Personal Microsoft accounts are not supported for this operation.";

/// A house with one row of each kind in Contoso, and what it looks like untouched.
struct Scene {
    house: House,
    rows: Rows,
    before: Vec<String>,
}

impl Scene {
    async fn new(options: TestOptions) -> Self {
        let house = House::with(options);
        let rows = Rows::new(&house, &house.contoso, 1).await;
        let mut scene = Self {
            house,
            rows,
            before: Vec::new(),
        };
        scene.before = scene.contents().await;
        scene
    }

    async fn contents(&self) -> Vec<String> {
        let owner = self.house.user_token(CONTOSO, READ);
        let mut contents = Vec::new();
        let profiles = format!("{PROFILES}?$expand=assignments");
        for set in [IMPORTS, UPLOADS, DEVICES, &profiles, SETTINGS] {
            let ask = self.house.ask(Method::GET, set).token(&owner);
            contents.push(text(&ask.send().await));
        }
        contents
    }

    async fn untouched(&self) -> bool {
        self.contents().await == self.before
    }

    async fn call(&self, route: &Route, version: &str, token: Option<&str>) -> TestAnswer {
        let case = case(route.operation, &self.rows);
        self.call_with(route, version, token, &case.keys, case.body.as_ref())
            .await
    }

    async fn call_with(
        &self,
        route: &Route,
        version: &str,
        token: Option<&str>,
        keys: &[String],
        body: Option<&Value>,
    ) -> TestAnswer {
        let path = path_of(route, version, keys);
        let mut ask = self.house.ask(route.method.clone(), &path);
        if let Some(body) = body {
            ask = ask.json(body);
        }
        match token {
            Some(token) => ask.token(token).send().await,
            None => ask.anonymous().send().await,
        }
    }

    /// Calls as a holder who is to be refused, under every version that has the route.
    async fn refuses(&self, route: &Route, token: Option<&str>, expected: &str) -> Vec<TestAnswer> {
        let mut answers = Vec::new();
        for version in versions_of(route) {
            let answer = self.call(route, version, token).await;
            assert_eq!(error(&answer), expected, "{version} {route:?}");
            assert!(self.untouched().await, "{version} {route:?}");
            answers.push(answer);
        }
        answers
    }
}

/// The route's path, its keys in their places.
pub(crate) fn path_of(route: &Route, version: &str, keys: &[String]) -> String {
    let mut keys = keys.iter().map(String::as_str);
    let segments = route.path.split('/').map(|segment| {
        if segment.starts_with('{') {
            keys.next().unwrap()
        } else {
            segment
        }
    });
    format!("/{version}/{}", segments.collect::<Vec<_>>().join("/"))
}

/// The versions that have a route.
pub(crate) fn versions_of(route: &Route) -> Vec<&'static str> {
    let mut versions = VERSIONS.to_vec();
    versions.retain(|version| {
        let version = Version::parse(version).unwrap();
        route.versions.include(version)
    });
    versions
}

/// The scopes of which one opens a route, as refusals list them.
fn sufficient(access: Access, accepted: ConfigurationScopes) -> Option<Vec<&'static str>> {
    let wide = accepted == ConfigurationScopes::Accepted;
    match (access, wide) {
        (Access::Anonymous | Access::AnyToken, _) => None,
        (Access::Needs(Permission::ServiceConfigRead), false) => Some(vec![READ, WRITE]),
        (Access::Needs(Permission::ServiceConfigRead), true) => {
            Some(vec![READ, WRITE, CONFIGURATION_READ, CONFIGURATION_WRITE])
        }
        (Access::Needs(Permission::ServiceConfigWrite), false) => Some(vec![WRITE]),
        (Access::Needs(Permission::ServiceConfigWrite), true) => {
            Some(vec![WRITE, CONFIGURATION_WRITE])
        }
    }
}

fn missing_scopes(sufficient: &[&str]) -> String {
    format!(
        "403 Forbidden: Application is not authorized to perform this operation. Application must have one of the following scopes: {}",
        sufficient.join(", ")
    )
}

#[test]
fn a_route_is_in_the_table_once() {
    assert!(!ROUTES.is_empty());
    for (number, route) in ROUTES.iter().enumerate() {
        let twins = ROUTES.iter().enumerate().filter(|(other, twin)| {
            let same_address = twin.method == route.method && twin.path == route.path;
            *other != number && (same_address || twin.operation == route.operation)
        });
        assert_eq!(twins.count(), 0, "{route:?}");
        // What changes something needs more than what reads.
        let writes = route.method != Method::GET;
        let expected = match route.access {
            Access::Needs(Permission::ServiceConfigWrite) => writes,
            Access::Needs(Permission::ServiceConfigRead) => !writes,
            Access::Anonymous | Access::AnyToken => true,
        };
        assert!(expected, "{route:?}");
    }
}

#[tokio::test]
async fn what_is_betas_alone_leads_nowhere_in_the_stable_version() {
    let scene = Scene::new(TestOptions::default()).await;
    let owner = scene.house.contoso.clone();
    for route in ROUTES {
        if versions_of(route).len() == VERSIONS.len() {
            continue;
        }
        let answer = scene.call(route, "v1.0", Some(&owner)).await;
        let told = error(&answer);
        let expected = "400 BadRequest: Resource not found for the segment '";
        assert!(told.starts_with(expected), "{route:?}: {told}");
        assert!(scene.untouched().await, "{route:?}");
    }
}

#[tokio::test]
async fn nobody_passes_without_a_token() {
    let scene = Scene::new(TestOptions::default()).await;
    for route in ROUTES {
        if route.access == Access::Anonymous {
            for version in versions_of(route) {
                // A token that is none opens and closes nothing here.
                for token in [None, Some("not-a-token")] {
                    let answer = scene.call(route, version, token).await;
                    assert_eq!(answer.status, 200, "{version} {route:?}");
                }
            }
            continue;
        }
        let expected = "401 InvalidAuthenticationToken: Access token is empty.";
        for answer in scene.refuses(route, None, expected).await {
            assert_eq!(answer.header("www-authenticate"), Some(CHALLENGE));
        }
        let malformed =
            "401 InvalidAuthenticationToken: CompactToken parsing failed with error code: 80049217";
        scene.refuses(route, Some("not-a-token"), malformed).await;
    }
}

#[tokio::test]
async fn nobody_passes_with_too_little() {
    for accepted in [ConfigurationScopes::Ignored, ConfigurationScopes::Accepted] {
        let scene = Scene::new(TestOptions {
            configuration_scopes: accepted,
            ..TestOptions::default()
        })
        .await;
        for route in ROUTES {
            let Some(sufficient) = sufficient(route.access, accepted) else {
                continue;
            };
            let refusal = missing_scopes(&sufficient);
            let all = [READ, WRITE, CONFIGURATION_READ, CONFIGURATION_WRITE];
            let mut insufficient: Vec<_> = all
                .into_iter()
                .filter(|scope| !sufficient.contains(scope))
                .collect();
            insufficient.extend(["User.Read", ""]);
            for scope in insufficient {
                let token = scene.house.user_token(CONTOSO, scope);
                for answer in scene.refuses(route, Some(&token), &refusal).await {
                    assert_eq!(answer.header("www-authenticate"), None);
                }
            }
        }
        // The ready-made reader is such a one.
        let reader = scene.house.api.user_token("contoso", "reader");
        let answer = scene
            .house
            .ask(Method::GET, IMPORTS)
            .token(&reader)
            .send()
            .await;
        assert_eq!(answer.status, 200);
        let ask = scene.house.ask(Method::POST, IMPORTS).token(&reader);
        assert_eq!(ask.json(&device(2)).send().await.status, 403);
    }
}

#[tokio::test]
async fn applications_and_personal_accounts_are_refused_whatever_they_hold() {
    let scene = Scene::new(TestOptions::default()).await;
    let application = scene.house.api.application_token("contoso");
    let personal = scene.house.api.user_token("personal", "personal");
    for route in ROUTES {
        if matches!(route.access, Access::Needs(_)) {
            scene
                .refuses(route, Some(&application), APPLICATION_ONLY)
                .await;
            scene.refuses(route, Some(&personal), PERSONAL).await;
        }
    }
}

#[tokio::test]
async fn whoever_holds_enough_passes_as_it_is_configured() {
    let wide = TestOptions {
        application_permissions: ApplicationPermissions::Allow,
        configuration_scopes: ConfigurationScopes::Accepted,
        // One sync may follow another at once.
        sync: SyncRules {
            duration: SignedDuration::ZERO,
            interval: SignedDuration::ZERO,
        },
        ..TestOptions::default()
    };
    for route in ROUTES {
        // One house for all would have more deployment profiles than a tenant may have.
        let house = House::with(wide);
        let mut seed = 0;
        let scopes = sufficient(route.access, ConfigurationScopes::Accepted).unwrap_or_default();
        for (scope, version) in scopes.iter().zip(versions_of(route).into_iter().cycle()) {
            for claims in [
                json!({ "scp": format!("User.Read {scope}") }),
                json!({ "roles": [scope], "idtyp": "app" }),
            ] {
                seed += 1;
                let token = house.token(CONTOSO, &claims);
                let rows = Rows::new(&house, &house.contoso, seed).await;
                let mut case = case(route.operation, &rows);
                // The owner's own ids are taken.
                if let Stranger::FreeId = case.stranger {
                    house.delete(&format!("{UPLOADS}/{}", rows.upload)).await;
                    house.delete(&format!("{IMPORTS}/{}", rows.import)).await;
                }
                let path = path_of(route, version, &case.keys);
                let mut ask = house.ask(route.method.clone(), &path).token(&token);
                if let Some(body) = case.body.take() {
                    ask = ask.json(&body);
                }
                let answer = ask.send().await;
                assert_eq!(
                    answer.status,
                    case.status,
                    "{claims} {route:?}: {}",
                    text(&answer)
                );
            }
        }
    }
    let house = House::with(wide);
    let personal = house.api.user_token("personal", "personal");
    let answer = house
        .ask(Method::GET, IMPORTS)
        .token(&personal)
        .send()
        .await;
    assert_eq!(error(&answer), PERSONAL);
    let roleless = house.token(CONTOSO, &json!({ "roles": [], "idtyp": "app" }));
    let answer = house
        .ask(Method::GET, IMPORTS)
        .token(&roleless)
        .send()
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn another_tenant_meets_only_what_is_its_own() {
    let scene = Scene::new(TestOptions::default()).await;
    let stranger = scene.house.user_token(FABRIKAM, WRITE);
    let own = Rows::new(&scene.house, &stranger, 9).await;
    let mut own_profiles = vec![own.profile.clone(), own.spare_profile.clone()];
    own_profiles.sort_unstable();
    for route in ROUTES {
        if !matches!(route.access, Access::Needs(_)) {
            continue;
        }
        for version in versions_of(route) {
            let case = case(route.operation, &scene.rows);
            let answer = scene.call(route, version, Some(&stranger)).await;
            match case.stranger {
                Stranger::OwnRows => {
                    let ids = ids_of(&answer);
                    assert!(
                        ids == [own.upload.as_str()]
                            || ids == [own.import.as_str()]
                            || ids == [own.device.as_str()]
                            || ids == own_profiles,
                        "{route:?}"
                    );
                }
                Stranger::OwnNumber => assert_eq!(text(&answer), "1", "{route:?}"),
                Stranger::Nothing => {
                    // Not theirs and not there look the same.
                    let nowhere = vec![Uuid::from_u128(7).to_string(); case.keys.len()];
                    let none = scene
                        .call_with(
                            route,
                            version,
                            Some(&stranger),
                            &nowhere,
                            case.body.as_ref(),
                        )
                        .await;
                    assert_eq!(answer.status, 404, "{route:?}");
                    assert_eq!(masked(&answer), masked(&none), "{route:?}");
                }
                Stranger::OwnThing => {
                    assert_eq!(answer.status, case.status, "{route:?}: {}", text(&answer));
                    if answer.status == 201 {
                        own_profiles.push(id_of(&answer));
                        own_profiles.sort_unstable();
                    }
                    let shown = text(&answer);
                    assert!(!shown.contains("\"hasLink\":true"), "{shown}");
                    assert!(!shown.contains(&CONTOSO.to_string()), "{shown}");
                }
                Stranger::FreeId => {
                    assert_eq!(answer.status, case.status, "{route:?}: {}", text(&answer));
                    let path = format!("{IMPORTS}/{}", scene.rows.import);
                    let ask = scene.house.ask(Method::GET, &path).token(&stranger);
                    let theirs = ask.send().await;
                    assert_eq!(id_of(&theirs), scene.rows.import);
                    assert_eq!(theirs.json()["serialNumber"], "a stranger's");
                    let ask = scene.house.ask(Method::DELETE, &path).token(&stranger);
                    assert_eq!(ask.send().await.status, 204);
                    let path = format!("{UPLOADS}/{}", scene.rows.upload);
                    let ask = scene.house.ask(Method::DELETE, &path).token(&stranger);
                    let is_upload = route.operation == Operation::CreateUpload;
                    let expected = if is_upload { 204 } else { 404 };
                    assert_eq!(ask.send().await.status, expected);
                }
                Stranger::FreeHardware => {
                    assert_eq!(answer.status, case.status, "{route:?}: {}", text(&answer));
                    let path = format!("{DEVICES}/{}", id_of(&answer));
                    let ask = scene.house.ask(Method::DELETE, &path).token(&stranger);
                    assert_eq!(ask.send().await.status, 204);
                }
                Stranger::NotDeleted => {
                    assert_eq!(answer.status, case.status, "{route:?}");
                    assert_eq!(answer.json()["value"][0]["deletionState"], "failed");
                }
            }
            assert!(scene.untouched().await, "{version} {route:?}");
        }
    }
}
