//! Which of `OData`'s query options an operation takes. Its handler reads them; a test asks every route
//! for each and sees that it is as it stands here.

use crate::{
    graph::{schema::EntitySet, version::Version},
    http::router::Operation,
};

/// An option that some operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryOption {
    /// Its name, with the dollar sign.
    pub name: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// What it holds.
    pub holds: Holds,
}

/// What an option holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A whole number, from 0.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A text.
    Text,
}

const FILTER: QueryOption = QueryOption {
    name: "$filter",
    meaning: "Which items are meant, as an expression: contains(serialNumber,'x').",
    holds: Holds::Text,
};
const ORDER_BY: QueryOption = QueryOption {
    name: "$orderby",
    meaning: "By which properties the items are sorted, each with desc behind it or not, separated by commas.",
    holds: Holds::Text,
};
const SELECT: QueryOption = QueryOption {
    name: "$select",
    meaning: "The properties to answer, separated by commas.",
    holds: Holds::Text,
};
const TOP: QueryOption = QueryOption {
    name: "$top",
    meaning: "The size of a page, at most 1,000. The others follow through @odata.nextLink.",
    holds: Holds::Number,
};
const SKIP: QueryOption = QueryOption {
    name: "$skip",
    meaning: "How many items the first page passes over.",
    holds: Holds::Number,
};
const COUNT: QueryOption = QueryOption {
    name: "$count",
    meaning: "Whether the answer says how many items there are in all.",
    holds: Holds::Boolean,
};
const SKIP_TOKEN: QueryOption = QueryOption {
    name: "$skiptoken",
    meaning: "Where a later page begins, as @odata.nextLink has it.",
    holds: Holds::Text,
};
const EXPAND: QueryOption = QueryOption {
    name: "$expand",
    meaning: "The navigation properties to answer along with the entity, separated by commas, each with options of its own in parentheses or without.",
    holds: Holds::Text,
};

/// The options that an operation takes in a version.
pub fn options(operation: Operation, version: Version) -> Vec<QueryOption> {
    // Graph takes no filter of profiles.
    const UNFILTERED: [QueryOption; 6] = [ORDER_BY, SELECT, TOP, SKIP, COUNT, SKIP_TOKEN];
    const QUERY: [QueryOption; 7] = [FILTER, ORDER_BY, SELECT, TOP, SKIP, COUNT, SKIP_TOKEN];
    let (own, set): (&[QueryOption], _) = match operation {
        Operation::ListImports | Operation::ListUploadImports => (&QUERY, Some(EntitySet::Imports)),
        Operation::ListDevices => (&QUERY, Some(EntitySet::Devices)),
        Operation::ListUploads => (&QUERY, Some(EntitySet::Uploads)),
        Operation::ListProfiles => (&UNFILTERED, Some(EntitySet::Profiles)),
        Operation::ListAssignments | Operation::ListEvents => (&QUERY, None),
        Operation::ListAssignedDevices => (&[SELECT, TOP, SKIP_TOKEN], Some(EntitySet::Devices)),
        Operation::CountImports
        | Operation::CountUploads
        | Operation::CountUploadImports
        | Operation::CountDevices => (&[FILTER], None),
        Operation::GetImport | Operation::GetUploadImport | Operation::GetAssignment => {
            (&[SELECT], None)
        }
        Operation::GetDevice => (&[SELECT], Some(EntitySet::Devices)),
        Operation::GetUpload => (&[SELECT], Some(EntitySet::Uploads)),
        Operation::GetProfile => (&[SELECT], Some(EntitySet::Profiles)),
        _ => (&[], None),
    };
    let expands = set.is_some_and(|set| !set.expandable(version).is_empty());
    let mut options = own.to_vec();
    options.extend(expands.then_some(EXPAND));
    options
}
