//! The versions of Graph, as the first segment of a path names them.

/// A version of Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// `/beta`.
    Beta,
    /// `/v1.0`.
    V1,
}

impl Version {
    /// The path segment, as links and contexts spell it.
    pub fn path_segment(self) -> &'static str {
        match self {
            Self::Beta => "beta",
            Self::V1 => "v1.0",
        }
    }

    /// The version that a path segment names, in any letter case.
    pub fn parse(segment: &str) -> Option<Self> {
        [Self::Beta, Self::V1]
            .into_iter()
            .find(|version| version.path_segment().eq_ignore_ascii_case(segment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_read_in_any_letter_case() {
        let cases = [
            ("beta", Some(Version::Beta)),
            ("Beta", Some(Version::Beta)),
            ("v1.0", Some(Version::V1)),
            ("V1.0", Some(Version::V1)),
            ("v1", None),
            ("v2.0", None),
            ("", None),
        ];
        for (segment, version) in cases {
            assert_eq!(Version::parse(segment), version, "{segment}");
        }
    }
}
