//! The vocabulary that a query is read with: which paths there are, of which kind, and what may be
//! done with them. The application fills it once from its own table of properties.

use crate::kind::Kind;

/// The properties of one entity type, each bound to the application's own field.
///
/// ```
/// use odata::{Kind, Property, Vocabulary};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Field {
///     Serial,
///     Code,
/// }
///
/// let vocabulary = Vocabulary::new("example.device")
///     .complex("state", "example.deviceState")
///     .property(Property::new("serialNumber", Field::Serial, Kind::String))
///     .property(Property::new("state/code", Field::Code, Kind::Integer));
/// assert_eq!(vocabulary.get("state/code").unwrap().field, Field::Code);
/// ```
#[derive(Clone, Debug)]
pub struct Vocabulary<F> {
    shape: Shape,
    properties: Vec<Property<F>>,
}

/// A property that a query may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<F> {
    /// Its name on the wire; within a complex property a path: `state/deviceImportStatus`.
    pub path: &'static str,
    /// What the application calls it. Two paths may share a field.
    pub field: F,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether `$filter` may name it.
    pub filterable: bool,
    /// Whether `$orderby` may name it.
    pub sortable: bool,
}

/// The names of an entity type, without what stands behind them: what `$select` and `$expand` need.
#[derive(Clone, Debug)]
pub struct Shape {
    type_name: &'static str,
    values: Vec<&'static str>,
    complexes: Vec<(&'static str, &'static str)>,
    navigations: Vec<Navigation>,
}

/// A property that leads to other entities.
#[derive(Clone, Copy, Debug)]
pub struct Navigation {
    /// Its name on the wire.
    pub name: &'static str,
    /// How many entities it may lead to.
    pub multiplicity: Multiplicity,
    /// The names of those entities. A function, as types may lead to each other in a circle.
    pub target: fn() -> &'static Shape,
}

/// How many entities a navigation property leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplicity {
    /// One or none: `$filter`, `$orderby`, `$top`, `$skip` and `$count` are refused within it.
    One,
    /// A collection.
    Many,
}

impl<F> Property<F> {
    /// A nullable property that may be filtered and ordered by, unless it is opaque.
    pub fn new(path: &'static str, field: F, kind: Kind) -> Self {
        let comparable = kind != Kind::Opaque;
        Self {
            path,
            field,
            kind,
            nullable: true,
            filterable: comparable,
            sortable: comparable,
        }
    }

    /// The same property, never null.
    #[must_use]
    pub fn required(self) -> Self {
        Self {
            nullable: false,
            ..self
        }
    }

    /// The same property, which may neither be filtered nor ordered by.
    #[must_use]
    pub fn only_selectable(self) -> Self {
        Self {
            filterable: false,
            sortable: false,
            ..self
        }
    }
}

impl<F> Vocabulary<F> {
    /// A type of this qualified name, without properties yet.
    pub fn new(type_name: &'static str) -> Self {
        Self {
            shape: Shape::new(type_name),
            properties: Vec::new(),
        }
    }

    /// Adds a property.
    #[must_use]
    pub fn property(mut self, property: Property<F>) -> Self {
        self.shape.values.push(property.path);
        self.properties.push(property);
        self
    }

    /// Adds a complex property. Those within it are added by their paths.
    #[must_use]
    pub fn complex(mut self, path: &'static str, type_name: &'static str) -> Self {
        self.shape = self.shape.complex(path, type_name);
        self
    }

    /// Adds a navigation property.
    #[must_use]
    pub fn navigation(mut self, navigation: Navigation) -> Self {
        self.shape = self.shape.navigation(navigation);
        self
    }

    /// The names alone.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The property at a path.
    pub fn get(&self, path: &str) -> Option<&Property<F>> {
        self.properties
            .iter()
            .find(|property| property.path == path)
    }

    /// The properties, in the order in which they were added.
    pub fn properties(&self) -> &[Property<F>] {
        &self.properties
    }
}

impl Shape {
    /// A type of this qualified name, without properties yet. For types that are only expanded;
    /// others have theirs from [`Vocabulary::shape`].
    pub fn new(type_name: &'static str) -> Self {
        Self {
            type_name,
            values: Vec::new(),
            complexes: Vec::new(),
            navigations: Vec::new(),
        }
    }

    /// The qualified name of the type.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// The paths of the single values.
    pub(crate) fn values(&self) -> &[&'static str] {
        &self.values
    }

    /// The paths of the complex properties, each with its type's name.
    pub(crate) fn complexes(&self) -> &[(&'static str, &'static str)] {
        &self.complexes
    }

    /// The navigation properties.
    pub(crate) fn navigations(&self) -> &[Navigation] {
        &self.navigations
    }

    /// Adds a property by its path.
    #[must_use]
    pub fn value(mut self, path: &'static str) -> Self {
        self.values.push(path);
        self
    }

    /// Adds a complex property.
    #[must_use]
    pub fn complex(mut self, path: &'static str, type_name: &'static str) -> Self {
        self.complexes.push((path, type_name));
        self
    }

    /// Adds a navigation property.
    #[must_use]
    pub fn navigation(mut self, navigation: Navigation) -> Self {
        self.navigations.push(navigation);
        self
    }
}
