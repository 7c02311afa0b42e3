//! What an answer shows: the trees of `$select` and `$expand`.

/// The properties that an answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// Whether `*` stands among them: then every property is shown.
    pub all: bool,
    /// The paths, each once, in the order in which they were named.
    pub paths: Vec<String>,
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
    /// `$filter`, not read yet: `parse_filter` reads it with the target's vocabulary.
    pub filter: Option<Unread>,
    /// `$orderby`, not read yet: `parse_order` reads it with the target's vocabulary.
    pub order: Option<Unread>,
    /// `$top`: how many entities at most.
    pub top: Option<u64>,
    /// `$skip`: how many entities are passed over.
    pub skip: u64,
    /// `$count`: whether their number is answered.
    pub count: bool,
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
                path.strip_prefix(named.as_str())
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
