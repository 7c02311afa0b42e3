//! TLS to a real server.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::*;

/// An authority, and what it has signed for these names: certificate and key as PEM.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = format!("Test authority {}", Uuid::new_v4());
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let certificate = pem("CERTIFICATE", certificate.der());
        (certificate, pem("PRIVATE KEY", &key.serialize_der()))
    }

    fn certificate(&self) -> String {
        pem("CERTIFICATE", self.0.der())
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_servers_certificate_is_verified() {
    let authority = Authority::new();
    let mut server = Server::start_on_loopback(&["fsync=off"]);
    server.ask("CREATE DATABASE hangar");
    let wear = |server: &Server, (certificate, key): (String, String)| {
        server.keep_file("data/server.crt", &certificate);
        server.keep_file("data/server.key", &key);
    };
    wear(&server, authority.sign("localhost"));
    server.keep_file(
        "data/pg_hba.conf",
        "local all all trust\nhostssl all all 127.0.0.1/32 trust\n",
    );
    server.ask("ALTER SYSTEM SET ssl = on");
    server.restart();

    let home = tempfile::tempdir().unwrap();
    let keep = |name: &str, authority: &Authority| {
        let path = home.path().join(name);
        std::fs::write(&path, authority.certificate()).unwrap();
        path
    };
    let ours = keep("ours.pem", &authority);
    let others = keep("others.pem", &Authority::new());
    let port = server.port();
    let open = |host: &str, tls_ca: Option<&std::path::PathBuf>| {
        let database = Database {
            tls_ca: tls_ca.cloned(),
            ..Database::at(format!("postgres://hangar@{host}:{port}/hangar"))
        };
        PostgresStore::open(&database, Opening::Serve(DatabaseKind::Production))
    };

    let store = open("localhost", Some(&ours)).unwrap();
    assert_eq!(store.check().await, Ok(()));
    let secured = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'hangar' AND ssl";
    assert_ne!(server.ask(secured), "0");
    store
        .create_imports(CONTOSO, request(ImportId(Uuid::new_v4())))
        .await
        .unwrap();

    let refused = [
        // Signed by somebody else.
        ("localhost", Some(&others), "UnknownIssuer"),
        // For another name.
        ("127.0.0.1", Some(&ours), "not valid for name"),
        // In the clear, which this server does not take.
        ("127.0.0.1", None, "no encryption"),
    ];
    for (host, tls_ca, reason) in refused {
        let store = open(host, tls_ca).unwrap();
        let Err(StoreError::Unavailable(said)) = store.check().await else {
            panic!("{host} with {tls_ca:?}");
        };
        assert!(said.contains(reason), "{said}");
        store.close().await;
    }
    for (name, content, reason) in [
        ("absent.pem", None, "can't be read"),
        ("empty.pem", Some(""), "holds no certificate"),
    ] {
        let path = home.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let said = open("localhost", Some(&path)).err().unwrap().to_string();
        assert!(
            said.contains("database.tls_ca") && said.contains(reason),
            "{said}"
        );
    }

    // A server whose certificate is replaced by a wrong one is left alone until it has a right one.
    wear(&server, Authority::new().sign("localhost"));
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'hangar'";
    server.ask("SELECT pg_reload_conf()");
    server.ask(cut);
    let refused = insist(async || match store.check().await {
        Err(StoreError::Unavailable(said)) if said.contains("UnknownIssuer") => Ok(said),
        _ => Err(StoreError::Busy),
    });
    refused.await;
    wear(&server, authority.sign("localhost"));
    server.ask("SELECT pg_reload_conf()");
    insist(async || store.check().await).await;
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(1));
    store.close().await;
}
