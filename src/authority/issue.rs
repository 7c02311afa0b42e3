//! What goes into a token, and who gets which scopes.

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use thiserror::Error;

use super::{
    Authority,
    directory::{Client, User},
    signing_key::KeyFailure,
    wish::{SIGN_IN_SCOPES, without_service},
};
use crate::domain::tenant::{PERSONAL_ACCOUNTS, TenantId};

/// A wish for a token.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// The issuer to name; the tenant is put in for `{tenantid}`.
    pub issuer: String,
    /// The tenant that the token is for.
    pub tenant: TenantId,
    /// Whose token it is.
    pub subject: Subject,
    /// What the token is to grant.
    pub scopes: Scopes,
    /// How long it is valid. A negative lifetime gives a token that is over already.
    pub lifetime: SignedDuration,
    /// From when on it is valid.
    pub issued_at: Timestamp,
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user's, through a client: a delegated token.
    User {
        /// The user's principal name.
        principal_name: String,
        /// The id of the client that the user signed in with.
        client: String,
    },
    /// A client's own: an app-only token.
    Application {
        /// The client's id.
        client: String,
    },
}

/// What a token is to grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scopes {
    /// All that the users file grants.
    Granted,
    /// Of these, what the users file grants.
    Named(Vec<String>),
}

/// Why there is no token.
#[derive(Debug, Error)]
pub enum MintError {
    /// Nobody has this name in the tenant.
    #[error("there is no user `{0}` in the tenant")]
    UnknownUser(String),
    /// No application has this id.
    #[error("there is no client `{0}`")]
    UnknownClient(String),
    /// Applications have no place among personal accounts.
    #[error("an application can't act for itself among personal accounts")]
    PersonalTenant,
    /// None of the scopes asked for is granted by the users file.
    #[error("the users file grants none of the scopes asked for ({0})")]
    NothingGranted(String),
    /// The lifetime leads out of the calendar.
    #[error("the lifetime is too long")]
    Lifetime,
    /// The key could not be used.
    #[error(transparent)]
    Key(#[from] KeyFailure),
}

/// A wish for a token that tells a client who signed in.
pub(super) struct IdToken<'a> {
    pub(super) issuer: &'a str,
    pub(super) user: &'a User,
    pub(super) client: &'a Client,
    pub(super) nonce: Option<&'a str>,
    pub(super) with_email: bool,
    pub(super) lifetime: SignedDuration,
    pub(super) issued_at: Timestamp,
}

/// A token, and what it grants.
pub(super) struct Issued {
    pub(super) token: String,
    pub(super) scopes: Vec<String>,
}

impl Authority {
    /// A signed token, as the token endpoint would give it.
    pub fn mint(&self, request: &TokenRequest) -> Result<String, MintError> {
        self.issue(request).map(|issued| issued.token)
    }

    /// A signed token with any claims at all, for tests of what is wrong with them.
    pub fn sign(&self, claims: &Value) -> Result<String, KeyFailure> {
        self.key.sign(claims)
    }

    pub(super) fn issue(&self, request: &TokenRequest) -> Result<Issued, MintError> {
        let (mut claims, scopes) = match &request.subject {
            Subject::User {
                principal_name,
                client,
            } => self.user_claims(request, principal_name, client)?,
            Subject::Application { client } => self.application_claims(request, client)?,
        };
        claims["aud"] = json!(self.audience);
        add_common_claims(
            &mut claims,
            &request.issuer,
            request.tenant,
            request.issued_at,
            request.lifetime,
        )?;
        Ok(Issued {
            token: self.key.sign(&claims)?,
            scopes,
        })
    }

    /// A token for the client alone: who signed in.
    pub(super) fn id_token(&self, wish: &IdToken<'_>) -> Result<String, MintError> {
        let user = wish.user;
        let mut claims = json!({
            "aud": wish.client.id,
            "oid": user.object_id.to_string(),
            "sub": user.object_id.to_string(),
            "name": user.name,
            "preferred_username": user.principal_name,
        });
        if let Some(nonce) = wish.nonce {
            claims["nonce"] = json!(nonce);
        }
        if wish.with_email {
            claims["email"] = json!(user.principal_name);
        }
        add_common_claims(
            &mut claims,
            wish.issuer,
            user.tenant,
            wish.issued_at,
            wish.lifetime,
        )?;
        Ok(self.key.sign(&claims)?)
    }

    /// What of a wish a user can grant.
    pub(super) fn grantable(&self, user: &User, scopes: &Scopes) -> Result<Vec<String>, MintError> {
        self.granted(scopes, &user.scopes)
    }

    fn user_claims(
        &self,
        request: &TokenRequest,
        principal_name: &str,
        client: &str,
    ) -> Result<(Value, Vec<String>), MintError> {
        let directory = self.directory();
        let user = directory
            .find_user(principal_name, Some(request.tenant))
            .ok_or_else(|| MintError::UnknownUser(principal_name.to_owned()))?;
        let client = self.client(client)?;
        let scopes = self.granted(&request.scopes, &user.scopes)?;
        let claims = json!({
            "oid": user.object_id.to_string(),
            "sub": user.object_id.to_string(),
            "azp": client.id,
            "idtyp": "user",
            "name": user.name,
            "preferred_username": user.principal_name,
            "scp": scopes.join(" "),
        });
        Ok((claims, scopes))
    }

    fn application_claims(
        &self,
        request: &TokenRequest,
        client: &str,
    ) -> Result<(Value, Vec<String>), MintError> {
        if request.tenant == PERSONAL_ACCOUNTS {
            return Err(MintError::PersonalTenant);
        }
        let client = self.client(client)?;
        let roles = self.granted(&request.scopes, &client.roles)?;
        let claims = json!({
            "oid": client.object_id.to_string(),
            "sub": client.object_id.to_string(),
            "azp": client.id,
            "idtyp": "app",
            "roles": roles,
        });
        Ok((claims, roles))
    }

    fn client(&self, id: &str) -> Result<Client, MintError> {
        self.directory()
            .find_client(id)
            .cloned()
            .ok_or_else(|| MintError::UnknownClient(id.to_owned()))
    }

    /// What is granted of what is wished.
    fn granted(&self, wished: &Scopes, grantable: &[String]) -> Result<Vec<String>, MintError> {
        let Scopes::Named(names) = wished else {
            return Ok(grantable.to_vec());
        };
        let names: Vec<&str> = names
            .iter()
            .map(|name| without_service(name, &self.audience))
            .filter(|name| !SIGN_IN_SCOPES.contains(name))
            .collect();
        if names.is_empty() || names.contains(&".default") {
            return Ok(grantable.to_vec());
        }
        let granted: Vec<String> = grantable
            .iter()
            .filter(|scope| names.contains(&scope.as_str()))
            .cloned()
            .collect();
        if granted.is_empty() {
            return Err(MintError::NothingGranted(names.join(" ")));
        }
        Ok(granted)
    }
}

/// What stands in every token.
fn add_common_claims(
    claims: &mut Value,
    issuer: &str,
    tenant: TenantId,
    issued_at: Timestamp,
    lifetime: SignedDuration,
) -> Result<(), MintError> {
    let expires = issued_at
        .checked_add(lifetime)
        .map_err(|_| MintError::Lifetime)?;
    let tenant = tenant.to_string();
    claims["iss"] = json!(issuer.replace("{tenantid}", &tenant));
    claims["tid"] = json!(tenant);
    claims["iat"] = json!(issued_at.as_second());
    claims["nbf"] = json!(issued_at.as_second());
    claims["exp"] = json!(expires.as_second());
    claims["uti"] = json!(random_text::<16>()?);
    claims["ver"] = json!("2.0");
    Ok(())
}

/// Random bytes as text for addresses and tokens.
pub(super) fn random_text<const BYTES: usize>() -> Result<String, KeyFailure> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).map_err(|_| KeyFailure("there is no randomness to be had"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
