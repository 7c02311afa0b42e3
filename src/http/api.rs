//! From a request to its answer: who calls, what is asked, who may ask it, then the operation.

use std::{
    future::{Future, ready},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, Method, Request, StatusCode, header};
use tokio::time::timeout;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::{
    auth::{
        caller::Caller,
        error::AuthError,
        permission::{self, Access, Policy},
        token::TokenVerifier,
    },
    batch::{self, Rendezvous},
    call::{self, Call},
    devices,
    error::ApiError,
    events,
    extract::{base_url::Scheme, body::BodyBudget, conditions},
    imports,
    layers::{
        Layers,
        access_log::{NONE, Reached},
        host_guard::HostGuard,
        request_id::RequestContext,
        throttle::Throttle,
    },
    metadata::{self, Question},
    profiles,
    rehearsed::{self, BreakOff, Cue, Director, Home, NoHome, Told},
    router::{self, Operation, Resolved},
    server::PeerAddr,
    settings, uploads,
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
    /// How often callers may ask; without it, as often as they like.
    pub throttle: Option<Throttle>,
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
    /// Who directs the rehearsal: with `--rehearse` only.
    pub director: Option<Arc<dyn Director>>,
}

/// What `--dev` adds in front of the API.
pub struct Development {
    /// Refuses hosts and origins that are not this machine's.
    pub guard: HostGuard,
    /// Gives tokens.
    pub authority: axum::Router,
    /// Gives tokens to those who come over TLS, and names itself by https, which most clients demand
    /// of an authority.
    pub secure_authority: Option<axum::Router>,
    /// Tells the authority's paths from the API's.
    pub is_authority_path: fn(&str) -> bool,
}

/// What is asked, by somebody who is known.
pub(super) struct Asked {
    pub(super) caller: Arc<Caller>,
    pub(super) version: Version,
    pub(super) context: Arc<RequestContext>,
    pub(super) method: Method,
    /// The route, or why there is none: told to those whom we know.
    pub(super) resolved: Result<Resolved, ApiError>,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// Where a batch's parts meet.
    pub(super) meeting: Option<Rendezvous>,
    /// Of a batch's part: the batch, and where its caller's rows are.
    pub(super) batch: Option<(Uuid, Home)>,
}

/// What is told of a request.
#[derive(Default)]
pub(super) struct Seen {
    /// By the access line.
    reached: Reached,
    /// What the director is told of it, where there is one.
    pub(super) told: Option<Box<Told>>,
}

impl Seen {
    /// The route's template, or what stands for none.
    pub(super) fn route_name(&self) -> &'static str {
        self.reached.route.unwrap_or(NONE)
    }
}

impl Api {
    /// Answers a request.
    pub async fn answer(self: Arc<Self>, request: Request<Body>, peer: PeerAddr) -> Response {
        let api = Arc::clone(&self);
        let inner = |request, context| api.respond(request, context, peer);
        self.layers.around(request, peer, inner).await
    }

    async fn respond(
        self: Arc<Self>,
        request: Request<Body>,
        context: Arc<RequestContext>,
        peer: PeerAddr,
    ) -> (Response, Reached) {
        let behavior = self.behavior;
        let mut seen = Seen::default();
        if self.director.is_some() {
            let (method, uri) = (request.method(), request.uri());
            let told = Told::of(&context, method, uri.query(), request.headers());
            seen.told = Some(Box::new(told));
        }
        let director = self.director.clone();
        let mut response = match self.route(request, &context, peer, &mut seen).await {
            Ok(response) => response,
            Err(error) => error.render(&context, behavior),
        };
        if let (Some(director), Some(told)) = (director, seen.told.take()) {
            let report = rehearsed::report(&*director, *told, &context, response);
            response = Box::pin(report).await;
        }
        (response, seen.reached)
    }

    async fn route(
        self: Arc<Self>,
        request: Request<Body>,
        context: &Arc<RequestContext>,
        peer: PeerAddr,
        seen: &mut Seen,
    ) -> Result<Response, ApiError> {
        if let Some(development) = &self.development {
            development.guard.check(request.uri(), request.headers())?;
            if (development.is_authority_path)(request.uri().path()) {
                seen.reached.route = Some("authority");
                let answer = development.ask_authority(request, peer.scheme);
                let answered = timeout(self.body_timeout, answer).await;
                return answered.map_err(|_| ApiError::timeout());
            }
        }
        let (version, segments) = router::split(request.uri().path())?;
        let version =
            Version::parse(&version).ok_or_else(|| ApiError::invalid_version(&version))?;
        if let Some(route) = router::resolve_anonymous(request.method(), version, &segments)
            && let Some(answer) = metadata::answer_of(route.operation)
        {
            seen.reached.route = Some(route.path);
            return answer(&Question {
                version,
                base_url: &context.base_url,
                query: request.uri().query(),
                headers: request.headers(),
                policy: &self.policy,
                director: self.director.as_deref(),
            });
        }
        let resolved = router::resolve(request.method(), version, &segments);
        let caller = self.authenticate(request.headers()).await?;
        seen.reached.tenant = Some(caller.tenant);
        if let Some(told) = &mut seen.told {
            told.caller = Some(Arc::clone(&caller));
        }
        let (parts, body) = request.into_parts();
        let asked = Asked {
            caller,
            version,
            context: Arc::clone(context),
            method: parts.method,
            resolved,
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            body,
            meeting: None,
            batch: None,
        };
        self.perform(asked, seen).await
    }

    /// Finds what is asked, and does it if the caller may ask it.
    pub(super) async fn perform(
        self: Arc<Self>,
        asked: Asked,
        seen: &mut Seen,
    ) -> Result<Response, ApiError> {
        let resolved = asked.resolved?;
        seen.reached.route = Some(resolved.route.path);
        if let Some(told) = &mut seen.told {
            told.route = Some(resolved.route.path);
        }
        permission::check(&asked.caller, resolved.route.access, &self.policy)?;
        self.throttle(&asked.caller, resolved.route, &asked.context)?;
        if !resolved.route.has_etags() {
            conditions::refuse(&asked.headers)?;
        }
        let home = asked.batch.map(|(_, home)| home);
        let own_home = Home {
            store: Arc::clone(&self.store),
            tenant: asked.caller.tenant,
            hold: None,
        };
        let is_housed = home.is_some();
        let call = Call {
            home: home.unwrap_or(own_home),
            api: self,
            caller: asked.caller,
            version: asked.version,
            context: asked.context,
            keys: resolved.keys,
            query: asked.query,
            headers: asked.headers,
            body: Mutex::new(asked.body),
            ahead: Bytes::new(),
            meeting: asked.meeting,
            hidden: Vec::new(),
        };
        let operation = resolved.route.operation;
        match call.api.director.clone() {
            None => dispatch(operation, call).await,
            // Boxed, so that requests outside of rehearsals do not carry its weight.
            Some(director) => {
                Box::pin(rehearse(&*director, operation, call, is_housed, seen)).await
            }
        }
    }

    /// Refuses a caller who asks too often. Routes that need no permission are not counted: a batch
    /// is counted by its parts.
    fn throttle(
        &self,
        caller: &Caller,
        route: &router::Route,
        context: &RequestContext,
    ) -> Result<(), ApiError> {
        let (Some(throttle), Access::Needs(_)) = (&self.throttle, route.access) else {
            return Ok(());
        };
        let application = caller.application.as_deref();
        throttle.admit(
            caller.tenant,
            application,
            &route.method,
            context.received_at,
        )
    }

    async fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Caller>, ApiError> {
        let authorization = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        Ok(self.verifier.verify(authorization).await?)
    }
}

impl Development {
    async fn ask_authority(&self, request: Request<Body>, scheme: Scheme) -> Response {
        let secure = self.secure_authority.as_ref();
        let secure = secure.filter(|_| scheme == Scheme::Https);
        let authority = secure.unwrap_or(&self.authority).clone();
        match authority.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Does an operation as the director wants it done.
async fn rehearse(
    director: &dyn Director,
    operation: Operation,
    mut call: Call,
    is_housed: bool,
    seen: &mut Seen,
) -> Result<Response, ApiError> {
    call.read_ahead().await?;
    let mut cue = Cue::default();
    if let Some(told) = &mut seen.told {
        told.operation = Some(operation);
        told.keys.clone_from(&call.keys);
        told.body = call.ahead.clone();
        cue = director.direct(told).await;
    }
    if let Some(wait) = cue.wait {
        tokio::time::sleep(wait).await;
    }
    // Only now: who waits does not keep a world from being replaced.
    if !is_housed {
        let home = director.home(call.caller.tenant).await;
        call.home = home.map_err(|NoHome| AuthError::InvalidTenant)?;
    }
    let (context, behavior) = (Arc::clone(&call.context), call.behavior());
    call.hidden = director.hidden(call.caller.tenant);
    let veil = devices::veil::over(operation, &call);
    let mut response = match cue.instead {
        Some(scripted) => scripted.into_response(&context, behavior),
        None if cue.break_off == Some(BreakOff::Before) => call::empty(StatusCode::OK),
        None => {
            let done = match &veil {
                Some(veil) if veil.covers_key => Err(call.absent()),
                _ => dispatch(operation, call).await,
            };
            done.unwrap_or_else(|error| error.render(&context, behavior))
        }
    };
    if let Some(how) = cue.break_off {
        response.extensions_mut().insert(how);
    }
    if let Some(explanation) = &cue.explanation {
        rehearsed::explain(&mut response, explanation);
    }
    if let Some(veil) = veil {
        rehearsed::explain(&mut response, &veil.explanation);
    }
    Ok(response)
}

/// Begins an operation. Each is boxed: the largest would be part of every request.
fn dispatch(operation: Operation, call: Call) -> BoxFuture<'static, Result<Response, ApiError>> {
    match operation {
        // Alone, these come before the caller is known; in a batch they come here.
        Operation::ServiceDocument => {
            ready(metadata::service_document(&Question::of(&call))).boxed()
        }
        Operation::Metadata => ready(metadata::metadata(&Question::of(&call))).boxed(),
        Operation::OpenApi => ready(metadata::openapi(&Question::of(&call))).boxed(),
        Operation::Batch => batch::batch(call).boxed(),
        Operation::ListImports => imports::list::list(call).boxed(),
        Operation::CountImports => imports::count::count(call).boxed(),
        Operation::CreateImport => imports::create::create(call).boxed(),
        Operation::CreateImports => imports::create_many::create_many(call).boxed(),
        Operation::GetImport => imports::get::get(call).boxed(),
        Operation::UpdateImport => imports::update::update(call).boxed(),
        Operation::DeleteImport => imports::delete::delete(call).boxed(),
        Operation::ListUploads => uploads::list::list(call).boxed(),
        Operation::CountUploads => uploads::count::count(call).boxed(),
        Operation::CreateUpload => uploads::create::create(call).boxed(),
        Operation::GetUpload => uploads::get::get(call).boxed(),
        Operation::UpdateUpload => uploads::update::update(call).boxed(),
        Operation::DeleteUpload => uploads::delete::delete(call).boxed(),
        Operation::ListUploadImports => uploads::imports::list(call).boxed(),
        Operation::CountUploadImports => uploads::imports::count(call).boxed(),
        Operation::CreateUploadImport => uploads::imports::create(call).boxed(),
        Operation::CreateUploadImports => uploads::imports::create_many(call).boxed(),
        Operation::GetUploadImport => within_upload(call, imports::get::get).boxed(),
        Operation::UpdateUploadImport => within_upload(call, imports::update::update).boxed(),
        Operation::DeleteUploadImport => within_upload(call, imports::delete::delete).boxed(),
        Operation::ListDevices => devices::list::list(call).boxed(),
        Operation::CountDevices => devices::count::count(call).boxed(),
        Operation::GetDevice => devices::get::get(call).boxed(),
        Operation::CreateDevice => devices::create::create(call).boxed(),
        Operation::UpdateDevice => devices::update::update(call).boxed(),
        Operation::DeleteDevice => devices::delete::delete(call).boxed(),
        Operation::DeleteDevices => devices::delete_many::delete_many(call).boxed(),
        Operation::AssignUser => devices::assign_user::assign_user(call).boxed(),
        Operation::UnassignUser => devices::unassign_user::unassign_user(call).boxed(),
        Operation::UpdateDeviceProperties => {
            devices::update_properties::update_properties(call).boxed()
        }
        Operation::AssignResourceAccount => {
            devices::assign_resource_account::assign_resource_account(call).boxed()
        }
        Operation::UnassignResourceAccount => {
            devices::unassign_resource_account::unassign_resource_account(call).boxed()
        }
        Operation::AllowNextEnrollment => {
            devices::allow_next_enrollment::allow_next_enrollment(call).boxed()
        }
        Operation::ListProfiles => profiles::list::list(call).boxed(),
        Operation::CreateProfile => profiles::create::create(call).boxed(),
        Operation::HasPayloadLinks => profiles::payload_links::payload_links(call).boxed(),
        Operation::GetProfile => profiles::get::get(call).boxed(),
        Operation::UpdateProfile => profiles::update::update(call).boxed(),
        Operation::DeleteProfile => profiles::delete::delete(call).boxed(),
        Operation::AssignProfile => profiles::assign::assign(call).boxed(),
        Operation::ListAssignedDevices => {
            profiles::assigned_devices::assigned_devices(call).boxed()
        }
        Operation::ListAssignments => profiles::assignments::list::list(call).boxed(),
        Operation::CreateAssignment => profiles::assignments::create::create(call).boxed(),
        Operation::GetAssignment => profiles::assignments::get::get(call).boxed(),
        Operation::UpdateAssignment => profiles::assignments::update::update(call).boxed(),
        Operation::DeleteAssignment => profiles::assignments::delete::delete(call).boxed(),
        Operation::GetSettings => settings::get::get(call).boxed(),
        Operation::UpdateSettings => settings::update::update(call).boxed(),
        Operation::Sync => settings::sync::sync(call).boxed(),
        Operation::ListEvents => ready(events::list(&call)).boxed(),
    }
}

/// Does to an import what the path asks through its upload.
async fn within_upload<Answered>(
    call: Call,
    operation: impl Fn(Call) -> Answered,
) -> Result<Response, ApiError>
where
    Answered: Future<Output = Result<Response, ApiError>>,
{
    operation(uploads::imports::enter(call).await?).await
}
