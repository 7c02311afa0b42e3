//! How much of a query is read. What is over a limit is an error, found before it costs anything.

/// How many bytes of UTF-8 the text of one option may have.
pub const MAX_BYTES: usize = 8 * 1024;

/// How deep parentheses, `not`, functions and expansions may stand within each other.
pub const MAX_DEPTH: usize = 100;

/// How many conditions, operands and list items a filter may have.
pub const MAX_NODES: usize = 200;
