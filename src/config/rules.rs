//! What settings must be to each other, and what each way of starting demands. Checked once every
//! value could be read by itself.

use std::net::SocketAddr;

use secrecy::ExposeSecret as _;

use super::{Effective, Mode, Origin, Problem, Settings, Tenants};

/// Everything that contradicts itself or is missing.
pub(super) fn broken(settings: &Settings, effective: &Effective, mode: Mode) -> Vec<Problem> {
    let mut check = Check {
        settings,
        effective,
        problems: Vec::new(),
    };
    match mode {
        Mode::Serve => {
            check.somebody_can_call();
            check.https_has_a_certificate();
        }
        Mode::Dev => check.listens_on_loopback(mode),
        Mode::Rehearse => {
            check.listens_on_loopback(mode);
            check.keeps_in_a_file();
        }
    }
    check.certificates_have_keys();
    check.templates_have_tenants();
    check.listeners_differ();
    check.problems
}

/// Follows the problems with what is missing.
const HOW_TO_SET_AUTH: &str = r#"this is not set, and without it no token is accepted.

Say whose tokens to accept, for example in the file given with --config:

    [auth]
    issuers = ["https://login.microsoftonline.com/{tenantid}/v2.0"]
    audiences = ["api://hangar"]
    tenants = ["11111111-2222-3333-4444-555555555555"]

or with --auth-issuers, --auth-audiences and --auth-tenants. To try Hangar out without Entra, start
`hangar serve --dev`: it brings a token authority of its own.
"#;

struct Check<'a> {
    settings: &'a Settings,
    effective: &'a Effective,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn somebody_can_call(&mut self) {
        let auth = &self.settings.auth;
        match (auth.issuers.is_empty(), auth.audiences.is_empty()) {
            (false, false) => {}
            (true, false) => self.report("auth.issuers", HOW_TO_SET_AUTH),
            (false, true) => self.report("auth.audiences", HOW_TO_SET_AUTH),
            (true, true) => {
                self.report("auth.issuers", "this is not set");
                self.report("auth.audiences", HOW_TO_SET_AUTH);
            }
        }
    }

    fn listens_on_loopback(&mut self, mode: Mode) {
        let flag = mode.flag().unwrap_or_default();
        let server = &self.settings.server;
        let tls_listen = server
            .tls_listen
            .map(|address| ("server.tls_listen", address));
        let plain = [
            ("server.listen", server.listen),
            ("server.admin_listen", server.admin_listen),
        ];
        for (key, address) in plain.into_iter().chain(tls_listen) {
            if !address.ip().to_canonical().is_loopback() {
                let message = format!(
                    "with {flag}, Hangar listens on loopback only, and {address} is not; write \
                     127.0.0.1:{}, or serve without {flag}",
                    address.port()
                );
                self.report(key, message);
            }
        }
    }

    /// Its worlds are copied and replaced as files.
    fn keeps_in_a_file(&mut self) {
        let url = self.settings.database.url.expose_secret();
        if !url.starts_with("sqlite://") {
            let message = "with --rehearse, Hangar keeps everything in SQLite: name a file as \
                           sqlite://PATH, or leave it to data.dir";
            self.report("database.url", message);
        }
    }

    fn templates_have_tenants(&mut self) {
        let auth = &self.settings.auth;
        let template = auth.issuers.iter().find(|issuer| issuer.is_template());
        if let Some(issuer) = template
            && auth.tenants == Tenants::OfIssuers
        {
            let message = format!(
                "\"{issuer}\" stands for every tenant; name those that may call in auth.tenants, \
                 or set auth.any_tenant to true"
            );
            self.report("auth.issuers", message);
        }
    }

    /// With `--dev`, Hangar makes a certificate of its own.
    fn https_has_a_certificate(&mut self) {
        let server = &self.settings.server;
        let has_none = server.tls_cert.is_none() && server.tls_key.is_none();
        if server.tls_listen.is_some() && has_none {
            self.report(
                "server.tls_listen",
                "https needs a certificate: set server.tls_cert and server.tls_key",
            );
        }
    }

    fn certificates_have_keys(&mut self) {
        let server = &self.settings.server;
        match (&server.tls_cert, &server.tls_key) {
            (Some(_), None) => self.report(
                "server.tls_cert",
                "a certificate is of no use without its private key: set server.tls_key too",
            ),
            (None, Some(_)) => self.report(
                "server.tls_key",
                "a private key is of no use without its certificate: set server.tls_cert too",
            ),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn listeners_differ(&mut self) {
        let server = &self.settings.server;
        let mut before = vec![("server.listen", server.listen)];
        let tls_listen = server
            .tls_listen
            .map(|address| ("server.tls_listen", address));
        let after = tls_listen
            .into_iter()
            .chain([("server.admin_listen", server.admin_listen)]);
        for (key, address) in after {
            let taken = before.iter().find(|(_, other)| collide(*other, address));
            if let Some((other_key, other)) = taken {
                let message = format!(
                    "{address} leaves no room beside {other_key}, which is {other} ({}); give it \
                     another port",
                    self.origin(other_key)
                );
                self.report(key, message);
            }
            before.push((key, address));
        }
    }

    fn origin(&self, key: &str) -> Origin {
        let given = self.effective.get(key);
        given.map_or(Origin::Default, |given| given.origin.clone())
    }

    fn report(&mut self, key: &str, message: impl Into<String>) {
        let origin = self.origin(key);
        self.problems.push(Problem::new(key, &origin, message));
    }
}

/// Whether no two sockets can have these addresses at once.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let same_port = one.port() == other.port() && one.port() != 0;
    let either_is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    same_port && (one.ip() == other.ip() || either_is_any)
}
