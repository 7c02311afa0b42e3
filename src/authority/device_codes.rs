//! Device codes: a client shows a person a short code and asks until somebody has signed in for it.
//!
//! With a `device_code_user` in the users file a code is approved by itself, unless a person enters it
//! before. The first question after it is answered with `authorization_pending` all the same, so that
//! clients go their usual way.

use aws_lc_rs::rand;

use super::{
    oauth_error::OAuthError, outstanding::Person, realm::Realm, signing_key::KeyFailure, wish::Wish,
};

/// Letters that are not taken for others, and make no words.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// What a code stands for.
#[derive(Clone, Debug)]
pub(super) struct DeviceCode {
    /// What a person types.
    pub(super) user_code: String,
    /// The id of the client that asks.
    pub(super) client: String,
    pub(super) realm: Realm,
    pub(super) wish: Wish,
    pub(super) approval: Approval,
}

impl DeviceCode {
    /// Whether somebody can sign in for it by this code.
    pub(super) fn awaits(&self, user_code: &str) -> bool {
        let is_open = matches!(self.approval, Approval::Awaited | Approval::ByItself(_));
        is_open && self.user_code == user_code
    }
}

/// How far a code has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Approval {
    /// Somebody must sign in.
    Awaited,
    /// It will be approved for this person by the first question about it.
    ByItself(Person),
    /// This person has signed in.
    Given(Person),
    /// Whoever was asked does not want it.
    Declined,
}

impl Approval {
    /// What the client is told, and who signed in.
    pub(super) fn ask(&mut self) -> Result<Person, OAuthError> {
        match self {
            Self::Given(person) => Ok(person.clone()),
            Self::Awaited => Err(OAuthError::pending()),
            Self::Declined => Err(OAuthError::declined()),
            Self::ByItself(person) => {
                *self = Self::Given(person.clone());
                Err(OAuthError::pending())
            }
        }
    }
}

/// A code for people to type.
pub(super) fn new_user_code() -> Result<String, KeyFailure> {
    let mut code = String::with_capacity(LENGTH);
    while code.len() < LENGTH {
        let mut bytes = [0; LENGTH];
        rand::fill(&mut bytes).map_err(|_| KeyFailure("there is no randomness to be had"))?;
        // A byte beyond the last whole round would make some letters likelier than others.
        let fair = bytes.iter().filter(|byte| **byte < 240);
        let letters = fair.filter_map(|byte| LETTERS.get(usize::from(byte % 20)));
        code.extend(letters.map(|letter| char::from(*letter)));
        code.truncate(LENGTH);
    }
    Ok(code)
}

/// A code as it was meant: however the person wrote its letters, and whatever stands between them.
pub(super) fn as_meant(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::tenant::TenantId;

    #[test]
    fn a_code_can_be_typed_carelessly() {
        let code = new_user_code().unwrap();
        assert_eq!(code.len(), LENGTH);
        assert!(code.bytes().all(|letter| LETTERS.contains(&letter)));
        let (left, right) = code.split_at(4);
        let typed = format!(" {}-{} ", left.to_lowercase(), right);
        assert_eq!(as_meant(&typed), code);
        assert_ne!(new_user_code().unwrap(), code);
    }

    #[test]
    fn a_code_that_approves_itself_is_pending_once() {
        let person = Person {
            tenant: TenantId(Uuid::nil()),
            principal_name: "user".to_owned(),
        };
        let mut approval = Approval::ByItself(person.clone());
        assert!(approval.ask().is_err());
        assert_eq!(approval.ask().unwrap(), person);
        let mut awaited = Approval::Awaited;
        assert!(awaited.ask().is_err() && awaited.ask().is_err());
        assert!(Approval::Declined.ask().is_err());
    }
}
