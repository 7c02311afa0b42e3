//! Collections on the wire: a page of entities, with its count and the link to the next.

use super::{
    behavior::Behavior,
    entity::{WriteContext, write_context, write_context_of},
    json_writer::{ObjectWriter, write_number, write_text},
    schema::EntitySet,
};

/// Writes a page. Each item writes itself; `count` is the whole collection's.
pub fn write_collection<I>(
    out: &mut Vec<u8>,
    context: &WriteContext<'_>,
    set: EntitySet,
    count: Option<u64>,
    next_link: Option<&str>,
    items: I,
) where
    I: IntoIterator<Item: FnOnce(&mut Vec<u8>)>,
{
    write_collection_in(out, context, set.name(), count, next_link, items);
}

/// Writes a page of a collection that stands anywhere below `deviceManagement`.
pub fn write_collection_in<I>(
    out: &mut Vec<u8>,
    context: &WriteContext<'_>,
    path: &str,
    count: Option<u64>,
    next_link: Option<&str>,
    items: I,
) where
    I: IntoIterator<Item: FnOnce(&mut Vec<u8>)>,
{
    let mut object = ObjectWriter::new(out);
    write_context(&mut object, path, "", context);
    if let Some(count) = count {
        write_number(object.key("@odata.count"), count);
    }
    if let Some(next_link) = next_link {
        object.text("@odata.nextLink", next_link);
    }
    write_items(object.key("value"), items);
    object.end();
}

/// A collection that an entity is shown with.
#[derive(Clone, Copy, Debug)]
pub struct Expanded<'a> {
    /// The navigation property.
    pub name: &'static str,
    /// Where what it leads to stands, below `deviceManagement`.
    pub path: &'a str,
    /// How many entities there are in all, where that was asked.
    pub count: Option<u64>,
    /// Where those are that are not shown.
    pub next_link: Option<&'a str>,
}

/// Writes a collection within an entity. What is shown of its items is in `context`.
pub(super) fn write_expanded<I>(
    object: &mut ObjectWriter<'_>,
    expanded: &Expanded<'_>,
    context: &WriteContext<'_>,
    items: I,
) where
    I: IntoIterator<Item: FnOnce(&mut Vec<u8>)>,
{
    let name = expanded.name;
    write_context_of(object, (name, expanded.path), "", context);
    if let Some(count) = expanded.count {
        write_number(object.annotation(name, "@odata.count"), count);
    }
    if let Some(link) = expanded.next_link {
        write_text(object.annotation(name, "@odata.nextLink"), link);
    }
    write_items(object.key(name), items);
}

fn write_items<I>(out: &mut Vec<u8>, items: I)
where
    I: IntoIterator<Item: FnOnce(&mut Vec<u8>)>,
{
    out.push(b'[');
    for (index, write_item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_item(out);
    }
    out.push(b']');
}

/// Whether a list is answered with its count although nobody asked: the live service does so for
/// devices.
pub fn counts_unasked(set: EntitySet, behavior: Behavior) -> bool {
    set == EntitySet::Devices && behavior == Behavior::Observed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{metadata_level::MetadataLevel, version::Version};

    fn written(
        level: MetadataLevel,
        count: Option<u64>,
        link: Option<&str>,
        items: &[&str],
    ) -> String {
        let context = WriteContext {
            base: "https://hangar.example",
            version: Version::Beta,
            level,
            behavior: Behavior::Documented,
            shown: None,
        };
        let mut out = Vec::new();
        let items = items
            .iter()
            .map(|item| |out: &mut Vec<u8>| out.extend_from_slice(item.as_bytes()));
        write_collection(&mut out, &context, EntitySet::Imports, count, link, items);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_page_has_what_it_is_given() {
        insta::assert_snapshot!(
            written(MetadataLevel::Minimal, Some(3), Some("https://hangar.example/x?$skiptoken=a"), &["{}", "{\"id\":1}"]),
            @r#"{"@odata.context":"https://hangar.example/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","@odata.count":3,"@odata.nextLink":"https://hangar.example/x?$skiptoken=a","value":[{},{"id":1}]}"#
        );
        insta::assert_snapshot!(
            written(MetadataLevel::Full, None, None, &[]),
            @r#"{"@odata.context":"https://hangar.example/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","value":[]}"#
        );
        insta::assert_snapshot!(
            written(MetadataLevel::None, Some(0), Some("https://hangar.example/x"), &[]),
            @r#"{"@odata.count":0,"@odata.nextLink":"https://hangar.example/x","value":[]}"#
        );
    }

    #[test]
    fn only_the_live_service_counts_unasked_and_only_devices() {
        assert!(counts_unasked(EntitySet::Devices, Behavior::Observed));
        assert!(!counts_unasked(EntitySet::Imports, Behavior::Observed));
        assert!(!counts_unasked(EntitySet::Devices, Behavior::Documented));
    }
}
