//! A version's types, enumerations and actions, without the fields behind them: what every
//! description is made of. Only what a version's paths can come to is in it.

use std::{collections::BTreeSet, sync::LazyLock};

use odata::EnumType;

use crate::graph::{
    action::{ACTIONS, Action, TypeReference},
    enumeration::ENUMERATIONS,
    navigation::{Navigation, navigation_from},
    schema::{
        ACTIVE_DIRECTORY_PROFILE, ALL_DEVICES_TARGET, ASSIGNMENT, AZURE_AD_PROFILE, Content,
        DELETED_DEVICE, DEVICE, DEVICE_MANAGEMENT, ENTITY, EVENT, EXCLUSION_TARGET, GROUP_TARGET,
        IMPORT, PAYLOAD_LINK, PROFILE, SETTINGS, StructuredType, TARGET, UPLOAD,
    },
    version::Version,
};

/// What there is in a version.
#[derive(Debug)]
pub struct Model {
    /// Which one.
    pub version: Version,
    /// Entities and complex types.
    pub types: Vec<Type>,
    /// Enumerations.
    pub enumerations: Vec<&'static EnumType>,
    /// Actions.
    pub actions: Vec<&'static Action>,
}

/// A type.
#[derive(Debug)]
pub struct Type {
    /// The qualified name.
    pub name: &'static str,
    /// The qualified name of the type that it is derived from.
    pub base: Option<&'static str>,
    /// Whether there are no objects of just this type.
    pub is_abstract: bool,
    /// Whether objects of it have a key.
    pub is_entity: bool,
    /// Its own properties.
    pub properties: Vec<Described>,
    /// Its own navigation properties.
    pub navigation: Vec<&'static Navigation>,
}

/// A property.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// The name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: TypeReference,
    /// Whether it may be null; of a collection, whether its items may.
    pub nullable: bool,
}

/// The name of the key.
pub const KEY: &str = "id";

const ABSTRACT: [&str; 3] = [ENTITY.name, PROFILE.name, TARGET.name];

impl Model {
    /// The model of a version, made once.
    pub fn of(version: Version) -> &'static Self {
        static MODELS: LazyLock<[Model; 2]> =
            LazyLock::new(|| [Version::Beta, Version::V1].map(Model::make));
        let [beta, v1] = &*MODELS;
        match version {
            Version::Beta => beta,
            Version::V1 => v1,
        }
    }

    /// The type of this qualified name.
    pub fn find(&self, name: &str) -> Option<&Type> {
        self.types.iter().find(|kind| kind.name == name)
    }

    /// The types that are derived from the one of this name.
    pub fn derived_from(&self, name: &str) -> impl Iterator<Item = &Type> {
        let name = name.to_owned();
        let types = self.types.iter();
        types.filter(move |kind| kind.base.is_some_and(|base| base == name))
    }

    fn make(version: Version) -> Self {
        let mut model = Self {
            version,
            types: every_type(version),
            enumerations: ENUMERATIONS.to_vec(),
            actions: Vec::from(ACTIONS),
        };
        let met = model.reachable();
        model.types.retain(|kind| met.contains(kind.name));
        model.enumerations.retain(|kind| met.contains(kind.name));
        model.actions.retain(|action| {
            action.versions.include(version) && met.contains(action.bound_to.name)
        });
        model
    }

    /// The names of all that one can come to from the container.
    fn reachable(&self) -> BTreeSet<&'static str> {
        let mut met = BTreeSet::new();
        let mut waiting = vec![DEVICE_MANAGEMENT.name];
        while let Some(name) = waiting.pop() {
            if !met.insert(name) {
                continue;
            }
            let Some(kind) = self.find(name) else {
                continue;
            };
            waiting.extend(kind.base);
            waiting.extend(kind.properties.iter().map(|property| property.kind.name));
            waiting.extend(kind.navigation.iter().map(|way| way.to.name));
            // Everything with a key is an entity: that leads nowhere.
            if name != ENTITY.name {
                waiting.extend(self.derived_from(name).map(|derived| derived.name));
            }
            let known = |action: &&&Action| action.versions.include(self.version);
            let bound = self.actions.iter().filter(known);
            for action in bound.filter(|action| action.bound_to.name == name) {
                let parameters = action.parameters_in(self.version);
                waiting.extend(parameters.map(|parameter| parameter.kind.name));
                waiting.extend(action.returns.map(|returned| returned.name));
            }
        }
        met
    }
}

fn every_type(version: Version) -> Vec<Type> {
    let mut types = Vec::new();
    add(&mut types, &ENTITY, version);
    add(&mut types, &DEVICE_MANAGEMENT, version);
    add(&mut types, &IMPORT, version);
    add(&mut types, &UPLOAD, version);
    add(&mut types, &DEVICE, version);
    add(&mut types, &DELETED_DEVICE, version);
    add(&mut types, &PROFILE, version);
    add(&mut types, &AZURE_AD_PROFILE, version);
    add(&mut types, &ACTIVE_DIRECTORY_PROFILE, version);
    add(&mut types, &ASSIGNMENT, version);
    add(&mut types, &TARGET, version);
    add(&mut types, &ALL_DEVICES_TARGET, version);
    add(&mut types, &GROUP_TARGET, version);
    // Graph derives it from the group's target, whose property it has.
    let exclusion = Type {
        base: Some(GROUP_TARGET.name),
        properties: Vec::new(),
        ..describe(&EXCLUSION_TARGET, version)
    };
    types.push(exclusion);
    add(&mut types, &PAYLOAD_LINK, version);
    add(&mut types, &SETTINGS, version);
    add(&mut types, &EVENT, version);
    types
}

/// Adds a type, and the complex types within it.
fn add<F>(types: &mut Vec<Type>, kind: &'static StructuredType<F>, version: Version) {
    if types.iter().any(|known| known.name == kind.name) {
        return;
    }
    types.push(describe(kind, version));
    for property in kind.properties {
        if let Content::Complex(inner) | Content::Optional(inner, _) = &property.content {
            add(types, inner, version);
        }
    }
}

fn describe<F>(kind: &'static StructuredType<F>, version: Version) -> Type {
    let has_key = |kind: &StructuredType<F>| kind.properties.iter().any(|own| own.name == KEY);
    let base = kind.base.map(|base| base.name);
    let is_entity = has_key(kind) || kind.base.is_some_and(has_key);
    let mut properties: Vec<_> = kind
        .properties
        .iter()
        .filter(|property| property.versions.include(version))
        .map(|property| {
            let (name, many) = match &property.content {
                Content::Value(edm, _) => (edm.name(), false),
                Content::Collection(edm, _) => (edm.name(), true),
                Content::Complex(inner) | Content::Optional(inner, _) => (inner.name, false),
            };
            Described {
                name: property.name,
                kind: TypeReference { name, many },
                // Whatever the collection may be, its items are values.
                nullable: property.nullable && !many,
            }
        })
        .collect();
    let is_root = kind.name == ENTITY.name;
    if is_entity && !is_root {
        // The key is the entity's.
        properties.retain(|property| property.name != KEY);
    }
    Type {
        name: kind.name,
        base: base.or((is_entity && !is_root).then_some(ENTITY.name)),
        is_abstract: ABSTRACT.contains(&kind.name),
        is_entity,
        properties,
        navigation: navigation_from(kind.name, version).collect(),
    }
}
