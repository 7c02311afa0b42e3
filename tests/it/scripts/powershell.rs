//! What `Invoke-MgGraphRequest` sends and how it reads, and the desk at which it is typed: the API on a
//! socket, with the fixed clock behind it.

use std::{io::Read as _, ops::RangeInclusive, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::read::GzDecoder;
use hangar::{
    domain::assignment::GroupId,
    graph::behavior::Behavior,
    http::{
        layers::throttle::{Limits, RetryAfter},
        server::ServerOptions,
    },
    testing::{TestApi, TestOptions, TestServer},
};
use hardware_hash::Builder;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use uuid::uuid;

use super::get_windows_autopilot_info::{import, machine};

pub(super) const IMPORTS: &str = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";
pub(super) const DEVICES: &str = "/beta/deviceManagement/windowsAutopilotDeviceIdentities";
pub(super) const PROFILES: &str = "/beta/deviceManagement/windowsAutopilotDeploymentProfiles";
pub(super) const SETTINGS: &str = "/beta/deviceManagement/windowsAutopilotSettings";

/// The id of the group of what is sold.
pub(super) const GROUP: &str = "5a1e5000-0000-4000-8000-000000000001";

/// How long anything may take before it counts as a hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long an import waits before it is decided: longer than the scripts wait before they ask first.
const DELAY: SignedDuration = SignedDuration::from_secs(45);

/// A PowerShell session that is signed in as Contoso's administrator, and the service it speaks to.
pub(super) struct Desk {
    pub(super) behavior: Behavior,
    api: TestApi,
    server: TestServer,
    token: String,
    connection: Option<TcpStream>,
    /// How many pages the last collection had.
    pub(super) pages: usize,
    /// How long it was told to wait each time that it asked too often.
    pub(super) waits: Vec<i64>,
    _directory: tempfile::TempDir,
}

/// The content type of a body, and its bytes.
#[derive(Clone, Copy)]
pub(super) enum Body<'b> {
    /// None; a POST says so.
    None,
    /// Said to be JSON, without a charset.
    Json(&'b [u8]),
}

/// An answer, as the script gets it.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// The seconds that the service asks to be left alone for.
    retry_after: Option<i64>,
}

impl Desk {
    pub(super) async fn of(behavior: Behavior) -> Self {
        Self::with(behavior, None).await
    }

    /// The service as it was seen, which lets nobody ask more often than this.
    pub(super) async fn throttled(limits: Limits) -> Self {
        Self::with(Behavior::Observed, Some((limits, RetryAfter::Sent))).await
    }

    async fn with(behavior: Behavior, throttle: Option<(Limits, RetryAfter)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = TestOptions {
            behavior,
            throttle,
            delay: DELAY,
            assignment_delay: SignedDuration::from_secs(2),
            group_rules: &[(
                GroupId(uuid!("5a1e5000-0000-4000-8000-000000000001")),
                "Sales",
            )],
            ..TestOptions::default()
        };
        let api = TestApi::start(directory.path(), options);
        Self {
            behavior,
            server: api.serve(ServerOptions::default()).await,
            token: api.user_token("contoso", "administrator"),
            api,
            connection: None,
            pages: 0,
            waits: Vec::new(),
            _directory: directory,
        }
    }

    /// Both services that a script may meet.
    pub(super) async fn both() -> [Self; 2] {
        [
            Self::of(Behavior::Documented).await,
            Self::of(Behavior::Observed).await,
        ]
    }

    pub(super) fn is_observed(&self) -> bool {
        self.behavior == Behavior::Observed
    }

    /// `Start-Sleep`, while the service goes on.
    pub(super) async fn sleep(&self, seconds: i64) {
        self.api.clock.advance(SignedDuration::from_secs(seconds));
        self.api.settle().await;
    }

    pub(super) async fn get(&mut self, path: &str) -> Reply {
        self.invoke("GET", path, Body::None).await
    }

    pub(super) async fn post(&mut self, path: &str, json: impl AsRef<[u8]>) -> Reply {
        self.invoke("POST", path, Body::Json(json.as_ref())).await
    }

    pub(super) async fn delete(&mut self, path: &str) -> Reply {
        self.invoke("DELETE", path, Body::None).await
    }

    /// The same, and what the session does of itself where it asks too often: it waits for as long as
    /// it is told and asks again, three times at most.
    pub(super) async fn insist(&mut self, method: &str, path: &str, body: Body<'_>) -> Reply {
        const RETRIES: usize = 3;
        for _ in 0..RETRIES {
            let reply = self.invoke(method, path, body).await;
            if !matches!(reply.status, 429 | 503 | 504) {
                return reply;
            }
            let seconds = reply.retry_after.expect("a time to wait");
            self.waits.push(seconds);
            self.sleep(seconds).await;
        }
        self.invoke(method, path, body).await
    }

    /// `Invoke-MgGraphRequest -Method … -Uri …`, and a body where there is one.
    pub(super) async fn invoke(&mut self, method: &str, path: &str, body: Body<'_>) -> Reply {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => TcpStream::connect(self.server.address).await.unwrap(),
        };
        let (framing, sent) = match body {
            Body::None if method == "GET" => (String::new(), &[][..]),
            Body::None => ("Content-Length: 0\r\n".to_owned(), &[][..]),
            Body::Json(json) => {
                let length = json.len();
                let lines = format!(
                    "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n"
                );
                (lines, json)
            }
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\n\
             Authorization: Bearer {}\r\n\
             Cache-Control: no-store, no-cache\r\n\
             User-Agent: Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.22631; en-US) \
             PowerShell/5.1.22621.4391 Invoke-MgGraphRequest\r\n\
             SdkVersion: graph-powershell/2.25.0, Graph-dotnet-1.25.1\r\n\
             FeatureFlag: 00000003\r\n\
             Accept-Encoding: gzip\r\n\
             {framing}\
             Host: {}\r\n\r\n",
            self.token, self.server.address
        );
        send(&mut connection, head.as_bytes()).await;
        let mut first = read_head(&mut connection).await;
        if !sent.is_empty() && first.starts_with("HTTP/1.1 100 Continue\r\n") {
            send(&mut connection, sent).await;
            first = read_head(&mut connection).await;
        }
        let (reply, stays) = read_rest(&mut connection, &first).await;
        self.connection = stays.then_some(connection);
        reply
    }

    /// Registers invented devices: their ids.
    pub(super) async fn register(&mut self, seeds: RangeInclusive<u64>) -> Vec<String> {
        self.register_all(seeds.map(machine)).await
    }

    /// Registers invented devices that have these serial numbers: their ids.
    pub(super) async fn register_as(&mut self, serials: &[&str]) -> Vec<String> {
        let machines = (1..).zip(serials).map(|(seed, serial)| {
            let blob = Builder::new(seed).serial_number(serial).build();
            ((*serial).to_owned(), BASE64_STANDARD.encode(blob))
        });
        self.register_all(machines).await
    }

    async fn register_all(
        &mut self,
        machines: impl Iterator<Item = (String, String)>,
    ) -> Vec<String> {
        let mut imports = Vec::new();
        for (serial, hash) in machines {
            let added = self
                .post(IMPORTS, import(&serial, &hash, "", ""))
                .await
                .object();
            imports.push(format!("{IMPORTS}/{}", added["id"].as_str().unwrap()));
        }
        self.sleep(60).await;
        let mut devices = Vec::new();
        for import in imports {
            let state = self.get(&import).await.object()["state"].clone();
            assert_eq!(state["deviceImportStatus"], "complete", "{state}");
            devices.push(state["deviceRegistrationId"].as_str().unwrap().to_owned());
        }
        devices
    }

    /// All pages of a collection, by its next links, as every script goes through them.
    pub(super) async fn all(&mut self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        self.pages = 0;
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let page = self.get(&path).await.object();
            self.pages += 1;
            rows.extend(page["value"].as_array().expect("a collection").clone());
            // A property that is absent is `$null` to PowerShell.
            let link = page["@odata.nextLink"].as_str();
            let base = format!("http://{}", self.server.address);
            next = link.map(|link| link.strip_prefix(&base).expect("its own host").to_owned());
            assert!(rows.len() < 10_000, "the links go round in a circle");
        }
        rows
    }
}

impl Reply {
    /// A success with a JSON object, which `-OutputType PSObject` can read.
    #[track_caller]
    pub(super) fn object(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert!(matches!(self.status, 200..=299), "{}: {text}", self.status);
        let value: Value = serde_json::from_slice(&self.body).expect(&text);
        assert!(value.is_object(), "{text}");
        assert_readable(&value);
        value
    }

    /// A success without a body.
    #[track_caller]
    pub(super) fn done(&self) {
        let text = String::from_utf8_lossy(&self.body);
        assert!(matches!(self.status, 200 | 204), "{}: {text}", self.status);
        assert_eq!(text, "");
    }

    /// A failure, with its code and message.
    #[track_caller]
    pub(super) fn failure(&self) -> (u16, String, String) {
        assert!(self.status >= 400, "{}", self.status);
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        let text = |name: &str| body["error"][name].as_str().unwrap().to_owned();
        (self.status, text("code"), text("message"))
    }
}

/// `ConvertFrom-Json` refuses an object with two names that differ only in letter case.
#[track_caller]
fn assert_readable(value: &Value) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<_> = members.keys().map(|name| name.to_lowercase()).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
            members.values().for_each(assert_readable);
        }
        Value::Array(items) => items.iter().for_each(assert_readable),
        _ => {}
    }
}

async fn send(connection: &mut TcpStream, bytes: &[u8]) {
    let sent = timeout(PATIENCE, connection.write_all(bytes)).await;
    sent.expect("the server does not read").unwrap();
}

/// Reads what follows the head of an answer, and says whether the connection stays.
async fn read_rest(connection: &mut TcpStream, head: &str) -> (Reply, bool) {
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut body = if header(head, "transfer-encoding").is_some() {
        read_chunks(connection).await
    } else {
        let length = header(head, "content-length").unwrap_or("0");
        read_bytes(connection, length.parse().unwrap()).await
    };
    if header(head, "content-encoding") == Some("gzip") {
        let mut plain = Vec::new();
        GzDecoder::new(&*body).read_to_end(&mut plain).unwrap();
        body = plain;
    }
    let stays = header(head, "connection") != Some("close");
    let retry_after = header(head, "retry-after").map(|seconds| seconds.parse().unwrap());
    let reply = Reply {
        status,
        body,
        retry_after,
    };
    (reply, stays)
}

async fn read_chunks(connection: &mut TcpStream) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = read_until(connection, b"\r\n").await;
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
        body.extend(read_bytes(connection, length).await);
        assert_eq!(read_until(connection, b"\r\n").await, "\r\n");
        if length == 0 {
            return body;
        }
    }
}

async fn read_bytes(connection: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let read = timeout(PATIENCE, connection.read_exact(&mut bytes)).await;
    read.expect("the answer stops").unwrap();
    bytes
}

async fn read_head(connection: &mut TcpStream) -> String {
    read_until(connection, b"\r\n\r\n").await
}

async fn read_until(connection: &mut TcpStream, end: &[u8]) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end) {
        let byte = timeout(PATIENCE, connection.read_u8()).await;
        text.push(byte.expect("no answer").expect("no end before an answer"));
    }
    String::from_utf8(text).unwrap()
}

/// A header of a head.
fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.split("\r\n").skip(1);
    lines.find_map(|line| {
        let (own, value) = line.split_once(": ")?;
        own.eq_ignore_ascii_case(name).then_some(value)
    })
}
