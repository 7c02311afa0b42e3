//! What holds for every operation: paths, headers, errors, query options, pages.

mod addresses;
mod etags;
mod headers;
mod options;
mod paging;
mod paging_walk;
mod paths;
mod queries;
mod tokens;
