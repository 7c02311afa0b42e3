//! The `OData` query language as Microsoft Graph speaks it: `$filter`, `$orderby`, `$select` and
//! `$expand` read into trees that are typed and bound to the application's own fields.
//!
//! Reading takes a [`Vocabulary`], which binds a path on the wire to a field and its kind. The tree
//! that comes out has no names to look up and no kinds to check.

#![deny(clippy::indexing_slicing)]

mod kind;
mod selection;
mod tree;
mod vocabulary;

pub use kind::{EnumType, Kind, Literal, Value};
pub use selection::{Expand, ExpandItem, Select, Unread};
pub use tree::{Comparison, Condition, Direction, InstantPart, Operand, Order, OrderKey, TextTest};
pub use vocabulary::{Multiplicity, Navigation, Property, Shape, Vocabulary};
