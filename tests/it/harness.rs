//! What the tests of the URL space share: the whole API with a tenant's administrator before it,
//! and short ways to ask and to read answers. `hangar::testing` is what it stands on.

use axum::body::Body;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hangar::{
    authority::Authority,
    domain::registration::HashValidation,
    graph::behavior::Behavior,
    testing::{BASE_URL, Rehearsing, TestAnswer, TestApi, TestOptions},
};
use hardware_hash::Builder;
use http::{HeaderValue, Method, Request, header, request};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const IMPORTS: &str = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";
pub(crate) const UPLOADS: &str =
    "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentityUploads";
pub(crate) const DEVICES: &str = "/beta/deviceManagement/windowsAutopilotDeviceIdentities";
pub(crate) const PROFILES: &str = "/beta/deviceManagement/windowsAutopilotDeploymentProfiles";
pub(crate) const SETTINGS: &str = "/beta/deviceManagement/windowsAutopilotSettings";
pub(crate) const VERSIONS: [&str; 2] = ["beta", "v1.0"];
pub(crate) const ENTITY_CONTENT_TYPE: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
pub(crate) const READ: &str = "DeviceManagementServiceConfig.Read.All";
pub(crate) const WRITE: &str = "DeviceManagementServiceConfig.ReadWrite.All";

/// The API on a database of its own.
pub(crate) struct House {
    pub(crate) api: TestApi,
    /// The token of Contoso's administrator, who asks unless another token is given.
    pub(crate) contoso: String,
    /// The token of Fabrikam's administrator.
    pub(crate) fabrikam: String,
    directory: TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(TestOptions::default())
    }

    pub(crate) fn observed() -> Self {
        Self::with(TestOptions {
            behavior: Behavior::Observed,
            ..TestOptions::default()
        })
    }

    pub(crate) fn lenient() -> Self {
        Self::with(TestOptions {
            validation: HashValidation::Lenient,
            ..TestOptions::default()
        })
    }

    pub(crate) fn rehearsing() -> Self {
        Self::with(TestOptions {
            rehearsing: Rehearsing::Yes,
            ..TestOptions::default()
        })
    }

    pub(crate) fn with(options: TestOptions) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let api = TestApi::start(directory.path(), options);
        Self {
            contoso: api.user_token("contoso", "administrator"),
            fabrikam: api.user_token("fabrikam", "administrator"),
            api,
            directory,
        }
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.directory.path().join("hangar.db")
    }

    /// A request by Contoso's administrator, to be completed.
    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        Ask {
            house: self,
            request: Request::builder()
                .method(method)
                .uri(path)
                .header(header::HOST, "127.0.0.1:8080"),
            token: Some(self.contoso.clone()),
            body: Body::empty(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> TestAnswer {
        self.ask(Method::GET, path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> TestAnswer {
        self.ask(Method::POST, path).json(body).send().await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> TestAnswer {
        self.ask(Method::PATCH, path).json(body).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> TestAnswer {
        self.ask(Method::DELETE, path).send().await
    }

    /// Tells the rehearsal something, and answers what it says: `400 field: message` of what it refuses.
    pub(crate) async fn direct(&self, path: &str, body: &Value) -> Result<Value, String> {
        let path = format!("/rehearsal/{path}");
        let answer = self.api.direct(Method::POST, &path, Some(body)).await;
        directed(&answer)
    }

    /// Takes something of the rehearsal's away.
    pub(crate) async fn undirect(&self, path: &str) -> Result<Value, String> {
        let path = format!("/rehearsal/{path}");
        directed(&self.api.direct(Method::DELETE, &path, None).await)
    }

    /// What the rehearsal shows there.
    pub(crate) async fn look(&self, path: &str) -> Result<Value, String> {
        let path = format!("/rehearsal/{path}");
        directed(&self.api.direct(Method::GET, &path, None).await)
    }

    /// Accepts an import for the holder of a token, and answers its id.
    pub(crate) async fn accept(&self, token: &str, body: &Value) -> String {
        let ask = self.ask(Method::POST, IMPORTS).token(token);
        let answer = ask.json(body).send().await;
        assert_eq!(answer.status, 201, "{}", text(&answer));
        id_of(&answer)
    }

    /// The state of an import of this token's tenant.
    pub(crate) async fn state(&self, token: &str, import: &str) -> Value {
        let path = format!("{IMPORTS}/{import}");
        let answer = self.ask(Method::GET, &path).token(token).send().await;
        assert_eq!(answer.status, 200, "{}", text(&answer));
        answer.json()["state"].clone()
    }

    /// Accepts an import, lets it be decided, and answers its state as `code name device`.
    pub(crate) async fn outcome(&self, token: &str, body: &Value) -> String {
        let import = self.accept(token, body).await;
        self.api.settle().await;
        told(&self.state(token, &import).await)
    }

    /// Registers the invented device of this seed: the ids of its import and of itself.
    pub(crate) async fn register(&self, token: &str, seed: u64) -> (String, String) {
        let import = self.accept(token, &device(seed)).await;
        self.api.settle().await;
        let state = self.state(token, &import).await;
        assert_eq!(state["deviceImportStatus"], "complete", "{state}");
        (import, string(&state["deviceRegistrationId"]))
    }

    /// Registers the invented device of this seed in an upload of its own: the ids of the upload,
    /// of its import and of the device.
    pub(crate) async fn upload(&self, token: &str, seed: u64) -> (String, String, String) {
        let body = json!({ "deviceIdentities": [device(seed)] });
        let ask = self.ask(Method::POST, UPLOADS).token(token);
        let answer = ask.json(&body).send().await;
        assert_eq!(answer.status, 201, "{}", text(&answer));
        let import = string(&answer.json()["deviceIdentities"][0]["id"]);
        self.api.settle().await;
        let state = self.state(token, &import).await;
        assert_eq!(state["deviceImportStatus"], "complete", "{state}");
        (
            id_of(&answer),
            import,
            string(&state["deviceRegistrationId"]),
        )
    }

    /// Makes a deployment profile for the holder of a token, and answers its id.
    pub(crate) async fn make_profile(&self, token: &str, name: &str) -> String {
        let ask = self.ask(Method::POST, PROFILES).token(token);
        let answer = ask.json(&profile(name)).send().await;
        assert_eq!(answer.status, 201, "{}", text(&answer));
        id_of(&answer)
    }

    /// A user's token with any scopes, in any tenant.
    pub(crate) fn user_token(&self, tenant: Uuid, scopes: &str) -> String {
        self.token(tenant, &json!({ "scp": scopes }))
    }

    /// A token with these claims beside, or instead of, the usual ones.
    pub(crate) fn token(&self, tenant: Uuid, claims: &Value) -> String {
        let now = self.api.now().as_second();
        let issuer = Authority::issuer_template(BASE_URL);
        let mut all = json!({
            "iss": issuer.replace("{tenantid}", &tenant.to_string()),
            "aud": "https://graph.microsoft.com",
            "tid": tenant.to_string(),
            "oid": "aaaaaaaa-0000-4000-8000-00000000ffff",
            "iat": now, "nbf": now, "exp": now + 3600,
        });
        for (name, value) in claims.as_object().expect("claims") {
            all[name] = value.clone();
        }
        self.api.authority.sign(&all).expect("a token")
    }
}

/// What a rehearsal says, or why it does not do what it was told.
fn directed(answer: &TestAnswer) -> Result<Value, String> {
    let body = answer.json();
    if answer.status == 200 {
        return Ok(body);
    }
    let field = body["error"]["field"].as_str().unwrap_or("-");
    let message = body["error"]["message"].as_str().unwrap_or("-");
    Err(format!("{} {field}: {message}", answer.status.as_u16()))
}

/// A request on its way.
pub(crate) struct Ask<'h> {
    house: &'h House,
    request: request::Builder,
    token: Option<String>,
    body: Body,
}

impl Ask<'_> {
    pub(crate) fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) fn anonymous(mut self) -> Self {
        self.token = None;
        self
    }

    /// Adds a header, or replaces it: the request's own `Host` gives way.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::try_from(value).expect("a header");
        self.request
            .headers_mut()
            .expect("a sound request")
            .insert(name, value);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    /// A body as it is, said to be JSON.
    pub(crate) fn bytes(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", "application/json")
    }

    pub(crate) async fn send(self) -> TestAnswer {
        let mut request = self.request;
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.house
            .api
            .send(request.body(self.body).expect("a sound request"))
            .await
    }
}

/// The body of an import of this seed's invented device.
pub(crate) fn device(seed: u64) -> Value {
    import_of(&Builder::new(seed))
}

/// The body of a deployment profile of this name.
pub(crate) fn profile(name: &str) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.azureADWindowsAutopilotDeploymentProfile",
        "displayName": name,
    })
}

/// The body of an assignment to a group.
pub(crate) fn group_target(group: Uuid) -> Value {
    json!({ "target": {
        "@odata.type": "#microsoft.graph.groupAssignmentTarget",
        "groupId": group.to_string(),
    }})
}

/// The body of an assignment to all devices.
pub(crate) fn all_devices() -> Value {
    json!({ "target": { "@odata.type": "#microsoft.graph.allDevicesAssignmentTarget" } })
}

/// The body of an import of an invented device.
pub(crate) fn import_of(builder: &Builder) -> Value {
    json!({ "hardwareIdentifier": BASE64_STANDARD.encode(builder.build()) })
}

/// A state in short: code, name, and whether a device is named.
pub(crate) fn told(state: &Value) -> String {
    format!(
        "{} {} {}{}",
        string(&state["deviceImportStatus"]),
        state["deviceErrorCode"],
        string(&state["deviceErrorName"]),
        match string(&state["deviceRegistrationId"]).len() {
            0 => "",
            _ => " +device",
        }
    )
}

/// The id in an answer.
pub(crate) fn id_of(answer: &TestAnswer) -> String {
    string(&answer.json()["id"])
}

/// The ids of a collection, in its order.
pub(crate) fn ids_of(answer: &TestAnswer) -> Vec<String> {
    let body = answer.json();
    let rows = body["value"].as_array().expect("a collection");
    rows.iter().map(|row| string(&row["id"])).collect()
}

pub(crate) fn string(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

pub(crate) fn text(answer: &TestAnswer) -> String {
    String::from_utf8(answer.body.to_vec()).expect("a text")
}

/// An error in one line: status, code, message.
pub(crate) fn error(answer: &TestAnswer) -> String {
    let body = answer.json();
    let error = &body["error"];
    let name = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    format!(
        "{} {}: {}",
        answer.status.as_u16(),
        name(&error["code"]),
        name(&error["message"])
    )
}

/// A body with every GUID but the zero one replaced by a number of its own, and without what
/// entity tags say, for snapshots.
pub(crate) fn masked(answer: &TestAnswer) -> String {
    const GUID: usize = 36;
    const ETAG: &str = "W/\\\"";
    const ETAG_CHARACTERS: usize = 22;
    let body = text(answer);
    let mut seen = Vec::new();
    let mut out = String::new();
    let mut rest = body.as_str();
    while let Some(next) = rest.chars().next() {
        let tag = rest.strip_prefix(ETAG);
        if let Some(after) = tag.and_then(|tag| tag.get(ETAG_CHARACTERS..)) {
            out += &[ETAG, "<tag>"].concat();
            rest = after;
            continue;
        }
        let guid = rest.get(..GUID).filter(|text| text.contains('-'));
        match guid.and_then(|text| Uuid::try_parse(text).ok()) {
            Some(id) if !id.is_nil() => {
                let number = seen.iter().position(|other| *other == id);
                let number = number.unwrap_or_else(|| {
                    seen.push(id);
                    seen.len() - 1
                });
                out += &["<id ", &(number + 1).to_string(), ">"].concat();
                rest = &rest[GUID..];
            }
            _ => {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    out
}
