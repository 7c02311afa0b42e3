//! What an operation asks of its caller, and whether the caller has it.
//!
//! Which route asks for what is in the route table.

use super::{
    caller::{Caller, Grant},
    error::AuthError,
};

const SERVICE_READ: &str = "DeviceManagementServiceConfig.Read.All";
const SERVICE_WRITE: &str = "DeviceManagementServiceConfig.ReadWrite.All";
const CONFIGURATION_READ: &str = "DeviceManagementConfiguration.Read.All";
const CONFIGURATION_WRITE: &str = "DeviceManagementConfiguration.ReadWrite.All";

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everybody, without a token.
    Anonymous,
    /// Every holder of a valid token. The parts of a batch are each checked for themselves.
    AnyToken,
    /// Holders of a permission.
    Needs(Permission),
}

/// A permission in Graph's sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Graph: `DeviceManagementServiceConfig.Read.All`, which `ReadWrite.All` includes.
    ServiceConfigRead,
    /// Graph: `DeviceManagementServiceConfig.ReadWrite.All`.
    ServiceConfigWrite,
}

/// What the operator admits beyond the document's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether tokens without a user are admitted at all.
    pub application_permissions: ApplicationPermissions,
    /// Whether the `DeviceManagementConfiguration` scopes count too.
    pub configuration_scopes: ConfigurationScopes,
}

/// Setting: `auth.application_permissions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationPermissions {
    /// App-only tokens are refused, as the documented operation says.
    Deny,
    /// App-only tokens are admitted by their roles.
    Allow,
}

/// Setting: `auth.accept_configuration_scopes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigurationScopes {
    /// Only `DeviceManagementServiceConfig` counts.
    Ignored,
    /// `DeviceManagementConfiguration` counts likewise.
    Accepted,
}

/// Tells whether `caller` may do what needs `access`.
pub fn check(caller: &Caller, access: Access, policy: &Policy) -> Result<(), AuthError> {
    let Access::Needs(permission) = access else {
        return Ok(());
    };
    // A personal account stays one whatever its token grants, so this comes before the scopes.
    if caller.is_personal() {
        return Err(AuthError::PersonalAccount);
    }
    let granted = match &caller.grant {
        Grant::Delegated { scopes } => scopes,
        Grant::Application { roles } => match policy.application_permissions {
            ApplicationPermissions::Deny => return Err(AuthError::ApplicationOnly),
            ApplicationPermissions::Allow => roles,
        },
    };
    let sufficient = sufficient(permission, policy.configuration_scopes);
    // Scope names are identifiers: they are compared exactly, as the directory compares them.
    if granted
        .iter()
        .any(|scope| sufficient.contains(&scope.as_str()))
    {
        Ok(())
    } else {
        Err(AuthError::MissingScopes {
            sufficient: sufficient.to_vec(),
        })
    }
}

/// The scopes of which any one gives `permission`.
pub fn sufficient(
    permission: Permission,
    configuration_scopes: ConfigurationScopes,
) -> &'static [&'static str] {
    match (permission, configuration_scopes) {
        (Permission::ServiceConfigRead, ConfigurationScopes::Ignored) => {
            &[SERVICE_READ, SERVICE_WRITE]
        }
        (Permission::ServiceConfigRead, ConfigurationScopes::Accepted) => &[
            SERVICE_READ,
            SERVICE_WRITE,
            CONFIGURATION_READ,
            CONFIGURATION_WRITE,
        ],
        (Permission::ServiceConfigWrite, ConfigurationScopes::Ignored) => &[SERVICE_WRITE],
        (Permission::ServiceConfigWrite, ConfigurationScopes::Accepted) => {
            &[SERVICE_WRITE, CONFIGURATION_WRITE]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tenant::{PERSONAL_ACCOUNTS, TenantId};

    const READ: Access = Access::Needs(Permission::ServiceConfigRead);
    const WRITE: Access = Access::Needs(Permission::ServiceConfigWrite);
    const STRICT: Policy = Policy {
        application_permissions: ApplicationPermissions::Deny,
        configuration_scopes: ConfigurationScopes::Ignored,
    };
    const WIDE: Policy = Policy {
        application_permissions: ApplicationPermissions::Allow,
        configuration_scopes: ConfigurationScopes::Accepted,
    };

    fn caller(grant: Grant) -> Caller {
        Caller {
            tenant: TenantId(uuid::Uuid::from_u128(7)),
            object_id: "object".to_owned(),
            application: None,
            grant,
        }
    }

    fn user(scopes: &[&str]) -> Caller {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        caller(Grant::Delegated { scopes })
    }

    fn application(roles: &[&str]) -> Caller {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        caller(Grant::Application { roles })
    }

    #[test]
    fn a_scope_opens_what_it_names_and_nothing_else() {
        // Scope, then whether it reads and writes under the strict and the wide policy.
        let table = [
            (SERVICE_READ, [true, false, true, false]),
            (SERVICE_WRITE, [true, true, true, true]),
            (CONFIGURATION_READ, [false, false, true, false]),
            (CONFIGURATION_WRITE, [false, false, true, true]),
            ("devicemanagementserviceconfig.readwrite.all", [false; 4]),
            ("User.Read", [false; 4]),
        ];
        for (scope, expected) in table {
            let met = [(READ, STRICT), (WRITE, STRICT), (READ, WIDE), (WRITE, WIDE)]
                .map(|(access, policy)| check(&user(&[scope]), access, &policy).is_ok());
            assert_eq!(met, expected, "{scope}");
        }
    }

    #[test]
    fn a_refusal_names_the_scopes_that_would_do() {
        let refusal = check(&user(&[SERVICE_READ]), WRITE, &STRICT).unwrap_err();
        assert_eq!(
            refusal.message(),
            "Application is not authorized to perform this operation. Application must have one of the following scopes: DeviceManagementServiceConfig.ReadWrite.All"
        );
        let refusal = check(&user(&[]), READ, &STRICT).unwrap_err();
        assert!(refusal.message().ends_with(
            "DeviceManagementServiceConfig.Read.All, DeviceManagementServiceConfig.ReadWrite.All"
        ));
    }

    #[test]
    fn app_only_tokens_pass_by_role_where_they_are_allowed() {
        let holder = application(&[SERVICE_WRITE]);
        assert_eq!(
            check(&holder, WRITE, &STRICT),
            Err(AuthError::ApplicationOnly)
        );
        assert_eq!(check(&holder, WRITE, &WIDE), Ok(()));
        let refusal = check(&application(&[]), WRITE, &WIDE).unwrap_err();
        assert!(matches!(refusal, AuthError::MissingScopes { .. }));
    }

    #[test]
    fn personal_accounts_are_refused_whatever_they_hold() {
        let mut holder = user(&[SERVICE_WRITE]);
        holder.tenant = PERSONAL_ACCOUNTS;
        assert_eq!(check(&holder, READ, &WIDE), Err(AuthError::PersonalAccount));
        assert_eq!(check(&holder, Access::AnyToken, &STRICT), Ok(()));
    }

    #[test]
    fn any_token_will_do_where_none_is_asked_for_a_permission() {
        for access in [Access::Anonymous, Access::AnyToken] {
            assert_eq!(check(&application(&[]), access, &STRICT), Ok(()));
        }
    }
}
