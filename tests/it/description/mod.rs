//! What the API says of itself, and whether that is true.

mod metadata;
mod openapi;
