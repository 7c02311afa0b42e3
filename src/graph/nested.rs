//! What `$expand` asks of a collection that an entity leads to, read with the vocabulary of its
//! entities; and the query by which the collection's own address is asked the same.

use std::fmt::Write as _;

use odata::{Expand, ExpandItem, Select, SyntaxError, Vocabulary};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{
    list_query::{ListQuery, Shown, not_understood},
    query::{PageOptions, page_size_of, read_options},
    version::Version,
    wire_error::WireError,
};

const OPTION: &str = "$expand";

/// What a query string can't hold as it is, or means something else by.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Options that an expanded collection does not take, and what to do instead, as a sentence.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// The options.
    pub options: &'static [&'static str],
    /// The sentence.
    pub advice: &'static str,
}

impl Refused {
    /// It takes all.
    pub const NOTHING: Self = Self {
        options: &[],
        advice: "",
    };
}

/// Reads what an item of `$expand` asks of its collection. `query` is the query string that it
/// stands in, which has the parameter aliases.
pub fn read_nested<F: Copy + PartialEq>(
    item: &ExpandItem,
    query: Option<&str>,
    version: Version,
    vocabulary: &Vocabulary<F>,
    refused: Refused,
) -> Result<ListQuery<F>, WireError> {
    let fault = |error| not_understood(OPTION, error);
    for option in refused.options {
        item.refuse(option, refused.advice).map_err(fault)?;
    }
    let options = read_options(query, version)?;
    let filter = item.filter.as_ref();
    let filter = filter.map(|text| text.filter(vocabulary, &options.aliases()));
    let order = item.order.as_ref().map(|text| text.order(vocabulary));
    Ok(ListQuery {
        page: PageOptions {
            top: item.top.map(page_size_of),
            skip: item.skip,
            count: item.count,
            skip_token: None,
        },
        filter: filter.transpose().map_err(fault)?,
        order: order.transpose().map_err(fault)?,
        shown: shown_in(item),
    })
}

/// The error for an item of `$expand` that is not offered within this one.
pub fn refuse(item: &ExpandItem, within: &str, advice: &'static str) -> WireError {
    let what = format!("{} within {within}", item.name);
    not_understood(
        OPTION,
        SyntaxError::unsupported(item.position, what, advice),
    )
}

/// What an item of `$expand` shows of each entity that it leads to.
pub fn shown_in(item: &ExpandItem) -> Shown {
    Shown {
        select: item.select.clone(),
        expand: item.expand.clone(),
    }
}

/// The query string by which a collection's own address is asked what an item of `$expand` asks of
/// it, apart from what is passed over, which is behind the page that the item shows.
pub fn address_query(
    item: &ExpandItem,
    query: Option<&str>,
    version: Version,
) -> Result<String, WireError> {
    let mut link = String::new();
    for (name, value) in spelled_options(item) {
        if name != "$skip" {
            push(&mut link, name, &value);
        }
    }
    if is_filtered(item) {
        for (alias, value) in read_options(query, version)?.aliases() {
            push(&mut link, alias, value);
        }
    }
    Ok(link)
}

/// Whether anything in an item may name a parameter alias.
fn is_filtered(item: &ExpandItem) -> bool {
    item.filter.is_some() || item.expand.items.iter().any(is_filtered)
}

fn push(link: &mut String, name: &str, value: &str) {
    if !link.is_empty() {
        link.push('&');
    }
    let (name, value) = (escaped(name), escaped(value));
    // Writing into a `String` never fails.
    let _ = write!(link, "{name}={value}");
}

fn escaped(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, ESCAPED)
}

fn spelled_options(item: &ExpandItem) -> Vec<(&'static str, String)> {
    let mut options = Vec::new();
    options.extend(
        item.select
            .as_ref()
            .map(|select| ("$select", spelled_select(select))),
    );
    options.extend(
        item.filter
            .as_ref()
            .map(|filter| ("$filter", filter.text.clone())),
    );
    options.extend(
        item.order
            .as_ref()
            .map(|order| ("$orderby", order.text.clone())),
    );
    if !item.expand.items.is_empty() {
        options.push((OPTION, spelled_expand(&item.expand)));
    }
    options.extend(item.top.map(|top| ("$top", top.to_string())));
    options.extend((item.skip > 0).then(|| ("$skip", item.skip.to_string())));
    options.extend(item.count.then(|| ("$count", "true".to_owned())));
    options
}

fn spelled_select(select: &Select) -> String {
    let all = select.all.then_some("*");
    let names: Vec<_> = all
        .into_iter()
        .chain(select.paths.iter().copied())
        .collect();
    names.join(",")
}

fn spelled_expand(expand: &Expand) -> String {
    let items = expand.items.iter().map(|item| {
        let options = spelled_options(item).into_iter();
        let options: Vec<_> = options
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        match options.as_slice() {
            [] => item.name.to_owned(),
            options => format!("{}({})", item.name, options.join(";")),
        }
    });
    items.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use odata::parse_expand;

    use super::*;
    use crate::graph::{list_query::read_list_query, vocabulary};

    fn item(text: &str) -> ExpandItem {
        let shape = vocabulary::uploads(Version::Beta).shape();
        parse_expand(text, shape).unwrap().items.remove(0)
    }

    #[test]
    fn the_collections_own_address_is_asked_the_same() {
        let imports = vocabulary::imports(Version::Beta);
        let query = Some("$expand=x&@p='a%26b'&other=1");
        for text in [
            "deviceIdentities",
            "deviceIdentities($select=*,state/deviceErrorCode)",
            "deviceIdentities($filter=contains(serialNumber,'&+%#;') or groupTag eq @p;$top=7)",
            "deviceIdentities($orderby=state/deviceErrorCode desc , serialNumber;$count=true;$skip=3)",
        ] {
            let item = item(text);
            let read = |item: &ExpandItem| {
                read_nested(item, query, Version::Beta, imports, Refused::NOTHING).unwrap()
            };
            let nested = read(&item);
            let address = address_query(&item, query, Version::Beta).unwrap();
            let own = read_list_query(Some(&address), Version::Beta, imports, &[]).unwrap();
            assert_eq!(own.question(), nested.question(), "{address}");
            assert_eq!(own.shown.select, nested.shown.select, "{address}");
            let first = PageOptions {
                skip: 0,
                ..nested.page
            };
            assert_eq!(own.page, first, "{address}");
        }
        let page = item("deviceIdentities($top=5000)");
        let page = read_nested(&page, None, Version::Beta, imports, Refused::NOTHING).unwrap();
        assert_eq!(page.page.top, Some(1_000));
    }

    #[test]
    fn what_is_refused_within_is_refused_by_its_place() {
        let imports = vocabulary::imports(Version::Beta);
        let read = |text: &str, refused| {
            let read = read_nested(&item(text), None, Version::Beta, imports, refused);
            read.map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(
            read("deviceIdentities($filter=x eq 1)", Refused::NOTHING),
            Err("The query option '$expand' is not understood: Could not find a property named 'x' on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity' (at position 25).".to_owned())
        );
        let refused = Refused {
            options: &["$skip"],
            advice: "Ask elsewhere.",
        };
        assert_eq!(
            read("deviceIdentities($top=1;$skip=1)", refused),
            Err("The query option '$expand' is not understood: '$skip within deviceIdentities' is not supported here (at position 24). Ask elsewhere.".to_owned())
        );
        assert_eq!(read("deviceIdentities($top=1)", refused), Ok(()));
    }
}
