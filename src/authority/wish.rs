//! The scopes that a client asks for, in the client's own spelling. Clients look their tokens up by the
//! scopes that they asked for, so that is how the answer names them.
//!
//! Who is granted what is in `issue`.

use super::{issue::Scopes, oauth_error::OAuthError};

/// The longest text of scopes: they are kept while something is outstanding.
const LONGEST_BYTES: usize = 4096;

/// Scopes that concern the sign-in itself. They grant nothing at the service.
pub(super) const SIGN_IN_SCOPES: [&str; 4] = ["openid", "profile", "email", OFFLINE];

const OFFLINE: &str = "offline_access";

/// What a client asks for, each scope once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    words: Vec<String>,
}

impl Wish {
    /// Reads scopes with blanks between them.
    pub(super) fn read(text: &str) -> Result<Self, OAuthError> {
        if text.len() > LONGEST_BYTES {
            return Err(OAuthError::scopes_too_long(LONGEST_BYTES));
        }
        let mut words: Vec<String> = Vec::new();
        for word in text.split_ascii_whitespace() {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        Ok(Self { words })
    }

    /// Whether this very word is among them.
    pub(super) fn names(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }

    /// Whether the client wants to come back without the user.
    pub(super) fn is_offline(&self) -> bool {
        self.names(OFFLINE)
    }

    /// What the token is to grant.
    pub(super) fn scopes(&self) -> Scopes {
        Scopes::Named(self.words.clone())
    }

    /// The same with a refresh token, for a client that shows one.
    pub(super) fn staying_offline(mut self) -> Self {
        if !self.is_offline() {
            self.words.push(OFFLINE.to_owned());
        }
        self
    }

    /// How an answer names what it grants: as it was asked for, else with the service in front.
    pub(super) fn spelled(&self, granted: &[String], service: &str) -> String {
        let service = service.trim_end_matches('/');
        let asked = |scope: &str| {
            let mut words = self.words.iter();
            words.find(|word| without_service(word, service) == scope)
        };
        let mut names: Vec<String> = granted
            .iter()
            .map(|scope| match asked(scope) {
                Some(word) => word.clone(),
                None => format!("{service}/{scope}"),
            })
            .collect();
        names.extend(asked(".default").cloned());
        let of_sign_in = self.words.iter().filter(|word| {
            // That there is a refresh token says itself.
            SIGN_IN_SCOPES.contains(&word.as_str()) && *word != OFFLINE
        });
        names.extend(of_sign_in.cloned());
        names.join(" ")
    }
}

/// Scopes may be written with the service that they are for in front.
pub(super) fn without_service<'a>(scope: &'a str, service: &str) -> &'a str {
    let rest = scope.strip_prefix(service.trim_end_matches('/'));
    rest.and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "https://graph.example";

    #[test]
    fn an_answer_spells_scopes_as_they_were_asked_for() {
        let granted = ["User.Read".to_owned(), "Devices.Read".to_owned()];
        let spelled = |text: &str| Wish::read(text).unwrap().spelled(&granted, SERVICE);
        let table = [
            (
                "User.Read https://graph.example/Devices.Read openid profile offline_access",
                "User.Read https://graph.example/Devices.Read openid profile",
            ),
            (
                "https://graph.example/.default openid",
                "https://graph.example/User.Read https://graph.example/Devices.Read \
                 https://graph.example/.default openid",
            ),
            (
                ".default .default",
                "https://graph.example/User.Read https://graph.example/Devices.Read .default",
            ),
        ];
        for (asked, expected) in table {
            assert_eq!(spelled(asked), expected);
        }
    }

    #[test]
    fn a_wish_is_bounded_and_has_each_scope_once() {
        let wish = Wish::read(" openid  User.Read openid ").unwrap();
        assert_eq!(wish.words, ["openid", "User.Read"]);
        assert!(!wish.is_offline());
        assert!(wish.staying_offline().is_offline());
        assert!(Wish::read(&"a ".repeat(LONGEST_BYTES)).is_err());
    }
}
