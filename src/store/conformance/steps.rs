//! What may happen in a history, and how to invent it.

use hardware_hash::Builder;
use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::Index,
};
use uuid::Uuid;

use super::model::{Asked, NO_SERIAL, NO_UUID, Traits};
use crate::{
    domain::{
        device::DeviceProperties, hardware_blob::HardwareBlob, import::ImportProperties,
        tenant::TenantId,
    },
    testing::{CONTOSO, FABRIKAM, import_named, import_of},
};

/// Who takes part in a history.
pub(super) const TENANTS: [TenantId; 3] = [
    CONTOSO,
    FABRIKAM,
    TenantId(Uuid::from_u128(0x3333_3333_3333_4333_8333_3333_3333_3333)),
];

#[derive(Clone, Debug)]
pub(super) enum Step {
    Request(usize, Vec<What>),
    /// Decides so many.
    Settle(usize),
    /// Claims so many, meddles with one of them, and then decides.
    Meddle(usize, Index, Option<What>),
    GiveBack(usize),
    Change(Index, What),
    DeleteImport(Index),
    /// Registers a device without a hash, as this capture would describe it.
    Describe(usize, Capture),
    DeleteDevice(Index),
    Release(Index),
}

/// What an import says.
#[derive(Clone, Debug)]
pub(super) enum What {
    Capture(Capture),
    NameOf(Capture),
    SerialOf(Capture),
    Nothing,
    Damaged(Capture),
}

/// A capture of one of a few machines, which share more than machines should.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    machine: u64,
    tpm: Part,
    uuid: Part,
    serial: Part,
    times: u32,
    winpe: bool,
    lasting_macs: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Own,
    /// Another machine's, or with a TPM: a replaced one.
    Other,
    Absent,
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![6 => Just(Part::Own), 1 => Just(Part::Other), 1 => Just(Part::Absent)]
}

fn capture() -> impl Strategy<Value = Capture> {
    let tpm = prop_oneof![4 => Just(Part::Own), 1 => Just(Part::Other), 3 => Just(Part::Absent)];
    let rest = (0..2_u32, any::<bool>(), any::<bool>());
    (1..=4_u64, tpm, part(), part(), rest).prop_map(
        |(machine, tpm, uuid, serial, (times, winpe, lasting_macs))| Capture {
            machine,
            tpm,
            uuid,
            serial,
            times,
            winpe,
            lasting_macs,
        },
    )
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        16 => capture().prop_map(What::Capture),
        3 => capture().prop_map(What::NameOf),
        1 => capture().prop_map(What::SerialOf),
        1 => Just(What::Nothing),
        1 => capture().prop_map(What::Damaged),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let any = any::<Index>;
    prop_oneof![
        8 => (0..TENANTS.len(), vec(what(), 1..4)).prop_map(|(t, rows)| Step::Request(t, rows)),
        8 => (1..6_usize).prop_map(Step::Settle),
        2 => (1..4_usize, any(), option::of(what()))
            .prop_map(|(limit, pick, what)| Step::Meddle(limit, pick, what)),
        1 => (1..3_usize).prop_map(Step::GiveBack),
        1 => (any(), what()).prop_map(|(pick, what)| Step::Change(pick, what)),
        1 => any().prop_map(Step::DeleteImport),
        3 => (0..TENANTS.len(), capture()).prop_map(|(t, capture)| Step::Describe(t, capture)),
        4 => any().prop_map(Step::DeleteDevice),
        2 => any().prop_map(Step::Release),
    ]
}

impl Capture {
    fn builder(&self) -> Builder {
        let mut builder = Builder::new(self.machine)
            .recaptured(self.times)
            .total_size(0);
        builder = match self.tpm {
            Part::Own => builder,
            Part::Other => builder.ek_seed(self.machine + 100),
            Part::Absent => builder.without_tpm(),
        };
        builder = match self.uuid {
            Part::Own => builder,
            Part::Other => builder.uuid(*b"a cloned  uuid!!"),
            Part::Absent => builder.uuid(NO_UUID),
        };
        builder = match self.serial {
            Part::Own => builder,
            Part::Other => builder.serial_number("SHARED-1"),
            Part::Absent => builder.serial_number(NO_SERIAL),
        };
        if self.winpe {
            builder = builder.winpe();
        }
        if self.lasting_macs {
            builder = builder.globally_administered_macs();
        }
        builder
    }

    /// What its owner would type; `None` where that tells the device from no other.
    pub(super) fn description(&self) -> Option<DeviceProperties> {
        let report = self.builder().report();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let serial_number = text(&report.smbios_serial_number);
        (serial_number != NO_SERIAL).then(|| DeviceProperties {
            manufacturer: text(&report.smbios_manufacturer),
            model: text(&report.smbios_product_name),
            serial_number,
            product_key: text(&report.product_key_id),
            ..DeviceProperties::default()
        })
    }

    pub(super) fn traits(&self) -> Traits {
        Traits::of(&self.builder())
    }

    fn name(&self) -> (String, String) {
        let report = self.builder().report();
        let serial = report.smbios_serial_number.unwrap_or_default();
        (serial, report.product_key_id.unwrap_or_default())
    }
}

impl What {
    pub(super) fn properties(&self) -> ImportProperties {
        match self {
            Self::Capture(capture) => import_of(&capture.builder()),
            Self::NameOf(capture) => {
                let (serial, key) = capture.name();
                import_named(&serial.to_uppercase(), &key)
            }
            Self::SerialOf(capture) => import_named(&capture.name().0, ""),
            Self::Nothing => ImportProperties::default(),
            Self::Damaged(capture) => {
                let mut bytes = capture.builder().build();
                bytes[100] ^= 1;
                ImportProperties {
                    hardware_blob: HardwareBlob::new(bytes),
                    ..ImportProperties::default()
                }
            }
        }
    }

    pub(super) fn asked(&self) -> Asked {
        match self {
            Self::Capture(capture) => Asked::Hardware(Box::new(Traits::of(&capture.builder()))),
            Self::NameOf(capture) => {
                let (serial, key) = capture.name();
                Asked::Name(serial, key)
            }
            Self::SerialOf(capture) => Asked::Name(capture.name().0, String::new()),
            Self::Nothing => Asked::Name(String::new(), String::new()),
            Self::Damaged(_) => Asked::BrokenHash,
        }
    }
}
