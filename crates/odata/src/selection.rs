//! What an answer shows: the trees of `$select` and `$expand`. Reading them is in `select` and
//! `expand`.

use crate::{
    error::SyntaxError,
    filter::parse_filter,
    order::parse_order,
    tree::{Condition, Order},
    vocabulary::Vocabulary,
};

/// The properties that an answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// Whether `*` stands among them: then every property is shown.
    pub all: bool,
    /// The paths, each once, in the order in which they were named.
    pub paths: Vec<&'static str>,
}

/// The navigation properties that an answer follows, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expand {
    /// What is followed.
    pub items: Vec<ExpandItem>,
}

/// A navigation property that is followed, and what is asked of its entities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpandItem {
    /// The name of the navigation property.
    pub name: &'static str,
    /// `$select`: the properties that are shown.
    pub select: Option<Select>,
    /// `$expand`: what is followed from there.
    pub expand: Expand,
    /// `$filter`, not read yet: [`Unread::filter`] reads it.
    pub filter: Option<Unread>,
    /// `$orderby`, not read yet: [`Unread::order`] reads it.
    pub order: Option<Unread>,
    /// `$top`: how many entities at most.
    pub top: Option<u64>,
    /// `$skip`: how many entities are passed over.
    pub skip: u64,
    /// `$count`: whether their number is answered.
    pub count: bool,
    /// Where its name begins in the whole `$expand`, in characters from 0.
    pub position: usize,
    /// The options that stand in its parentheses, so that one that is not offered can be pointed at.
    pub options: Vec<NestedOption>,
}

/// An option within `$expand`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NestedOption {
    /// Its name, with its dollar sign.
    pub name: &'static str,
    /// Where it begins in the whole `$expand`, in characters from 0.
    pub position: usize,
}

/// The text of a nested option. Its fields are those of another type than the expanding one's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The text.
    pub text: String,
    /// Where it begins in the whole `$expand`, in characters from 0.
    pub position: usize,
}

impl Select {
    /// Whether a property is shown: it is named itself, or stands within a complex property that is.
    pub fn shows(&self, path: &str) -> bool {
        self.all
            || self.paths.iter().any(|named| {
                path.strip_prefix(named)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }

    /// Whether anything within a complex property is shown, so that the property itself stands there.
    pub fn shows_within(&self, path: &str) -> bool {
        self.shows(path)
            || self.paths.iter().any(|named| {
                named
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('/'))
            })
    }
}

impl ExpandItem {
    /// The error for the option of this name, where it stands within the item and is not offered.
    pub fn refuse(&self, option: &str, advice: &'static str) -> Result<(), SyntaxError> {
        let found = self.options.iter().find(|nested| nested.name == option);
        found.map_or(Ok(()), |nested| {
            let what = format!("{option} within {}", self.name);
            Err(SyntaxError::unsupported(nested.position, what, advice))
        })
    }
}

impl Unread {
    /// Reads the text as a `$filter` of the entities that are expanded. Positions in an error count
    /// from the beginning of the whole `$expand`.
    pub fn filter<F: Copy>(
        &self,
        vocabulary: &Vocabulary<F>,
        aliases: &[(&str, &str)],
    ) -> Result<Condition<F>, SyntaxError> {
        let filter = parse_filter(&self.text, vocabulary, aliases);
        filter.map_err(|error| error.shifted(self.position))
    }

    /// Reads the text as an `$orderby`, likewise.
    pub fn order<F: Copy + PartialEq>(
        &self,
        vocabulary: &Vocabulary<F>,
    ) -> Result<Order<F>, SyntaxError> {
        let order = parse_order(&self.text, vocabulary);
        order.map_err(|error| error.shifted(self.position))
    }
}
