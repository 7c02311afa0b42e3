//! The rows of `[server]`.

use super::{HOUR, Kind, PLAIN, Preset, Setting};

pub(super) const LISTEN: Setting = Setting {
    key: "server.listen",
    kind: Kind::Address,
    default: Preset::Value("127.0.0.1:8080"),
    doc: "Where the service listens",
    details: "Port 0 picks a free one and says which. With --dev, loopback only.",
    example: &["0.0.0.0:8080"],
    short_flag: Some("listen"),
    ..PLAIN
};

pub(super) const TLS_CERT: Setting = Setting {
    key: "server.tls_cert",
    kind: Kind::Path,
    doc: "The server's certificate, in PEM, with those that lead to a trusted one",
    details: "With it and server.tls_key, https is spoken instead of http: on server.tls_listen, \
              or else on server.listen. New files are taken up while the service runs.",
    example: &["/etc/hangar/tls/fullchain.pem"],
    short_flag: Some("tls-cert"),
    ..PLAIN
};

pub(super) const TLS_KEY: Setting = Setting {
    key: "server.tls_key",
    kind: Kind::Path,
    doc: "The certificate's private key, in PEM",
    details: "Not locked with a passphrase; nobody but Hangar should be able to read it.",
    example: &["/etc/hangar/tls/privkey.pem"],
    short_flag: Some("tls-key"),
    ..PLAIN
};

pub(super) const TLS_LISTEN: Setting = Setting {
    key: "server.tls_listen",
    kind: Kind::Address,
    doc: "Where https is spoken, beside http on server.listen",
    details: "Port 0 picks a free one and says which. With --dev, loopback only, and unset it is \
              port 8443 beside server.listen, unless something else has that.",
    example: &["127.0.0.1:9443"],
    short_flag: Some("tls-listen"),
    ..PLAIN
};

pub(super) const ADMIN_LISTEN: Setting = Setting {
    key: "server.admin_listen",
    kind: Kind::Address,
    default: Preset::Value("127.0.0.1:8081"),
    doc: "Where /healthz, /readyz and /metrics listen",
    details: "Port 0 picks a free one and says which. With --dev, loopback only. Requests must \
              name a loopback host or that of server.public_url.",
    example: &["127.0.0.1:9081"],
    short_flag: Some("admin-listen"),
    ..PLAIN
};

pub(super) const PUBLIC_URL: Setting = Setting {
    key: "server.public_url",
    kind: Kind::Origin,
    doc: "The address that clients use, for the links in answers",
    details: "Scheme, host and port, without a path. Unset, a link repeats the Host that the \
              client named.",
    example: &["https://hangar.example.com"],
    ..PLAIN
};

pub(super) const TRUSTED_PROXIES: Setting = Setting {
    key: "server.trusted_proxies",
    kind: Kind::List(&Kind::Network),
    doc: "Proxies whose forwarded headers are believed",
    details: "IP addresses, or networks in CIDR notation.",
    example: &["10.0.0.0/8", "fd00::1"],
    ..PLAIN
};

pub(super) const STOP_DELAY: Setting = Setting {
    key: "server.stop_delay",
    kind: Kind::Duration {
        least: 0,
        most: HOUR,
    },
    default: Preset::Value("0s"),
    doc: "How long requests are still taken after the service was told to end",
    details: "Meanwhile /readyz answers 503, so that a balancer sends new requests elsewhere \
              before the first is refused. Longer than it takes the balancer to notice.",
    example: &["5s"],
    ..PLAIN
};

pub(super) const WORKERS: Setting = Setting {
    key: "server.workers",
    kind: Kind::Count {
        least: 1,
        most: 1024,
    },
    doc: "How many threads answer requests",
    details: "Unset, one for each processor that the process may use. Where several processes \
              share the processors, each needs only its part.",
    example: &["2"],
    ..PLAIN
};
