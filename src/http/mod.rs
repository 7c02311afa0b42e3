//! From request to answer: the only room that knows status codes and headers.
//!
//! The rules are in `domain`, the wire's spelling in `graph`, keeping things in `store`. Nothing is
//! decided here that the registrar decides, and nothing here starts a task, apart from the
//! server's one task per connection.

pub mod admin;
pub mod api;
pub mod auth;
pub mod batch;
pub mod call;
pub mod devices;
pub mod error;
pub mod events;
pub mod extract;
pub mod imports;
pub mod layers;
pub mod listing;
pub mod metadata;
pub mod nested;
pub mod pages;
pub mod profiles;
pub mod rehearsed;
pub mod router;
pub mod server;
pub mod settings;
pub mod short_list;
pub mod uploads;
