//! What follows from a tenant's plan, as SQL: a CASE over a device's columns, with bound values.
//!
//! The rules are `domain::assignment`'s, and `Plan::of` is their meaning; here is only its spelling.

use crate::domain::{
    assignment::{Audience, Plan, PlannedProfile},
    tag_pattern::TagPattern,
};

use super::{Dialect, Parameter, Statement};

/// What follows from a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByPlan {
    /// Whether a device has its profile yet.
    Status,
    /// Since when it has it.
    AssignedAt,
}

/// What a plan is about: expressions over a table's columns.
#[derive(Debug, PartialEq, Eq)]
pub struct PlanColumns {
    /// The profile that was assigned to the very device; null without one.
    pub direct_profile: &'static str,
    /// When that, or the group tag, last changed, or the device was registered.
    pub targeted_at: &'static str,
    /// The group tag, never null.
    pub group_tag: &'static str,
}

/// Members of Graph's `windowsAutopilotProfileAssignmentStatus`.
const IN_SYNC: u8 = 1;
const NOT_ASSIGNED: u8 = 4;
const PENDING: u8 = 5;

/// The first instant of the year 1, which is Graph's way to say never.
pub const NEVER_MICROSECONDS: i64 = -62_135_596_800_000_000;

/// A group tag has no more bytes.
const LONGEST_TAG_BYTES: usize = 4 * 1024;

/// No statement with a plan in it is longer: a tenant may have 17,500 assignments, a query may name
/// what follows from them a hundred times, and the database's own bounds must not be met.
const LONGEST_TEXT_BYTES: usize = 1024 * 1024;

/// A plan and what it is written as, once it was.
#[derive(Default)]
pub(super) struct Planned {
    plan: Plan,
    written: Option<Written>,
    is_too_long: bool,
}

#[derive(Clone)]
struct Written {
    /// Since when a device's profile is the device's; null without one.
    since: String,
    settled_until: String,
}

impl<F: Copy> Statement<F> {
    /// The same statement over a tenant with this plan.
    #[must_use]
    pub fn by_plan(mut self, plan: Plan) -> Self {
        self.planned.plan = plan;
        self
    }

    /// Whether the plan took more room than there is. Such a statement says nothing.
    pub fn is_too_long(&self) -> bool {
        self.planned.is_too_long
    }

    /// What follows from the plan. Its values are bound once, however often this is written.
    pub(super) fn planned(&mut self, what: ByPlan, columns: &PlanColumns) -> String {
        let Some(Written {
            since,
            settled_until,
        }) = self.written(columns)
        else {
            return "NULL".to_owned();
        };
        match what {
            // Of null is neither true nor false.
            ByPlan::Status => format!(
                "(CASE {since} <= {settled_until} WHEN TRUE THEN {IN_SYNC} \
                 WHEN FALSE THEN {PENDING} ELSE {NOT_ASSIGNED} END)"
            ),
            ByPlan::AssignedAt => format!(
                "(CASE WHEN {since} <= {settled_until} THEN {since} ELSE {NEVER_MICROSECONDS} END)"
            ),
        }
    }

    fn written(&mut self, columns: &PlanColumns) -> Option<Written> {
        if self.planned.written.is_none() {
            let plan = std::mem::take(&mut self.planned.plan);
            let start = self.text.len();
            self.since(&plan, columns);
            let since = self.text.split_off(start);
            self.bind(Parameter::Integer(plan.settled_until().as_microsecond()));
            self.planned.written = Some(Written {
                since,
                settled_until: self.text.split_off(start),
            });
        }
        let written = self.planned.written.clone()?;
        self.planned.is_too_long |= self.text.len() + 2 * written.since.len() > LONGEST_TEXT_BYTES;
        (!self.planned.is_too_long).then_some(written)
    }

    /// What was said of the very device comes first; then the oldest profile that includes it and
    /// does not exclude it. Whatever the plan, no expression stands deep within others.
    fn since(&mut self, plan: &Plan, columns: &PlanColumns) {
        self.push("(CASE WHEN ");
        self.push(columns.direct_profile);
        self.push(" IS NOT NULL THEN ");
        self.push(columns.targeted_at);
        for profile in plan.profiles() {
            if self.text.len() > LONGEST_TEXT_BYTES {
                self.planned.is_too_long = true;
                break;
            }
            let mut included = profile.included.iter();
            let reaches = included.any(|(audience, _)| can_be_met(audience));
            if !reaches || profile.excluded.contains(&Audience::Everybody) {
                continue;
            }
            if profile.excluded.is_empty() {
                self.included(profile, columns);
                let everybody = |(audience, _): &(Audience, _)| *audience == Audience::Everybody;
                if profile.included.iter().any(everybody) {
                    break;
                }
            } else {
                self.push(" WHEN (CASE");
                for audience in &profile.excluded {
                    self.each(audience, columns, |sql| sql.push("FALSE"));
                }
                for (audience, _) in &profile.included {
                    self.each(audience, columns, |sql| sql.push("TRUE"));
                }
                self.push(" ELSE FALSE END) THEN (CASE");
                self.included(profile, columns);
                self.push(" ELSE NULL END)");
            }
        }
        self.push(" ELSE NULL END)");
    }

    /// The earliest of the assignments that include a device counts.
    fn included(&mut self, profile: &PlannedProfile, columns: &PlanColumns) {
        let mut included: Vec<_> = profile.included.iter().collect();
        included.sort_by_key(|(_, effective_at)| *effective_at);
        for (audience, effective_at) in included {
            self.each(audience, columns, |sql| {
                sql.push(sql.dialect.greatest());
                sql.push("(");
                sql.push(columns.targeted_at);
                sql.push(", ");
                sql.bind(Parameter::Integer(effective_at.as_microsecond()));
                sql.push(")");
            });
        }
    }

    /// A branch of a CASE for each way to be of an audience.
    fn each(&mut self, audience: &Audience, columns: &PlanColumns, then: impl Fn(&mut Self)) {
        let patterns = match audience {
            Audience::Everybody => {
                self.push(" WHEN TRUE THEN ");
                then(self);
                return;
            }
            Audience::Tags(patterns) => patterns,
        };
        for pattern in patterns.iter().filter_map(like) {
            let (before, after) = self.dialect.folded_like();
            self.push(" WHEN ");
            self.push(before);
            self.push(columns.group_tag);
            self.push(after);
            self.bind(Parameter::Text(pattern));
            self.push(" ESCAPE '\\' THEN ");
            then(self);
        }
    }
}

/// Whether `each` writes a branch for an audience.
fn can_be_met(audience: &Audience) -> bool {
    match audience {
        Audience::Everybody => true,
        Audience::Tags(patterns) => patterns.iter().any(|pattern| like(pattern).is_some()),
    }
}

/// A pattern as `LIKE` has it, its ASCII letters small; none where no tag is of it.
fn like(pattern: &TagPattern) -> Option<String> {
    let mut like = String::new();
    for character in pattern.as_str().chars() {
        match character {
            // No tag has one, and SQLite reads no further.
            '\0' => return None,
            '*' if like.ends_with('%') && !like.ends_with("\\%") => {}
            '*' => like.push('%'),
            '%' | '_' | '\\' => like.extend(['\\', character]),
            other => like.push(other.to_ascii_lowercase()),
        }
    }
    // Databases refuse patterns without measure. Half of this one may be stars and backslashes.
    (like.len() <= 4 * LONGEST_TAG_BYTES).then_some(like)
}

impl Dialect {
    /// The function that gives the greatest of its arguments.
    fn greatest(self) -> &'static str {
        match self {
            Self::Sqlite => "max",
            Self::Postgres => "greatest",
        }
    }

    /// What stands around a text to compare it with a pattern of small letters, ASCII letters of it
    /// folded.
    fn folded_like(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite => ("", " LIKE "),
            Self::Postgres => ("lower(", " COLLATE \"C\") LIKE "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_spelled_for_like() {
        let cases = [
            ("", Some("")),
            ("Sales-*", Some("sales-%")),
            ("**a***", Some("%a%")),
            ("50%_\\*", Some("50\\%\\_\\\\%")),
            ("%*", Some("\\%%")),
            ("Ü", Some("Ü")),
            ("a\0", None),
        ];
        for (pattern, expected) in cases {
            assert_eq!(like(&TagPattern::new(pattern)).as_deref(), expected);
        }
        assert_eq!(like(&TagPattern::new(&"a".repeat(50_000))), None);
    }
}
