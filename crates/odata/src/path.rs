//! What is wrong with a path that names no single value.

use crate::{error::Problem, suggestion::nearest, vocabulary::Shape};

/// What a path leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'s> {
    /// A single value.
    Value(&'static str),
    /// A complex property.
    Complex(&'static str, &'static str),
    /// A navigation property.
    Navigation(&'s crate::vocabulary::Navigation),
}

impl Shape {
    /// What stands at a path; otherwise what is wrong with it. `option` is the query option, for
    /// messages.
    pub(crate) fn place(&self, path: &str, option: &'static str) -> Result<Place<'_>, Problem> {
        if let Some(place) = self.exactly(path) {
            return Ok(place);
        }
        let mut type_name = self.type_name();
        let mut prefix = "";
        for (index, segment) in path.split('/').enumerate() {
            if segment.contains('.') || segment.starts_with('$') {
                return Err(unsupported_segment(segment));
            }
            let end = if index == 0 {
                segment.len()
            } else {
                prefix.len() + 1 + segment.len()
            };
            let through = path.get(..end).unwrap_or(path);
            match self.exactly(through) {
                Some(Place::Value(path)) => return Err(Problem::NoMembers { path }),
                Some(Place::Complex(_, complex)) => type_name = complex,
                Some(Place::Navigation(navigation)) => {
                    let name = navigation.name;
                    return Err(Problem::Navigation { name, option });
                }
                None => return Err(self.unknown(prefix, segment, type_name)),
            }
            prefix = through;
        }
        Err(self.unknown(prefix, "", type_name))
    }

    /// That a complex property is no single value.
    pub(crate) fn not_a_value(&self, path: &'static str, type_name: &'static str) -> Problem {
        let within = |value: &&&'static str| {
            value
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        Problem::Complex {
            path,
            type_name,
            suggestion: self.values().iter().find(within).copied(),
        }
    }

    fn exactly(&self, path: &str) -> Option<Place<'_>> {
        let mut values = self.values().iter();
        let mut complexes = self.complexes().iter();
        let mut navigations = self.navigations().iter();
        values
            .find(|value| **value == path)
            .map(|value| Place::Value(value))
            .or_else(|| {
                let found = complexes.find(|(complex, _)| *complex == path);
                found.map(|(complex, type_name)| Place::Complex(complex, type_name))
            })
            .or_else(|| {
                let found = navigations.find(|navigation| navigation.name == path);
                found.map(Place::Navigation)
            })
    }

    fn unknown(&self, prefix: &str, segment: &str, type_name: &'static str) -> Problem {
        let values = self.values().iter().copied();
        let complexes = self.complexes().iter().map(|(path, _)| *path);
        let navigations = self.navigations().iter().map(|navigation| navigation.name);
        let siblings = values.chain(complexes).chain(navigations);
        let siblings = siblings.filter_map(|path| {
            let name = match prefix {
                "" => path,
                _ => path.strip_prefix(prefix)?.strip_prefix('/')?,
            };
            (!name.contains('/')).then_some(name)
        });
        Problem::UnknownProperty {
            name: segment.into(),
            type_name,
            suggestion: nearest(segment, siblings),
        }
    }
}

/// A type's name or one of `OData`'s own within a path.
fn unsupported_segment(segment: &str) -> Problem {
    let advice = if segment.starts_with('$') {
        "A path names properties alone."
    } else {
        "A path has no type's name in it: write the property alone."
    };
    Problem::Unsupported {
        what: segment.into(),
        advice,
    }
}
