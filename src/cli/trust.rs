//! `hangar trust`: how clients come to trust the certificates of `serve --dev`.

use std::{io, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use clap::Args;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

use super::{print, welcome::shell_word};
use crate::tls::{DevelopmentCaError, ca_path};

/// What `hangar trust` takes.
#[derive(Args)]
pub(super) struct TrustArguments {
    /// The data directory of the server that runs with --dev
    #[arg(long, value_name = "DIR", default_value = crate::config::DEFAULT_DATA_DIR)]
    data_dir: PathBuf,
    /// Print only where the authority's certificate is
    #[arg(long)]
    ca: bool,
}

/// Prints how to trust the authority, or where it is.
pub(super) fn run(arguments: &TrustArguments) -> Result<()> {
    let path = ca_path(&arguments.data_dir);
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!(DevelopmentCaError::Absent(arguments.data_dir.clone()));
        }
        Err(error) => {
            return Err(error).with_context(|| format!("{} can't be found", path.display()));
        }
    };
    let text = if arguments.ca {
        format!("{}\n", path.display())
    } else {
        let certificate = CertificateDer::from_pem_file(&path)
            .with_context(|| format!("{} holds no certificate", path.display()))?;
        instructions(&path.display().to_string(), &thumbprint(&certificate))
    };
    Ok(print(&text)?)
}

/// What Windows calls a certificate by.
fn thumbprint(certificate: &[u8]) -> String {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate);
    digest
        .as_ref()
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn instructions(path: &str, thumbprint: &str) -> String {
    let word = shell_word(path);
    // In PowerShell a quote within quotes is doubled.
    let quoted = format!("'{}'", path.replace('\'', "''"));
    format!(
        r"The certificates of `hangar serve --dev` are signed by an authority of this data directory alone:

  {path}

It is good for localhost, 127.0.0.0/8 and ::1 and for nothing else: clients that keep to its name
constraints, as all of the following do, take no other name from it. Its key never leaves the data
directory.

For one program, without changing the system:

  curl:    curl --cacert {word} https://localhost:8443/...
  hangar:  hangar import ... --url https://localhost:8443 --ca {word}
  Python:  export SSL_CERT_FILE={word}        (ssl, httpx, the Graph SDK)
           export REQUESTS_CA_BUNDLE={word}   (requests, msal)
  Node:    export NODE_EXTRA_CA_CERTS={word}

SSL_CERT_FILE and REQUESTS_CA_BUNDLE take the place of all other authorities, so set them only where
the program speaks with this server alone.

For the whole system, and how to take it back:

  Debian, Ubuntu:
    sudo install -m 644 {word} /usr/local/share/ca-certificates/hangar-dev.crt
    sudo update-ca-certificates
    back: sudo rm /usr/local/share/ca-certificates/hangar-dev.crt && sudo update-ca-certificates --fresh

  Fedora, RHEL:
    sudo install -m 644 {word} /etc/pki/ca-trust/source/anchors/hangar-dev.pem
    sudo update-ca-trust
    back: sudo rm /etc/pki/ca-trust/source/anchors/hangar-dev.pem && sudo update-ca-trust

  macOS:
    security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {word}
    back: security remove-trusted-cert {word}

  Windows, in PowerShell, for you alone; Windows asks whether you are sure:
    certutil -user -addstore Root {quoted}
    back: certutil -user -delstore Root {thumbprint}

Firefox and Node don't look into the system's store by themselves: in Firefox import the file under
Settings, Privacy & Security, Certificates, View Certificates, Authorities.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_names_the_file_as_its_shell_reads_it() {
        let text = instructions("/my data/it's/ca.pem", &thumbprint(b"abc"));
        assert!(text.contains(r"--cacert '/my data/it'\''s/ca.pem' https"));
        assert!(text.contains("-addstore Root '/my data/it''s/ca.pem'"));
        assert!(text.contains("-delstore Root a9993e364706816aba3e25717850c26c9cd0d89d"));
        for program in [
            "curl",
            "Debian",
            "Ubuntu",
            "Fedora",
            "macOS",
            "Windows",
            "Python",
            "Node",
            "hangar import",
        ] {
            assert!(text.contains(program), "{program}");
        }
    }
}
