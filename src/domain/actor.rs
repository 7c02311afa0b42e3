//! Who did something, as the audit table remembers it.

/// The person or program behind a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What kind of actor this is.
    pub kind: ActorKind,
    /// The caller's object id in the directory, or the operator's account name.
    pub id: String,
    /// The application that called on the actor's behalf, if a token named one.
    pub application: Option<String>,
}

/// The kinds of actors that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// A signed-in user.
    User,
    /// An application without a user.
    Application,
    /// An administrator at the command line.
    Operator,
    /// Hangar's own registrar.
    Registrar,
}

impl ActorKind {
    /// The word that the audit table keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Application => "application",
            Self::Operator => "operator",
            Self::Registrar => "registrar",
        }
    }
}

impl Actor {
    /// The registrar itself.
    pub fn registrar() -> Self {
        Self {
            kind: ActorKind::Registrar,
            id: "registrar".to_owned(),
            application: None,
        }
    }

    /// An administrator at the command line, by account name.
    pub fn operator(account: &str) -> Self {
        Self {
            kind: ActorKind::Operator,
            id: account.to_owned(),
            application: None,
        }
    }
}
