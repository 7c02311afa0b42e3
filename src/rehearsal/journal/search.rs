//! Which requests of the record are meant.

use serde::Deserialize;
use url::form_urlencoded;

use super::{Entry, REMEMBERED};
use crate::rehearsal::control::Problem;

/// Which requests are meant: those of which all that is given holds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// The method, such as `POST`.
    method: Option<String>,
    /// A part of the path, in any letter case.
    path: Option<String>,
    /// The answer's status.
    status: Option<u16>,
    /// The caller's tenant.
    tenant: Option<String>,
    /// The caller's application.
    application: Option<String>,
    /// A serial number in the body.
    serial_number: Option<String>,
    /// A group tag in the body.
    group_tag: Option<String>,
    /// Those that came after the one of this number.
    after: Option<u64>,
    /// How many at most.
    limit: Option<usize>,
}

/// How many requests are shown unless somebody asks for more.
const SHOWN: usize = 100;

impl Filter {
    /// Reads a filter from a query, such as `method=POST&group_tag=Kiosk`.
    pub fn of_query(query: Option<&str>) -> Result<Self, Problem> {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let text = || Some(value.clone().into_owned());
            match name.as_ref() {
                "method" => filter.method = text(),
                "path" => filter.path = text(),
                "status" => filter.status = Some(number(&name, &value)?),
                "tenant" => filter.tenant = text(),
                "application" => filter.application = text(),
                "serial_number" => filter.serial_number = text(),
                "group_tag" => filter.group_tag = text(),
                "after" => filter.after = Some(number(&name, &value)?),
                "limit" => filter.limit = Some(number(&name, &value)?),
                _ => {
                    let message = "there is no such condition: there are method, path, status, \
                                   tenant, application, serial_number, group_tag, after and limit";
                    return Err(Problem::bad(message).of(name));
                }
            }
        }
        Ok(filter)
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(SHOWN).min(REMEMBERED)
    }

    pub(super) fn takes(&self, entry: &Entry) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| found.is_some_and(|found| found.eq_ignore_ascii_case(wanted)))
        };
        let among = |wanted: &Option<String>, found: &[String]| {
            wanted.as_ref().is_none_or(|wanted| found.contains(wanted))
        };
        let path = entry.path.to_ascii_lowercase();
        same(&self.method, Some(&entry.method))
            && same(&self.tenant, entry.tenant.as_deref())
            && same(&self.application, entry.application.as_deref())
            && among(&self.serial_number, &entry.serial_numbers)
            && among(&self.group_tag, &entry.group_tags)
            && self.status.is_none_or(|status| entry.status == status)
            && self.after.is_none_or(|after| entry.number > after)
            && self
                .path
                .as_ref()
                .is_none_or(|part| path.contains(&part.to_ascii_lowercase()))
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Problem> {
    value
        .parse()
        .map_err(|_| Problem::bad(format!("{value:?} is no such number")).of(name))
}
