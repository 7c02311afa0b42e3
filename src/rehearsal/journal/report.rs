//! What the callers could do better: found in the record, one kind of advice each.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Entry;
use crate::http::{
    auth::permission::{self, Access, ConfigurationScopes, Permission},
    router::{Operation, ROUTES, Route},
};

/// How many requests a finding names.
const NAMED: usize = 5;

/// From so many single creates of one caller on, there is a better way.
const MANY_CREATES: usize = 10;

/// From so many polls in a row on that came too fast, they are polls.
const MANY_POLLS: usize = 5;

/// Faster than this nothing changes that a poll could see.
const USEFUL_POLL: SignedDuration = SignedDuration::from_secs(1);

/// What tokens hold that has nothing to do with an API.
const OF_SIGNING_IN: [&str; 6] = [
    "openid",
    "profile",
    "email",
    "offline_access",
    "User.Read",
    ".default",
];

/// What the callers could do better.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How many requests were looked at.
    pub requests: usize,
    /// How many were forgotten before.
    pub forgotten: u64,
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
}

/// Something that callers could do better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: &'static str,
    /// How often it was seen.
    pub count: usize,
    /// The numbers of the first requests in which it was seen.
    pub requests: Vec<u64>,
    /// What to do, in a sentence.
    pub advice: String,
}

/// Who calls, for which tenant, by which application.
type Caller<'e> = (Option<&'e str>, Option<&'e str>, Option<&'e str>);

impl Report {
    pub(super) fn of<'e>(
        entries: impl IntoIterator<Item = &'e Entry, IntoIter: Clone + ExactSizeIterator>,
        forgotten: u64,
    ) -> Self {
        let entries = entries.into_iter();
        let mut findings = Vec::new();
        findings.extend(ignored_waits(entries.clone()));
        findings.extend(single_creates(entries.clone()));
        findings.extend(fast_polls(entries.clone()));
        findings.extend(unread_pages(entries.clone()));
        findings.extend(wide_permissions(entries.clone()));
        Self {
            requests: entries.len(),
            forgotten,
            findings,
        }
    }
}

/// Each answer that asked to wait, with the first request for the same that did not.
pub(super) fn too_early<'e>(
    entries: impl Iterator<Item = &'e Entry>,
) -> impl Iterator<Item = (&'e Entry, &'e Entry)> {
    let mut waits: HashMap<_, &Entry> = HashMap::new();
    entries.filter_map(move |entry| {
        let place = (caller(entry), entry.method.as_str(), entry.route);
        let before = waits.remove(&place);
        if entry.retry_after.is_some() {
            waits.insert(place, entry);
        }
        let refused = before?;
        (entry.at < end_of_wait(refused)).then_some((refused, entry))
    })
}

fn end_of_wait(refused: &Entry) -> Timestamp {
    let seconds = i64::try_from(refused.retry_after.unwrap_or(0)).unwrap_or(i64::MAX);
    let wait = SignedDuration::from_secs(seconds);
    refused.at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

fn ignored_waits<'e>(entries: impl Iterator<Item = &'e Entry>) -> Option<Finding> {
    let early: Vec<_> = too_early(entries).map(|(_, early)| early.number).collect();
    finding("retry-after-ignored", &early, || {
        "Wait for as long as Retry-After says before the same request is sent again.".to_owned()
    })
}

fn single_creates<'e>(entries: impl Iterator<Item = &'e Entry>) -> Option<Finding> {
    let mut by_caller: HashMap<Caller<'_>, Vec<u64>> = HashMap::new();
    for entry in entries {
        let is_create = operation(entry) == Some(Operation::CreateImport);
        if is_create && entry.batch.is_none() && entry.status == 201 {
            by_caller
                .entry(caller(entry))
                .or_default()
                .push(entry.number);
        }
    }
    let many: Vec<_> = in_order(
        by_caller
            .into_values()
            .filter(|all| all.len() >= MANY_CREATES),
    );
    finding("single-creates", &many, || {
        "Send devices together: up to 1,000 in one import call, or 20 creates in a $batch."
            .to_owned()
    })
}

fn fast_polls<'e>(entries: impl Iterator<Item = &'e Entry>) -> Option<Finding> {
    let mut rows: HashMap<_, (Timestamp, Vec<u64>)> = HashMap::new();
    let mut found = Vec::new();
    for entry in entries.filter(|entry| entry.method == "GET" && entry.page.is_none()) {
        let place = (caller(entry), entry.path.as_str(), entry.query.as_deref());
        let (last, row) = rows.entry(place).or_insert((entry.at, Vec::new()));
        if !row.is_empty() && entry.at.duration_since(*last) >= USEFUL_POLL {
            found.push(std::mem::take(row));
        }
        *last = entry.at;
        row.push(entry.number);
    }
    found.extend(rows.into_values().map(|(_, row)| row));
    let many: Vec<_> = in_order(found.into_iter().filter(|row| row.len() > MANY_POLLS));
    finding("fast-polling", &many, || {
        "Ask for the same no more than once a second; an import takes longer than that for real."
            .to_owned()
    })
}

fn unread_pages<'e>(entries: impl Iterator<Item = &'e Entry> + Clone) -> Option<Finding> {
    let read: HashSet<_> = entries
        .clone()
        .filter_map(|entry| Some((entry.tenant.as_deref(), entry.page?)))
        .collect();
    let unread: Vec<_> = entries
        .filter(|entry| {
            let next = entry.next_page.map(|page| (entry.tenant.as_deref(), page));
            next.is_some_and(|next| !read.contains(&next))
        })
        .map(|entry| entry.number)
        .collect();
    finding("unread-pages", &unread, || {
        "A list goes on where @odata.nextLink leads: follow it until there is none.".to_owned()
    })
}

fn wide_permissions<'e>(entries: impl Iterator<Item = &'e Entry>) -> Vec<Finding> {
    struct Used<'e> {
        needed: HashSet<Permission>,
        grants: &'e [String],
        requests: Vec<u64>,
    }
    let mut by_caller: HashMap<_, Used<'_>> = HashMap::new();
    for entry in entries.filter(|entry| !entry.grants.is_empty() && entry.status < 400) {
        let Some(Access::Needs(permission)) = route(entry).map(|route| route.access) else {
            continue;
        };
        let used = by_caller
            .entry((caller(entry), &entry.grants))
            .or_insert(Used {
                needed: HashSet::new(),
                grants: &entry.grants,
                requests: Vec::new(),
            });
        used.needed.insert(permission);
        used.requests.push(entry.number);
    }
    let mut findings: Vec<_> = by_caller
        .into_values()
        .filter_map(|used| {
            let enough = enough(&used.needed);
            let wide: BTreeSet<_> = used
                .grants
                .iter()
                .map(String::as_str)
                .filter(|grant| *grant != enough && !OF_SIGNING_IN.contains(grant))
                .collect();
            let wide: Vec<_> = wide.into_iter().collect();
            if wide.is_empty() {
                return None;
            }
            finding("wide-permissions", &used.requests, || {
                format!(
                    "{enough} is enough for what was asked; {} was never needed.",
                    wide.join(", ")
                )
            })
        })
        .collect();
    findings.sort_by_key(|finding| finding.requests.first().copied());
    findings
}

/// The least scope that gives all of these.
fn enough(needed: &HashSet<Permission>) -> &'static str {
    let most = if needed.contains(&Permission::ServiceConfigWrite) {
        Permission::ServiceConfigWrite
    } else {
        Permission::ServiceConfigRead
    };
    let sufficient = permission::sufficient(most, ConfigurationScopes::Ignored);
    sufficient.first().copied().unwrap_or_default()
}

fn caller(entry: &Entry) -> Caller<'_> {
    (
        entry.tenant.as_deref(),
        entry.application.as_deref(),
        entry.caller.as_deref(),
    )
}

fn route(entry: &Entry) -> Option<&'static Route> {
    let template = entry.route?;
    ROUTES
        .iter()
        .find(|route| route.path == template && route.method.as_str() == entry.method)
}

fn operation(entry: &Entry) -> Option<Operation> {
    route(entry).map(|route| route.operation)
}

fn in_order(numbers: impl Iterator<Item = Vec<u64>>) -> Vec<u64> {
    let mut all: Vec<_> = numbers.flatten().collect();
    all.sort_unstable();
    all
}

fn finding(
    kind: &'static str,
    requests: &[u64],
    advice: impl FnOnce() -> String,
) -> Option<Finding> {
    (!requests.is_empty()).then(|| Finding {
        kind,
        count: requests.len(),
        requests: requests.iter().take(NAMED).copied().collect(),
        advice: advice(),
    })
}
