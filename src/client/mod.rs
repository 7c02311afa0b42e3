//! A small client of any Graph-compatible server: what the bulk commands stand on.
//!
//! It authenticates, honours 429 and `Retry-After`, pages, and says in plain words what else may
//! answer at an address. It repeats what only reads; whether a write whose outcome is unknown may be
//! sent again is the caller's to find out. Which rows to send is `cli::import`'s.

mod address;
mod answer;
mod error;
mod imports;
mod patience;
mod raw_page;
mod token;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{Certificate, Client, RequestBuilder, StatusCode, header, redirect};

use answer::{Answer, judge, parts};

pub use address::{Address, ClearText};
pub use error::{ClientError, Refusal};
pub use imports::{ImportCall, ImportRow, ImportSent, ImportsPage, SeenImport};
pub use patience::{Backoff, Patience};
pub use raw_page::RawPage;
pub use token::{TokenSource, Tokens};

/// How long to wait for a connection, and for each piece of an answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const SILENCE_LIMIT: Duration = Duration::from_mins(1);

/// The longest answer that is read: a page of a thousand hashes is a quarter of it.
const LONGEST_ANSWER_BYTES: usize = 64 << 20;

/// Told, for people, when the client waits before it tries again.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// What a client is made of.
pub struct ClientOptions {
    /// Where the server is.
    pub address: Address,
    /// Where tokens come from.
    pub token: TokenSource,
    /// Certificates to trust besides the system's, in PEM.
    pub authorities: Option<Vec<u8>>,
    /// How long to go on trying.
    pub patience: Patience,
    /// Told when it waits.
    pub notice: Notice,
}

/// A client of one server.
pub struct GraphClient {
    http: Client,
    address: Address,
    tokens: Tokens,
    patience: Patience,
    notice: Notice,
}

/// Whether the server answered before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contact {
    First,
    Known,
}

/// Whether the server is to show what was sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// It is.
    Wanted,
    /// It need not. Not every server heeds that.
    Spared,
}

/// What became of a write.
#[derive(Debug)]
pub enum Written {
    /// The server's answer.
    Answered(Bytes),
    /// It was done, and the server shows nothing of it.
    Unseen,
    /// The server said no: nothing was done.
    Refused(Refusal),
    /// Nobody knows whether it was done.
    Unknown {
        /// Why not, as the middle of a sentence.
        reason: String,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
    },
}

impl GraphClient {
    /// Makes a client; nothing is sent yet.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .read_timeout(SILENCE_LIMIT)
            // A token must not follow a redirect, and a POST does not survive one.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("hangar/", env!("CARGO_PKG_VERSION")));
        if options.address.is_loopback() {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &options.authorities {
            let certificates = Certificate::from_pem_bundle(pem)
                .map_err(|error| ClientError::Authorities(error.to_string()))?;
            if certificates.is_empty() {
                return Err(ClientError::Authorities("it holds none".to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder
            .build()
            .map_err(|error| ClientError::Setup(error::chain(&error)))?;
        Ok(Self {
            http,
            address: options.address,
            tokens: Tokens::new(options.token),
            patience: options.patience,
            notice: options.notice,
        })
    }

    /// The server's address, as it was given.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How long to go on trying.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Waits before something is tried again; false if it would end too late.
    pub async fn pause(
        &self,
        backoff: &mut Backoff,
        retry_after: Option<Duration>,
        reason: &str,
    ) -> bool {
        backoff.pause(retry_after, reason, &self.notice).await
    }

    /// Tells the person who waits.
    pub fn notice(&self, sentence: &str) {
        (self.notice)(sentence);
    }

    /// Makes sure that a Graph server is there and takes the token. An address where nothing
    /// listens is most likely wrong, so that is not tried again.
    pub async fn greet(&self) -> Result<(), ClientError> {
        let link = self.imports_link("$top=1");
        let body = self.get_from(&link, Contact::First).await?;
        self.read_imports(&body).map(drop)
    }

    /// Gets a document, trying again while that may help.
    async fn get(&self, link: &str) -> Result<Bytes, ClientError> {
        self.get_from(link, Contact::Known).await
    }

    async fn get_from(&self, link: &str, contact: Contact) -> Result<Bytes, ClientError> {
        let mut backoff = self.patience.start();
        loop {
            let request = self.http.get(link);
            let (reason, retry_after) = match self.exchange(request).await? {
                Answer::Good(body) => return Ok(body),
                Answer::Nothing => return Ok(Bytes::new()),
                Answer::Refused(refusal) => return Err(ClientError::Refused(refusal)),
                Answer::NoConnection(reason) if contact == Contact::First => {
                    let address = self.address.to_string();
                    return Err(ClientError::Unreachable { address, reason });
                }
                Answer::NoConnection(reason) => (reason, None),
                Answer::Later {
                    reason,
                    retry_after,
                }
                | Answer::Unknown {
                    reason,
                    retry_after,
                } => (reason, retry_after),
            };
            if !backoff.pause(retry_after, &reason, &self.notice).await {
                return Err(self.gave_up(reason));
            }
        }
    }

    /// Posts JSON. It is sent again only where the server surely did nothing.
    async fn post(&self, link: &str, body: Bytes, echo: Echo) -> Result<Written, ClientError> {
        let mut backoff = self.patience.start();
        loop {
            let mut request = self
                .http
                .post(link)
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone());
            if echo == Echo::Spared {
                request = request.header("prefer", "return=minimal");
            }
            let (reason, retry_after) = match self.exchange(request).await? {
                Answer::Good(body) => return Ok(Written::Answered(body)),
                Answer::Nothing => return Ok(Written::Unseen),
                Answer::Refused(refusal) => return Ok(Written::Refused(refusal)),
                Answer::Unknown {
                    reason,
                    retry_after,
                } => {
                    return Ok(Written::Unknown {
                        reason,
                        retry_after,
                    });
                }
                Answer::NoConnection(reason) => (reason, None),
                Answer::Later {
                    reason,
                    retry_after,
                } => (reason, retry_after),
            };
            if !backoff.pause(retry_after, &reason, &self.notice).await {
                return Err(self.gave_up(reason));
            }
        }
    }

    /// The error of a server that did not come round in time.
    pub fn gave_up(&self, reason: String) -> ClientError {
        ClientError::GaveUp {
            address: self.address.to_string(),
            reason,
            tried_for: self.patience.limit(),
        }
    }

    /// Sends a request with a token, and once more with a new one where the first is refused.
    async fn exchange(&self, request: RequestBuilder) -> Result<Answer, ClientError> {
        let token = self.tokens.current().await?;
        let again = request.try_clone();
        let (status, answer) = self.send(request, &token).await?;
        if status != Some(StatusCode::UNAUTHORIZED) {
            return Ok(answer);
        }
        if let Some((request, token)) = again.zip(self.tokens.renew(&token).await?) {
            let (status, answer) = self.send(request, &token).await?;
            if status != Some(StatusCode::UNAUTHORIZED) {
                return Ok(answer);
            }
        }
        let why = match answer {
            Answer::Refused(refusal) => refusal.to_string(),
            _ => "it gave no reason".to_owned(),
        };
        Err(ClientError::TokenRefused {
            address: self.address.to_string(),
            why,
            advice: self.tokens.advice(),
        })
    }

    async fn send(
        &self,
        request: RequestBuilder,
        token: &token::Token,
    ) -> Result<(Option<StatusCode>, Answer), ClientError> {
        let request = request
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, token.header());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok((None, parts::transfer(&error))),
        };
        let status = response.status();
        let head = parts::head(&response);
        let body = match parts::body(response, LONGEST_ANSWER_BYTES).await {
            Ok(body) => body,
            Err(answer) => return Ok((Some(status), answer)),
        };
        let answer = judge(&self.address, status, &head, body)?;
        Ok((Some(status), answer))
    }
}
