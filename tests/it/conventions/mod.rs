//! What holds for every operation: paths, headers, errors, query options, pages.

mod addresses;
mod etags;
mod etags_of_beta;
mod headers;
mod options;
mod paging;
mod paging_walk;
mod paths;
mod queries;
mod tokens;
