//! Which state of an entity somebody has seen, so that nobody writes over what he has not.
//!
//! How a revision is spelled is in `graph::etag`, which headers name it in `http`. A store checks
//! a precondition inside the transaction that writes.

use sha2::{Digest as _, Sha256};

/// How many bytes of a revision tell the state. The others also tell what is shown with it.
const STATE_BYTES: usize = 10;

/// One state of one entity. Every accepted write makes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revision([u8; 16]);

impl Revision {
    /// The revision that follows from all that tells one state from another.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let mut half = [0; 16];
        half.iter_mut()
            .zip(digest)
            .for_each(|(place, byte)| *place = byte);
        Self(half)
    }

    /// The same state, shown together with what no write to the entity changes: two that are shown
    /// differently differ, and are one state all the same.
    #[must_use]
    pub fn shown_with(mut self, parts: &[&[u8]]) -> Self {
        let shown = Self::of(parts);
        let places = self.0.iter_mut().zip(shown.0).skip(STATE_BYTES);
        places.for_each(|(place, byte)| *place ^= byte);
        self
    }

    /// Whether both are one state, whatever it is shown with.
    pub fn is_state_of(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(&other.0)
            .take(STATE_BYTES)
            .all(|(one, other)| one == other)
    }

    /// The revision with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Revisions that a client names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revisions {
    /// Whichever there is.
    Any,
    /// One of these; of none, where what the client named is no revision of ours.
    OneOf(Vec<Revision>),
}

impl Revisions {
    /// Whether one of them is this state, whatever it was shown with.
    fn include_state(&self, current: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(revisions) => revisions.iter().any(|one| one.is_state_of(&current)),
        }
    }

    /// Whether this revision is one of them.
    pub fn include(&self, revision: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(revisions) => revisions.contains(&revision),
        }
    }
}

/// What a client demands of an entity before anything is done with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// Its revision must be one of these.
    pub one_of: Option<Revisions>,
    /// Its revision must be none of these.
    pub none_of: Option<Revisions>,
}

impl Precondition {
    /// Whether an entity that is there in this revision is as the client demands, who wants to write
    /// to it. What it was shown with does not matter: that changes by the clock.
    pub fn holds(&self, current: Revision) -> bool {
        let named = |revisions: &Revisions| revisions.include_state(current);
        self.one_of.as_ref().is_none_or(named) && !self.none_of.as_ref().is_some_and(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_stays_one_however_it_is_shown() {
        let state = Revision::of(&[b"row"]);
        let [pending, in_sync] = [b"p", b"i"].map(|shown| state.shown_with(&[shown]));
        assert_ne!(pending, in_sync);
        assert_ne!(pending, state);
        assert!(pending.is_state_of(&in_sync) && pending.is_state_of(&state));
        assert!(!Revision::of(&[b"other"]).is_state_of(&state));
        let precondition = Precondition {
            one_of: Some(Revisions::OneOf(vec![pending])),
            none_of: None,
        };
        assert!(precondition.holds(state));
        let seen = Revisions::OneOf(vec![pending]);
        assert!(seen.include(pending) && !seen.include(in_sync));
    }

    #[test]
    fn a_precondition_holds_of_what_it_names_and_of_nothing_that_it_rules_out() {
        let [one, two] = [[1; 16], [2; 16]].map(Revision::from_bytes);
        let these = |revisions: &[Revision]| Some(Revisions::OneOf(revisions.to_vec()));
        let any = || Some(Revisions::Any);
        let cases = [
            (None, None, true),
            (any(), None, true),
            (these(&[one]), None, true),
            (these(&[two, one]), None, true),
            (these(&[two]), None, false),
            (these(&[]), None, false),
            (None, any(), false),
            (None, these(&[one, two]), false),
            (None, these(&[two]), true),
            (None, these(&[]), true),
            (these(&[one]), these(&[one]), false),
            (these(&[one]), these(&[two]), true),
        ];
        for (one_of, none_of, expected) in cases {
            let precondition = Precondition { one_of, none_of };
            assert_eq!(precondition.holds(one), expected, "{precondition:?}");
        }
    }
}
