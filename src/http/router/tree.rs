//! The routes of a version as a tree of their segments: what a request's path is looked up in.

use http::Method;

use super::{Resolved, Route, Segment};
use crate::{graph::version::Version, http::error::ApiError};

/// What may follow on a path, and what is there if nothing does.
#[derive(Default)]
pub(super) struct Tree {
    names: Vec<(&'static str, Tree)>,
    key: Option<Box<Tree>>,
    routes: Vec<&'static Route>,
}

impl Tree {
    /// The tree of those routes that this version has.
    pub(super) fn new(routes: &'static [Route], version: Version) -> Self {
        let mut root = Self::default();
        for route in routes {
            if route.versions.include(version) {
                let place = route.segments().fold(&mut root, Self::grow);
                place.routes.push(route);
            }
        }
        root
    }

    fn grow(&mut self, segment: &'static str) -> &mut Self {
        if segment.starts_with('{') {
            return self.key.get_or_insert_default();
        }
        let known = self.names.iter().position(|(name, _)| *name == segment);
        let at = known.unwrap_or_else(|| {
            self.names.push((segment, Self::default()));
            self.names.len() - 1
        });
        &mut self.names[at].1
    }

    /// Finds the route of these segments. A name is preferred to a key.
    pub(super) fn resolve(
        &self,
        method: &Method,
        segments: &[Segment<'_>],
    ) -> Result<Resolved, ApiError> {
        let mut place = self;
        let mut keys = Vec::new();
        for segment in segments {
            let named = place.names.iter().find(|(name, _)| segment.is_named(name));
            let next = named.map(|(_, next)| next);
            if next.is_none() {
                keys.push(segment.text().to_owned());
            }
            place = next
                .or(place.key.as_deref())
                .ok_or_else(|| ApiError::unknown_segment(segment.text()))?;
        }
        if place.routes.is_empty() {
            let last = segments.last().map_or("", Segment::text);
            return Err(ApiError::unknown_segment(last));
        }
        let mut routes = place.routes.iter();
        match routes.find(|route| route.method == method) {
            Some(route) => Ok(Resolved { route, keys }),
            None => Err(ApiError::no_method()),
        }
    }
}
