//! What a collection or an entity is asked, read with the vocabulary of its type.
//!
//! The language itself is in the crate `odata`, the names and plain values of options in `query`,
//! what is asked within an expansion in `nested`.

use odata::{
    Condition, Expand, Order, Select, Shape, SyntaxError, Vocabulary, parse_expand, parse_filter,
    parse_order, parse_select,
};

use super::{
    query::{PageOptions, SystemOption, read_options},
    version::Version,
    wire_error::{Problem, WireError},
};

/// What a list is asked for.
#[derive(Clone, Debug)]
pub struct ListQuery<F> {
    /// Which part of it.
    pub page: PageOptions,
    /// `$filter`: which rows; absent, all.
    pub filter: Option<Condition<F>>,
    /// `$orderby`: in which order, if one is named.
    pub order: Option<Order<F>>,
    /// What is shown of each row.
    pub shown: Shown,
}

/// What an answer shows of an entity.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// `$select`: these properties; absent, all.
    pub select: Option<Select>,
    /// `$expand`: what stands within.
    pub expand: Expand,
}

impl<F> ListQuery<F> {
    /// What the list's pages have in common, in one text for one meaning: a later page is a page of
    /// no other question.
    pub fn question(&self) -> String {
        let filter = self.filter.as_ref();
        let filter = filter.map(|filter| format!("filter {filter}"));
        let order = self.order.as_ref().map(|order| format!("order {order}"));
        format!(
            "{}\n{}",
            filter.unwrap_or_default(),
            order.unwrap_or_default()
        )
    }
}

impl<F> Default for ListQuery<F> {
    /// Asks for all.
    fn default() -> Self {
        Self {
            page: PageOptions::default(),
            filter: None,
            order: None,
            shown: Shown::default(),
        }
    }
}

/// Reads what a list is asked, of which it does not take the `refused` options.
pub fn read_list_query<F: Copy + PartialEq>(
    query: Option<&str>,
    version: Version,
    vocabulary: &Vocabulary<F>,
    refused: &[&str],
) -> Result<ListQuery<F>, WireError> {
    let options = read_options(query, version)?;
    let mut list = ListQuery::default();
    for option in &options.system {
        match option.name.as_str() {
            name if refused.contains(&name) => return Err(option.not_offered()),
            "$filter" => list.filter = Some(read_filter(option, &options.aliases(), vocabulary)?),
            "$orderby" => {
                let order = parse_order(&option.value, vocabulary);
                list.order = Some(order.map_err(|error| not_understood("$orderby", error))?);
            }
            _ if list.page.take(option)? => {}
            _ => list.shown.take(option, vocabulary.shape())?,
        }
    }
    Ok(list)
}

/// Reads what is asked of the answer to `/$count`: which rows are counted.
pub fn read_count_query<F: Copy>(
    query: Option<&str>,
    version: Version,
    vocabulary: &Vocabulary<F>,
) -> Result<Option<Condition<F>>, WireError> {
    let options = read_options(query, version)?;
    let mut filter = None;
    for option in &options.system {
        match option.name.as_str() {
            "$filter" => filter = Some(read_filter(option, &options.aliases(), vocabulary)?),
            _ => return Err(option.not_offered()),
        }
    }
    Ok(filter)
}

/// Reads what is asked of a single entity.
pub fn read_entity_query(
    query: Option<&str>,
    version: Version,
    shape: &Shape,
) -> Result<Shown, WireError> {
    let mut shown = Shown::default();
    for option in &read_options(query, version)?.system {
        shown.take(option, shape)?;
    }
    Ok(shown)
}

impl Shown {
    /// Takes an option that says what is shown. Others are not offered.
    fn take(&mut self, option: &SystemOption<'_>, shape: &Shape) -> Result<(), WireError> {
        match option.name.as_str() {
            "$select" => {
                let select = parse_select(&option.value, shape);
                self.select = Some(select.map_err(|error| not_understood("$select", error))?);
            }
            "$expand" => {
                self.expand = parse_expand(&option.value, shape)
                    .map_err(|error| not_understood("$expand", error))?;
            }
            _ => return Err(option.not_offered()),
        }
        Ok(())
    }
}

fn read_filter<F: Copy>(
    option: &SystemOption<'_>,
    aliases: &[(&str, &str)],
    vocabulary: &Vocabulary<F>,
) -> Result<Condition<F>, WireError> {
    parse_filter(&option.value, vocabulary, aliases)
        .map_err(|error| not_understood("$filter", error))
}

pub(super) fn not_understood(option: &'static str, error: SyntaxError) -> WireError {
    WireError::new(Problem::NotUnderstood { option, error })
}
