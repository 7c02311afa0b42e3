//! One connection, one request at a time, the answer read as JSON: for what is asked between and
//! after loads. `load` is what loads.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// Where imports are.
const IMPORTS: &str = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";

/// A connection to a server.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    head: String,
    /// What the server's links begin with.
    base: String,
}

impl Client {
    /// Connects.
    pub(crate) fn connect(address: &str, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            base: format!("http://{address}"),
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

    /// How many imports the tenant has.
    pub(crate) fn count_imports(&mut self) -> anyhow::Result<u64> {
        let request = format!("GET {IMPORTS}/$count {}\r\n", self.head);
        let answer = self.exchange(request.as_bytes(), "200")?;
        // Some write a mark of the byte order before the number.
        let text = String::from_utf8(answer)?;
        Ok(text.trim_start_matches('\u{feff}').trim().parse()?)
    }

    /// What is at a path or behind a link, and how long it took from the request's first byte to
    /// the answer's last.
    pub(crate) fn get(&mut self, link: &str) -> anyhow::Result<(Value, Duration)> {
        let path = link.strip_prefix(&self.base).unwrap_or(link);
        let request = format!("GET {path} {}\r\n", self.head);
        let asked = Instant::now();
        let answer = self.exchange(request.as_bytes(), "200")?;
        let took = asked.elapsed();
        Ok((serde_json::from_slice(&answer)?, took))
    }

    fn ask(&mut self, request: &[u8], expected: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.exchange(request, expected)?)?)
    }

    fn exchange(&mut self, request: &[u8], expected: &str) -> anyhow::Result<Vec<u8>> {
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
        Ok(body)
    }
}
