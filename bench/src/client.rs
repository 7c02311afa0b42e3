//! One connection, one request at a time, the answer read as JSON: for what is asked between and
//! after loads. `load` is what loads.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// Where imports are.
const IMPORTS: &str = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";

/// A connection to a server.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    head: String,
}

impl Client {
    /// Connects.
    pub(crate) fn connect(address: &str, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            head: format!("HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n"),
        })
    }

    /// Creates an import; answers its id.
    pub(crate) fn create(&mut self, body: &[u8]) -> anyhow::Result<String> {
        let mut request = format!(
            "POST {IMPORTS} {}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.head,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        let answer = self.ask(&request, "201")?;
        let id = answer["id"].as_str().context("an import without an id")?;
        Ok(id.to_owned())
    }

    /// The import's status, such as `unknown` or `complete`.
    pub(crate) fn status(&mut self, id: &str) -> anyhow::Result<String> {
        let request = format!("GET {IMPORTS}/{id} {}\r\n", self.head);
        let answer = self.ask(request.as_bytes(), "200")?;
        let status = answer["state"]["deviceImportStatus"].as_str();
        Ok(status.context("an import without a status")?.to_owned())
    }

    fn ask(&mut self, request: &[u8], expected: &str) -> anyhow::Result<Value> {
        self.stream.get_mut().write_all(request)?;
        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            ensure!(self.stream.read_line(&mut line)? > 0, "the server hung up");
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        ensure!(
            status.split(' ').nth(1) == Some(expected),
            "not a {expected}: {status}{}",
            String::from_utf8_lossy(&body)
        );
        Ok(serde_json::from_slice(&body)?)
    }
}
