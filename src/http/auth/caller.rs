//! Who holds a verified token.

use crate::domain::{
    actor::{Actor, ActorKind},
    tenant::{PERSONAL_ACCOUNTS, TenantId},
};

/// The holder of a verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant that the token was issued for.
    pub tenant: TenantId,
    /// The user's or the application's object id in that tenant.
    pub object_id: String,
    /// The client id of the application that asked for the token, if the token names it.
    pub application: Option<String>,
    /// What the token grants.
    pub grant: Grant,
}

/// What a token grants, and on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// A user is signed in; the application acts for him.
    Delegated {
        /// The scopes that the user gave to the application.
        scopes: Vec<String>,
    },
    /// The application acts for itself ("app-only").
    Application {
        /// The application roles that an administrator gave to it.
        roles: Vec<String>,
    },
}

impl Caller {
    /// Tells whether this is a personal Microsoft account instead of a work or school account.
    pub fn is_personal(&self) -> bool {
        self.tenant == PERSONAL_ACCOUNTS
    }

    /// The caller as the audit table remembers it.
    pub fn actor(&self) -> Actor {
        let kind = match self.grant {
            Grant::Delegated { .. } => ActorKind::User,
            Grant::Application { .. } => ActorKind::Application,
        };
        Actor {
            kind,
            id: self.object_id.clone(),
            application: self.application.clone(),
        }
    }
}
