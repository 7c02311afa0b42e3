//! How much control information an answer carries: `odata.metadata` of the `Accept` header.

/// A value of `odata.metadata`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MetadataLevel {
    /// Only `@odata.count` and `@odata.nextLink`.
    None,
    /// The context too. The default.
    #[default]
    Minimal,
    /// Types and links as well.
    Full,
}

impl MetadataLevel {
    /// The level of this name, in any letter case.
    pub fn parse(name: &str) -> Option<Self> {
        [
            ("none", Self::None),
            ("minimal", Self::Minimal),
            ("full", Self::Full),
        ]
        .into_iter()
        .find_map(|(known, level)| known.eq_ignore_ascii_case(name).then_some(level))
    }

    /// The media type of an answer at this level.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::None => {
                "application/json;odata.metadata=none;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
            }
            Self::Minimal => {
                "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
            }
            Self::Full => {
                "application/json;odata.metadata=full;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_names_itself_in_its_media_type() {
        for (name, level) in [
            ("none", MetadataLevel::None),
            ("Minimal", MetadataLevel::Minimal),
            ("FULL", MetadataLevel::Full),
        ] {
            assert_eq!(MetadataLevel::parse(name), Some(level));
            let parameter = format!(";odata.metadata={};", name.to_lowercase());
            assert!(level.content_type().contains(&parameter));
        }
        assert_eq!(MetadataLevel::parse("some"), None);
    }
}
