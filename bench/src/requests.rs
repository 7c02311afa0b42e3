//! What a load sends, written request by request. How fast and over how many connections is `load`'s.

use crate::{
    body::{Bodies, Content},
    random::Random,
    rows::Rows,
};

/// To whom a request goes, and in whose name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender<'a> {
    /// Host and port.
    pub(crate) address: &'a str,
    /// The bearer token.
    pub(crate) token: &'a str,
}

/// A source of requests.
pub(crate) trait Requests: 'static {
    /// How every answer must begin.
    const STATUS_LINE: &'static [u8];

    /// Appends the next request.
    fn write_next(&mut self, sender: Sender<'_>, request: &mut Vec<u8>);
}

/// Creates of one import each.
pub(crate) struct Creates {
    bodies: Bodies,
}

impl Creates {
    /// Creates of devices from this number on.
    pub(crate) fn new(content: Content, first_device: u64) -> anyhow::Result<Self> {
        let bodies = Bodies::new(content, first_device)?;
        Ok(Self { bodies })
    }
}

impl Requests for Creates {
    const STATUS_LINE: &'static [u8] = b"HTTP/1.1 201";

    fn write_next(&mut self, sender: Sender<'_>, request: &mut Vec<u8>) {
        let line = b"POST /beta/deviceManagement/importedWindowsAutopilotDeviceIdentities HTTP/1.1";
        write_head(line, sender, request);
        write_body(request, |request| self.bodies.write_next(request));
    }
}

/// Batches of creates.
pub(crate) struct Batches {
    bodies: Bodies,
    parts: u32,
}

impl Batches {
    /// Batches of so many creates each.
    pub(crate) fn new(parts: u32) -> anyhow::Result<Self> {
        let bodies = Bodies::new(Content::Padded, 1)?;
        Ok(Self { bodies, parts })
    }

    fn write_parts(&mut self, out: &mut Vec<u8>) {
        for part in 0..self.parts {
            out.extend_from_slice(if part == 0 { b"{\"requests\":[" } else { b"," });
            let id = part.to_string();
            out.extend_from_slice(b"{\"id\":\"");
            out.extend_from_slice(id.as_bytes());
            out.extend_from_slice(
                b"\",\"method\":\"POST\",\
                \"url\":\"/deviceManagement/importedWindowsAutopilotDeviceIdentities\",\
                \"headers\":{\"Content-Type\":\"application/json\"},\"body\":",
            );
            self.bodies.write_next(out);
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
    }
}

/// Their parts' statuses stand in the body, which the generator has no time to read.
impl Requests for Batches {
    const STATUS_LINE: &'static [u8] = b"HTTP/1.1 200";

    fn write_next(&mut self, sender: Sender<'_>, request: &mut Vec<u8>) {
        write_head(b"POST /beta/$batch HTTP/1.1", sender, request);
        write_body(request, |request| self.write_parts(request));
    }
}

/// GETs of imports by their ids, in an order that looks random.
pub(crate) struct Lookups {
    rows: Rows,
    random: Random,
}

impl Lookups {
    /// GETs of the large tenant's imports, others for every seed.
    pub(crate) fn new(rows: Rows, seed: u64) -> Self {
        let random = Random::new(seed);
        Self { rows, random }
    }
}

impl Requests for Lookups {
    const STATUS_LINE: &'static [u8] = b"HTTP/1.1 200";

    fn write_next(&mut self, sender: Sender<'_>, request: &mut Vec<u8>) {
        let id = Rows::import_id(self.random.below(self.rows.large));
        let set = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";
        let line = format!("GET {set}/{id} HTTP/1.1");
        write_head(line.as_bytes(), sender, request);
        request.extend_from_slice(b"\r\n");
    }
}

/// The first line and what every request says.
fn write_head(line: &[u8], sender: Sender<'_>, request: &mut Vec<u8>) {
    request.extend_from_slice(line);
    request.extend_from_slice(b"\r\nhost: ");
    request.extend_from_slice(sender.address.as_bytes());
    request.extend_from_slice(b"\r\nauthorization: Bearer ");
    request.extend_from_slice(sender.token.as_bytes());
    request.extend_from_slice(b"\r\n");
}

/// The rest of the head, and a body in JSON.
fn write_body(request: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    // The body's length is known only behind it; a fixed-width number leaves room for it.
    const LENGTH: &[u8] = b"00000000";
    request.extend_from_slice(b"content-type: application/json\r\ncontent-length: ");
    let length_at = request.len();
    request.extend_from_slice(LENGTH);
    request.extend_from_slice(b"\r\n\r\n");
    let body_at = request.len();
    write(request);
    let length = format!("{:0width$}", request.len() - body_at, width = LENGTH.len());
    request[length_at..length_at + LENGTH.len()].copy_from_slice(length.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first line, and the body behind what the head says of its length.
    fn parts(request: &[u8]) -> (String, Vec<u8>) {
        let head = request.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = request.split_at(head.unwrap() + 4);
        let head = String::from_utf8(head.to_vec()).unwrap();
        let length = head.split("content-length: ").nth(1).map_or(0, |rest| {
            rest.lines().next().unwrap().parse::<usize>().unwrap()
        });
        assert_eq!(length, body.len(), "{head}");
        assert!(
            head.contains("\r\nhost: here:1\r\nauthorization: Bearer T\r\n"),
            "{head}"
        );
        (head.lines().next().unwrap().to_owned(), body.to_vec())
    }

    fn next(requests: &mut impl Requests) -> (String, Vec<u8>) {
        let mut request = Vec::new();
        let sender = Sender {
            address: "here:1",
            token: "T",
        };
        requests.write_next(sender, &mut request);
        parts(&request)
    }

    #[test]
    fn a_create_has_the_next_devices_body() {
        let mut creates = Creates::new(Content::Padded, 7).unwrap();
        let (line, first) = next(&mut creates);
        assert!(
            line.starts_with("POST /beta/deviceManagement/imported"),
            "{line}"
        );
        let (_, second) = next(&mut creates);
        assert_ne!(first, second);
        serde_json::from_slice::<serde_json::Value>(&second).unwrap();
    }

    #[test]
    fn a_batch_has_distinct_parts() {
        let mut batches = Batches::new(20).unwrap();
        let (line, body) = next(&mut batches);
        assert_eq!(line, "POST /beta/$batch HTTP/1.1");
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let parts = body["requests"].as_array().unwrap();
        assert_eq!(parts.len(), 20);
        for member in ["id", "body"] {
            let values = parts.iter().map(|part| part[member].to_string());
            let distinct: std::collections::HashSet<_> = values.collect();
            assert_eq!(distinct.len(), 20, "{member}");
        }
    }

    #[test]
    fn a_lookup_is_of_a_row_that_is_there() {
        let rows = Rows { large: 3, small: 0 };
        let mut lookups = Lookups::new(rows, 1);
        let ids: Vec<_> = (0..3)
            .map(|number| Rows::import_id(number).to_string())
            .collect();
        for _ in 0..20 {
            let (line, body) = next(&mut lookups);
            assert!(body.is_empty());
            let id = line.rsplit('/').nth(1).unwrap().trim_end_matches(" HTTP");
            assert!(ids.iter().any(|known| known == id), "{line}");
        }
    }
}
