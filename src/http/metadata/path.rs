//! Where the path of a route leads, by the tables of navigation and actions, and Graph's names for
//! it.

use crate::graph::{
    action::{ACTIONS, Action, NAMESPACE, TypeReference, short_name},
    metadata::root,
    navigation::{Navigation, navigation_from},
    schema::DEVICE_MANAGEMENT,
    version::Version,
};
use crate::http::router::Route;

/// What a path leads to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    /// An entity, or all of a collection.
    Entities(TypeReference),
    /// The number of these.
    Count,
    /// An action.
    Action(&'static Action),
    /// What has no place in the model, as `$metadata` and `$batch`.
    Other,
}

/// A path, understood.
#[derive(Debug)]
pub(super) struct Way {
    /// What it leads to.
    pub(super) target: Target,
    /// The path with Graph's names of the keys.
    pub(super) template: String,
    /// Those names, each with the name of the type whose key it is.
    pub(super) keys: Vec<(String, &'static str)>,
    /// The navigation properties that it follows.
    steps: Vec<&'static Navigation>,
}

impl Way {
    /// Follows a route; none if a segment of it leads nowhere.
    pub(super) fn of(route: &Route, version: Version) -> Option<Self> {
        let mut way = Self {
            target: Target::Other,
            template: String::new(),
            keys: Vec::new(),
            steps: Vec::new(),
        };
        let mut segments = route.segments();
        let first = segments.next().unwrap_or_default();
        way.template = format!("/{first}");
        if first != root() {
            return segments.next().is_none().then_some(way);
        }
        way.target = Target::Entities(TypeReference::one(DEVICE_MANAGEMENT.name));
        for segment in segments {
            way.follow(segment, version)?;
        }
        Some(way)
    }

    fn follow(&mut self, segment: &'static str, version: Version) -> Option<()> {
        let Target::Entities(here) = self.target else {
            return None;
        };
        let mut written = segment.to_owned();
        self.target = if segment.starts_with('{') && here.many {
            let key = format!("{}-id", short_name(here.name));
            written = format!("{{{key}}}");
            self.keys.push((key, here.name));
            Target::Entities(TypeReference::one(here.name))
        } else if segment == "$count" && here.many {
            Target::Count
        } else if let Some(step) = step(here, segment, version) {
            self.steps.push(step);
            Target::Entities(step.to)
        } else {
            let found = ACTIONS.iter().find(|action| {
                let fits = action.bound_to == here && action.versions.include(version);
                fits && action.short_name() == segment
            });
            written = format!("{NAMESPACE}.{segment}");
            Target::Action(found?)
        };
        self.template.push('/');
        self.template.push_str(&written);
        Some(())
    }

    /// Graph's name of an operation: `deviceManagement_ListWindowsAutopilotDeviceIdentity`.
    pub(super) fn operation_id(&self, route: &Route) -> String {
        let mut names: Vec<_> = self.steps.iter().map(|step| singular(step.name)).collect();
        let what = match self.target {
            Target::Count => "GetCount".to_owned(),
            Target::Action(action) => action.short_name().to_owned(),
            Target::Other => return format!("root_{:?}", route.operation),
            Target::Entities(reference) => {
                let last = names.pop().unwrap_or_default();
                let verb = match route.method.as_str() {
                    "GET" if reference.many => "List",
                    "GET" => "Get",
                    "POST" => "Create",
                    "PATCH" => "Update",
                    _ => "Delete",
                };
                format!("{verb}{}", capitalised(&last))
            }
        };
        names.insert(0, root().to_owned());
        format!("{}_{what}", names.join("."))
    }
}

fn step(here: TypeReference, name: &str, version: Version) -> Option<&'static Navigation> {
    let mut ways = navigation_from(here.name, version);
    ways.find(|way| !here.many && way.name == name)
}

fn singular(name: &str) -> String {
    match (name.strip_suffix("ies"), name.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) => stem.to_owned(),
        (None, None) => name.to_owned(),
    }
}

fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + characters.as_str(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::router::ROUTES;

    const VERSIONS: [Version; 2] = [Version::Beta, Version::V1];

    #[test]
    fn every_route_leads_somewhere_by_the_tables() {
        for version in VERSIONS {
            let known = |route: &&Route| route.versions.include(version);
            for route in ROUTES.iter().filter(known) {
                assert!(Way::of(route, version).is_some(), "{route:?}");
            }
        }
    }

    #[test]
    fn every_action_has_its_route_in_just_its_versions() {
        for action in ACTIONS {
            for version in VERSIONS {
                let known = ROUTES
                    .iter()
                    .filter(|route| route.versions.include(version));
                let mut ways = known.filter_map(|route| Way::of(route, version));
                let found = ways.any(|way| {
                    matches!(way.target, Target::Action(target) if target.name == action.name)
                });
                assert_eq!(found, action.versions.include(version), "{}", action.name);
            }
        }
    }

    #[test]
    fn names_are_graphs_and_stand_once() {
        let names: Vec<_> = ROUTES
            .iter()
            .map(|route| Way::of(route, Version::Beta).unwrap().operation_id(route))
            .collect();
        for name in [
            "root_Metadata",
            "deviceManagement_ListImportedWindowsAutopilotDeviceIdentity",
            "deviceManagement_CreateImportedWindowsAutopilotDeviceIdentity",
            "deviceManagement.importedWindowsAutopilotDeviceIdentity_GetCount",
            "deviceManagement.importedWindowsAutopilotDeviceIdentity_import",
            "deviceManagement.windowsAutopilotDeviceIdentity_assignUserToDevice",
            "deviceManagement.windowsAutopilotDeploymentProfile_ListAssignment",
            "deviceManagement_GetWindowsAutopilotSetting",
        ] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len());
    }
}
