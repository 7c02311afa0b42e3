//! From a request to its answer: who calls, what is asked, who may ask it, then the operation.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{body::Body, response::Response};
use http::{HeaderMap, Request, header};
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::{
    auth::{
        caller::Caller,
        permission::{self, Policy},
        token::TokenVerifier,
    },
    call::Call,
    devices,
    error::ApiError,
    events,
    extract::body::BodyBudget,
    imports,
    layers::{
        Layers,
        access_log::{Route, Tenant},
        host_guard::HostGuard,
        request_id::RequestContext,
    },
    profiles,
    router::{self, Operation},
    server::PeerAddr,
    settings,
};
use crate::{
    domain::{assignment::AssignmentRules, clock::Clock, settings::SyncRules},
    graph::{behavior::Behavior, version::Version},
    store::Store,
};

/// Everything that answering needs.
pub struct Api {
    /// Keeps what is accepted.
    pub store: Arc<dyn Store>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Knows who calls.
    pub verifier: Arc<TokenVerifier>,
    /// What callers may do.
    pub policy: Policy,
    /// Which Graph is spoken.
    pub behavior: Behavior,
    /// How deployment profiles are assigned.
    pub assignment: AssignmentRules,
    /// How tenants are synced.
    pub sync: SyncRules,
    /// How many identities one `import` call may bring.
    pub max_import: usize,
    /// Bounds the memory that request bodies hold.
    pub bodies: BodyBudget,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// What happens around every request.
    pub layers: Layers,
    /// The local authority and the guard of the loopback listener: with `--dev` only.
    pub development: Option<Development>,
}

/// What `--dev` adds in front of the API.
pub struct Development {
    /// Refuses hosts and origins that are not this machine's.
    pub guard: HostGuard,
    /// Gives tokens.
    pub authority: axum::Router,
    /// Tells the authority's paths from the API's.
    pub is_authority_path: fn(&str) -> bool,
}

/// What the access line tells of a request, as far as it got.
#[derive(Default)]
struct Seen {
    tenant: Option<Tenant>,
    route: Option<Route>,
}

impl Api {
    /// Answers a request.
    pub async fn answer(self: Arc<Self>, request: Request<Body>, peer: PeerAddr) -> Response {
        let api = Arc::clone(&self);
        let inner = |request| async move { api.respond(request).await };
        self.layers.around(request, peer, inner).await
    }

    async fn respond(self: Arc<Self>, request: Request<Body>) -> Response {
        let behavior = self.behavior;
        let mut seen = Seen::default();
        let Some(context) = request.extensions().get::<RequestContext>().cloned() else {
            unreachable!("the layers name every request before it comes here");
        };
        let mut response = match self.route(request, &context, &mut seen).await {
            Ok(response) => response,
            Err(error) => error.render(&context, behavior),
        };
        if let Some(tenant) = seen.tenant {
            response.extensions_mut().insert(tenant);
        }
        if let Some(route) = seen.route {
            response.extensions_mut().insert(route);
        }
        response
    }

    async fn route(
        self: Arc<Self>,
        request: Request<Body>,
        context: &RequestContext,
        seen: &mut Seen,
    ) -> Result<Response, ApiError> {
        if let Some(development) = &self.development {
            development.guard.check(request.uri(), request.headers())?;
            if (development.is_authority_path)(request.uri().path()) {
                seen.route = Some(Route("authority"));
                return timeout(self.body_timeout, development.ask_authority(request))
                    .await
                    .map_err(|_| ApiError::timeout());
            }
        }
        let (version, segments) = router::split(request.uri().path())?;
        let version =
            Version::parse(&version).ok_or_else(|| ApiError::invalid_version(&version))?;
        let caller = self.authenticate(request.headers()).await?;
        seen.tenant = Some(Tenant(caller.tenant));
        let resolved = router::resolve(request.method(), version, &segments)?;
        seen.route = Some(Route(resolved.route.path));
        permission::check(&caller, resolved.route.access, &self.policy)?;
        let (parts, body) = request.into_parts();
        let call = Call {
            api: self,
            caller,
            version,
            context: context.clone(),
            keys: resolved.keys,
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            body: Mutex::new(body),
        };
        dispatch(resolved.route.operation, call).await
    }

    async fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Caller>, ApiError> {
        let authorization = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        Ok(self.verifier.verify(authorization).await?)
    }
}

impl Development {
    async fn ask_authority(&self, request: Request<Body>) -> Response {
        match self.authority.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

async fn dispatch(operation: Operation, call: Call) -> Result<Response, ApiError> {
    match operation {
        Operation::ListImports => imports::list::list(call).await,
        Operation::CountImports => imports::count::count(call).await,
        Operation::CreateImport => imports::create::create(call).await,
        Operation::CreateImports => imports::create_many::create_many(call).await,
        Operation::GetImport => imports::get::get(call).await,
        Operation::UpdateImport => imports::update::update(call).await,
        Operation::DeleteImport => imports::delete::delete(call).await,
        Operation::ListDevices => devices::list::list(call).await,
        Operation::CountDevices => devices::count::count(call).await,
        Operation::GetDevice => devices::get::get(call).await,
        Operation::DeleteDevice => devices::delete::delete(call).await,
        Operation::ListProfiles => profiles::list::list(call).await,
        Operation::CreateProfile => profiles::create::create(call).await,
        Operation::HasPayloadLinks => profiles::payload_links::payload_links(call).await,
        Operation::GetProfile => profiles::get::get(call).await,
        Operation::UpdateProfile => profiles::update::update(call).await,
        Operation::DeleteProfile => profiles::delete::delete(call).await,
        Operation::AssignProfile => profiles::assign::assign(call).await,
        Operation::ListAssignedDevices => profiles::assigned_devices::assigned_devices(call).await,
        Operation::ListAssignments => profiles::assignments::list::list(call).await,
        Operation::CreateAssignment => profiles::assignments::create::create(call).await,
        Operation::GetAssignment => profiles::assignments::get::get(call).await,
        Operation::UpdateAssignment => profiles::assignments::update::update(call).await,
        Operation::DeleteAssignment => profiles::assignments::delete::delete(call).await,
        Operation::GetSettings => settings::get::get(call).await,
        Operation::UpdateSettings => settings::update::update(call).await,
        Operation::Sync => settings::sync::sync(call).await,
        Operation::ListEvents => events::list(&call),
    }
}
