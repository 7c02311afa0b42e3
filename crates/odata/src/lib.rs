//! The `OData` query language as Microsoft Graph speaks it: `$filter`, `$orderby`, `$select` and
//! `$expand` read into trees that are typed and bound to the application's own fields.
//!
//! Reading takes a [`Vocabulary`], which binds a path on the wire to a field and its kind. The tree
//! that comes out has no names to look up and no kinds to check.

#![deny(clippy::indexing_slicing)]

mod cursor;
mod error;
mod evaluate;
mod expand;
mod expression;
mod filter;
mod function;
pub mod fuzzing;
mod kind;
mod leaf;
mod limits;
mod literal;
mod operator;
mod order;
mod path;
mod print;
mod quoted;
mod select;
mod selection;
mod suggestion;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod tree;
mod vocabulary;

pub use error::{Found, Problem, SyntaxError};
pub use evaluate::{evaluate, matches};
pub use expand::parse_expand;
pub use filter::parse_filter;
pub use kind::{EnumType, Kind, Literal, Value};
pub use limits::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
pub use order::parse_order;
pub use select::parse_select;
pub use selection::{Expand, ExpandItem, NestedOption, Select, Unread};
pub use tree::{Comparison, Condition, Direction, InstantPart, Operand, Order, OrderKey, TextTest};
pub use vocabulary::{Multiplicity, Navigation, Property, Shape, Vocabulary};

/// Lets the documentation tests run the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
