//! `hangar hash compare`: whether two hashes are of one device, by which fingerprints, and what
//! changed between them.

use std::{collections::BTreeSet, fmt::Write as _, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Args;
use hardware_hash::HardwareReport;
use jiff::Timestamp;

use super::{
    checkup::Checkup,
    input::{Content, Input},
    redact::Veil,
    summary::Summary,
    table::{Fact, facts},
};
use crate::{
    cli::{EXIT_REFUSED, print},
    domain::identity::{Digest, FingerprintKind, Fingerprints, Likeness},
};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// A hash (bytes or base64) or a device CSV with one row; - is the standard input
    #[arg(value_name = "A")]
    a: Input,
    /// The other one
    #[arg(value_name = "B")]
    b: Input,
    /// Hide serial numbers, MAC addresses and keys
    #[arg(long)]
    redact: bool,
}

pub(super) fn run(arguments: &Arguments, now: Timestamp) -> anyhow::Result<ExitCode> {
    let Arguments { a, b, redact } = arguments;
    if (a, b) == (&Input::Stdin, &Input::Stdin) {
        bail!("the standard input holds one hash; name a file for the other");
    }
    let a = Side::read(a, *redact, now)?;
    let b = Side::read(b, *redact, now)?;
    let likeness = a.fingerprints.likeness(&b.fingerprints);
    print(&comparison(&a, &b, likeness, *redact))?;
    Ok(match likeness {
        Likeness::Certain | Likeness::Probable => ExitCode::SUCCESS,
        Likeness::HardwareChanged | Likeness::None => ExitCode::from(EXIT_REFUSED),
    })
}

/// One of the two.
struct Side {
    name: String,
    report: HardwareReport,
    fingerprints: Fingerprints,
    refused_for: Vec<&'static str>,
}

impl Side {
    fn read(input: &Input, redact: bool, now: Timestamp) -> anyhow::Result<Self> {
        let checkup = match input.read(redact)? {
            Content::Hash(hash) => Checkup::of_hash(hash, now),
            Content::Devices(mut rows) => {
                let first = rows.next().with_context(|| format!("{input} has no row"))?;
                let row = first.with_context(|| format!("{input} can't be read"))?;
                if rows.next().is_some() {
                    bail!("{input} has several rows; a comparison takes one device from each file");
                }
                Checkup::of_row(&row, now)
            }
        };
        let refusals = checkup.findings.iter().filter(|finding| finding.refused);
        let refused_for = refusals.clone().map(|finding| finding.code).collect();
        let (Some(report), Some(blob)) = (checkup.report, checkup.blob) else {
            let why = refusals.map(|finding| finding.message.as_str());
            let why = why.collect::<Vec<_>>().join(" ");
            bail!("{input} holds no hash that can be compared. {why}");
        };
        let serial_number = report.serial_number().unwrap_or_default();
        let fingerprints = Fingerprints::of_report(&report, &blob, serial_number);
        Ok(Self {
            name: input.to_string(),
            report,
            fingerprints,
            refused_for,
        })
    }
}

fn comparison(a: &Side, b: &Side, likeness: Likeness, redact: bool) -> String {
    let mut text = format!(
        "{}\n\n  A  {}\n  B  {}\n",
        verdict(likeness),
        a.name,
        b.name
    );
    for (letter, side) in [("A", a), ("B", b)] {
        if !side.refused_for.is_empty() {
            // Writing to a String can't fail.
            let _ = writeln!(
                text,
                "\n{letter} would be refused for {}: `hangar hash inspect` says more.",
                side.refused_for.join(", ")
            );
        }
    }
    text.push_str("\nFingerprints\n");
    for kind in FingerprintKind::ALL {
        let agreement = agreement(&a.fingerprints, &b.fingerprints, kind);
        let _ = writeln!(text, "  {:31} {agreement}", words(kind));
    }
    text.push_str("\nChanged\n");
    let changes = changes(&a.report, &b.report, redact);
    if changes.is_empty() {
        text.push_str("  nothing that is shown\n");
    }
    text + &changes
}

fn verdict(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::Certain => {
            "The same device: the TPM's endorsement key, or the whole hash where there is none, is the same."
        }
        Likeness::Probable => {
            "Most likely the same device: no two endorsement keys say otherwise, and enough else agrees. The service \
             takes them for one unless a third device agrees as well."
        }
        Likeness::HardwareChanged => {
            "Different devices: the endorsement keys differ, yet something else agrees. The mainboard or the TPM was \
             replaced, or a virtual machine was cloned. The service registers both."
        }
        Likeness::None => "Different devices: too little agrees.",
    }
}

fn words(kind: FingerprintKind) -> &'static str {
    match kind {
        FingerprintKind::Ek => "TPM endorsement key",
        FingerprintKind::Uuid => "UUID",
        FingerprintKind::Tuple => "manufacturer, model and serial",
        FingerprintKind::Opaque => "the whole hash, without a TPM",
        FingerprintKind::Mac => "MAC addresses",
        FingerprintKind::Disk => "disks' serial numbers",
        FingerprintKind::ProductKey => "product key",
    }
}

fn agreement(a: &Fingerprints, b: &Fingerprints, kind: FingerprintKind) -> String {
    let digests = |side: &Fingerprints| -> BTreeSet<Digest> {
        let of_kind = side.iter().filter(|fingerprint| fingerprint.kind == kind);
        of_kind.map(|fingerprint| fingerprint.digest).collect()
    };
    let (a, b) = (digests(a), digests(b));
    let shared = a.intersection(&b).count();
    match (a.is_empty(), b.is_empty()) {
        (true, true) => "usable in neither".to_owned(),
        (false, true) => "usable in A only".to_owned(),
        (true, false) => "usable in B only".to_owned(),
        _ if a == b => "the same".to_owned(),
        _ if shared == 0 => "different".to_owned(),
        _ => format!("{shared} in both, {} in all", a.union(&b).count()),
    }
}

/// What is shown of A and not of B, and the other way round. What is hidden is compared all the same.
fn changes(a: &HardwareReport, b: &HardwareReport, redact: bool) -> String {
    let plain = [a, b].map(|report| facts(&Summary::of(report)));
    let veiled = [a, b].map(|report| {
        let summary = Summary::of(report);
        facts(&if redact {
            Veil::over(Some(report), None).summary(summary)
        } else {
            summary
        })
    });
    let ([plain_a, plain_b], [shown_a, shown_b]) = (plain, veiled);
    let mut text = String::new();
    let pairs = plain_a
        .iter()
        .zip(&plain_b)
        .zip(shown_a.iter().zip(&shown_b));
    for (_, (a, b)) in pairs.filter(|((a, b), _)| a.lines != b.lines) {
        let sides = [("A", a), ("B", b)];
        for (index, (letter, line)) in sides.into_iter().flat_map(lines).enumerate() {
            let label = if index == 0 { a.label } else { "" };
            let _ = writeln!(text, "  {label:15} {letter:1}  {line}");
        }
    }
    text
}

/// The lines of one side, the first of them with its letter.
fn lines<'a>((letter, fact): (&'a str, &'a Fact)) -> Vec<(&'a str, &'a str)> {
    let mut lines: Vec<_> = fact.lines.iter().map(|line| ("", line.as_str())).collect();
    if lines.is_empty() {
        lines.push(("", "not in the hash"));
    }
    if let Some(first) = lines.first_mut() {
        first.0 = letter;
    }
    lines
}
