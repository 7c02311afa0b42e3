//! What every backend is held to the evaluator by: random rows, questions about them, and the plans
//! that devices follow. How a row is written, and how its collection is asked, is the backend's.

use std::fmt::Debug;

use jiff::{SignedDuration, Timestamp};
use odata::{
    Condition, EnumType, Kind, Order, Property, Value, Vocabulary, matches,
    testing::{Row, conditions, orders, rows, texts},
};
use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

use super::{columns, filter_sql::Column, operation::Query};
use crate::{
    domain::{
        assignment::{
            Assignment, AssignmentRules, AssignmentStatus, Candidate, GroupId, GroupRule, Plan,
            Target, Targeting,
        },
        device::{Device, DeviceId},
        directory_error::DirectoryError,
        field::{DeviceField, ImportField},
        import::ImportState,
        profile::ProfileId,
        settings::{SyncRules, SyncState},
        tag_pattern::TagPattern,
    },
    testing::{version::Version, vocabulary},
};

/// A field of every kind that a property can have, whatever collections have today.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Every {
    Id,
    Text,
    Other,
    Number,
    At,
    Truth,
    Guid,
    Member,
}

pub(super) const MEMBERS: EnumType = EnumType {
    name: "test.member",
    members: &[("one", 1), ("minusOne", -1), ("ten", 10)],
};

pub(super) fn every() -> Vocabulary<Every> {
    Vocabulary::new("test.every")
        .property(Property::new("id", Every::Id, Kind::Guid).required())
        .property(Property::new("text", Every::Text, Kind::String).required())
        .property(Property::new("other", Every::Other, Kind::String))
        .property(Property::new("number", Every::Number, Kind::Integer))
        .property(Property::new("at", Every::At, Kind::DateTimeOffset))
        .property(Property::new("truth", Every::Truth, Kind::Boolean))
        .property(Property::new("guid", Every::Guid, Kind::Guid))
        .property(Property::new("member", Every::Member, Kind::Enum(&MEMBERS)))
}

/// Random rows of a collection, and questions about them.
#[derive(Clone, Debug)]
pub(super) struct Questions<F> {
    pub(super) rows: Vec<Row<F>>,
    pub(super) filters: Vec<Condition<F>>,
    pub(super) skip: usize,
    /// After how many rows the store catches up, where it lags behind.
    pub(super) indexed: usize,
    order: Order<F>,
    limit: usize,
}

/// Rows that this vocabulary allows, and what may be asked of them.
pub(super) fn questions<F: Copy + Debug + PartialEq + 'static>(
    vocabulary: &Vocabulary<F>,
) -> impl Strategy<Value = Questions<F>> + use<F> {
    let filters = vec(conditions(vocabulary), 8);
    let order = prop_oneof![1 => Just(Order { keys: Vec::new() }), 6 => orders(vocabulary)];
    (
        vec(rows(vocabulary), 0..16),
        filters,
        order,
        (0..4_usize, 1..6_usize),
        0..20_usize,
    )
        .prop_map(|(rows, filters, order, (skip, limit), indexed)| Questions {
            rows,
            filters,
            skip,
            indexed,
            order,
            limit,
        })
}

impl<F: Copy + Debug + PartialEq + 'static> Questions<F> {
    /// What the store is asked with a filter.
    pub(super) fn query(&self, filter: &Condition<F>) -> Query<F> {
        Query {
            filter: Some(filter.clone()),
            order: self.order.keys.clone(),
            after: None,
            skip: self.skip as u64,
            limit: self.limit,
        }
    }

    /// The ids that the evaluator answers, in the order that is asked for. `id` is the key's field.
    pub(super) fn answer(&self, filter: &Condition<F>, id: F) -> Vec<Uuid> {
        let by_id = |row: &Row<F>| guid(&row.get(id)).expect("a row with its id");
        let taken = self.rows.iter();
        let mut taken: Vec<_> = taken
            .filter(|row| matches(filter, &|field| row.get(field)))
            .collect();
        taken.sort_by(|one, other| {
            let order = self
                .order
                .compare(&|field| one.get(field), &|field| other.get(field));
            order.then_with(|| by_id(one).cmp(&by_id(other)))
        });
        taken.into_iter().map(by_id).collect()
    }
}

/// A text to be kept.
pub(super) fn text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

/// Whatever is kept as a number.
pub(super) fn number(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Instant(instant) => Some(instant.as_microsecond()),
        Value::Boolean(truth) => Some(i64::from(*truth)),
        Value::Enum(number) => Some(i64::from(*number)),
        _ => None,
    }
}

/// A GUID to be kept.
pub(super) fn guid(value: &Value<'_>) -> Option<Uuid> {
    match value {
        Value::Guid(id) => Some(*id),
        _ => None,
    }
}

/// Takes the state of an import from one of its members, as no others go together, and writes into
/// the row what it is shown with then.
pub(super) fn show_import(row: &mut Row<ImportField>, id: Uuid) -> ImportState {
    row.set(ImportField::Id, Value::Guid(id));
    let device = Uuid::from_u128(id.as_u128().wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C));
    let errors = DirectoryError::ALL;
    let error = errors[usize::from(id.as_bytes()[15]) % errors.len()];
    let (state, status, shown, code, name) = match number(&row.get(ImportField::Status)) {
        Some(3) => {
            let state = ImportState::Complete(DeviceId(device));
            (state, 3, device.to_string(), 0, "None")
        }
        Some(4) => {
            let state = ImportState::Refused(error);
            (state, 4, String::new(), error.code(), error.name())
        }
        _ => (ImportState::Waiting, 0, String::new(), 0, ""),
    };
    row.set(ImportField::Status, Value::Enum(status));
    row.set(ImportField::RegisteredDevice, Value::Text(shown.into()));
    row.set(ImportField::ErrorCode, Value::Integer(code.into()));
    row.set(ImportField::ErrorName, Value::Text(name.into()));
    state
}

/// Writes into the row what no device has yet, and so every device, and leaves out what none can
/// have. What follows from a plan is left to `show_profile`.
pub(super) fn show_device(row: &mut Row<DeviceField>, id: Uuid) {
    row.set(DeviceField::Id, Value::Guid(id));
    for property in vocabulary::devices(Version::Beta).properties() {
        let field = property.field;
        match columns::device(field) {
            Column::Constant(value) => row.set(field, value),
            // Absent texts are empty.
            Column::Stored { .. } if row.get(field) == Value::Null => {
                row.set(field, Value::Text("".into()));
            }
            Column::Stored { .. } | Column::Planned(..) => {}
        }
    }
    let enrollment = number(&row.get(DeviceField::UserlessEnrollmentStatus)).unwrap_or(0) % 3;
    let shown = i32::try_from(enrollment).expect("less than three");
    row.set(DeviceField::UserlessEnrollmentStatus, Value::Enum(shown));
}

/// The managed device that a row has, before it is shown as every device that has none.
pub(super) fn show_managed(row: &mut Row<DeviceField>) -> Option<String> {
    let managed = text(&row.get(DeviceField::ManagedDeviceId));
    if managed.as_deref() == Some("") {
        let shown = Uuid::nil().to_string();
        row.set(DeviceField::ManagedDeviceId, Value::Text(shown.into()));
    }
    managed
}

/// When a device was registered and targeted, in microseconds, and at what of its very self.
pub(super) struct Drawn {
    pub(super) registered_at: i64,
    pub(super) targeted_at: Option<i64>,
    pub(super) direct_profile: Option<Uuid>,
}

impl Drawn {
    /// What was drawn for the row says it, as no store keeps that.
    pub(super) fn of(row: &Row<DeviceField>) -> Self {
        const SECOND: i64 = 1_000_000;
        let drawn = number(&row.get(DeviceField::ProfileAssignedAt)).unwrap_or(0);
        let direct = number(&row.get(DeviceField::ProfileAssignmentStatus)) == Some(0);
        let registered_at = drawn.rem_euclid(20);
        let later = (registered_at + drawn.rem_euclid(7)) * SECOND;
        Self {
            registered_at: registered_at * SECOND,
            targeted_at: (drawn % 3 == 0).then_some(later),
            direct_profile: direct.then(|| profile_id(9).0),
        }
    }
}

/// Writes into the row which profile the device is shown with by a plan.
pub(super) fn show_profile(row: &mut Row<DeviceField>, plan: &Plan, device: &Device) {
    let assigned = plan.of(device);
    let word = match assigned.map(|assigned| assigned.status) {
        None => "notAssigned",
        Some(AssignmentStatus::Pending) => "pending",
        Some(AssignmentStatus::InSync) => "assignedInSync",
    };
    let status = vocabulary::devices(Version::Beta).get("deploymentProfileAssignmentStatus");
    let Some(Kind::Enum(members)) = status.map(|status| status.kind) else {
        panic!("no enumeration");
    };
    let member = members.number(word).expect("a member");
    row.set(DeviceField::ProfileAssignmentStatus, Value::Enum(member));
    let in_sync = assigned.filter(|assigned| assigned.status == AssignmentStatus::InSync);
    let never = "0001-01-01T00:00:00Z".parse().expect("an instant");
    let since = in_sync.map_or(never, |assigned| assigned.since);
    row.set(DeviceField::ProfileAssignedAt, Value::Instant(since));
}

/// A second of the little time that assignments, syncs and devices are of.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn profile_id(number: u8) -> ProfileId {
    ProfileId(Uuid::from_u128(number.into()))
}

/// Plans of assignments, exclusions, rules, syncs and instants that meet.
pub(super) fn tenant_plans() -> impl Strategy<Value = Plan> {
    let pattern = (texts(), 0..4_u8).prop_map(|(text, stars)| match stars {
        0 => text,
        1 => format!("{text}*"),
        2 => format!("*{text}"),
        _ => format!("*{text}*"),
    });
    let group = |number: u8| GroupId(Uuid::from_u128(1000 + u128::from(number)));
    let rule = (0..3_u8, pattern).prop_map(move |(number, pattern)| GroupRule {
        group: group(number),
        tag: TagPattern::new(&pattern),
    });
    let target = (0..4_u8, any::<bool>()).prop_map(move |(number, excluded)| match number {
        0 => Target::AllDevices,
        number if excluded => Target::Excluded(group(number - 1)),
        number => Target::Group(group(number - 1)),
    });
    let candidate = (1..4_u8, target, 0..20_i64).prop_map(|(profile, target, second)| Candidate {
        assignment: Assignment {
            profile: profile_id(profile),
            target,
        },
        // Two of them are of one instant.
        profile_created_at: at(i64::from(profile / 2)),
        effective_at: at(second),
    });
    let sync = (prop::option::of(0..20_i64), prop::option::of(0..20_i64)).prop_map(
        |(started_at, before)| SyncState {
            started_at: started_at.map(at),
            before: before.map(at),
        },
    );
    (
        vec(candidate, 0..8),
        vec(rule, 0..6),
        sync,
        (0..20_i64, 0..30_i64),
    )
        .prop_map(|(candidates, groups, sync, (delay, now))| {
            let rules = AssignmentRules {
                delay: SignedDuration::from_secs(delay),
                groups,
            };
            let targeting = Targeting { candidates, sync };
            Plan::new(&targeting, &rules, &SyncRules::default(), at(now))
        })
}
