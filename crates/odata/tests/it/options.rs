//! `$orderby`, `$select` and `$expand`.

use odata::fuzzing::{SampleField, sample};
use odata::{
    Direction, Expand, ExpandItem, NestedOption, Select, SyntaxError, Unread, parse_expand,
    parse_order, parse_select,
};

fn order(text: &str) -> Result<Vec<(SampleField, Direction)>, String> {
    let order = parse_order(text, sample()).map_err(|error| error.to_string())?;
    let keys = order.keys.iter();
    Ok(keys
        .map(|key| (key.property.field, key.direction))
        .collect())
}

fn select(text: &str) -> Result<Select, String> {
    parse_select(text, sample().shape()).map_err(|error| error.to_string())
}

fn expand(text: &str) -> Result<Expand, String> {
    parse_expand(text, sample().shape()).map_err(|error| error.to_string())
}

#[test]
fn orders_have_several_keys() {
    use Direction::{Ascending, Descending};
    let cases = [
        ("serialNumber", vec![(SampleField::Serial, Ascending)]),
        ("serialNumber asc", vec![(SampleField::Serial, Ascending)]),
        (
            " state/status DESC , enrolled,\tid Asc ",
            vec![
                (SampleField::Status, Descending),
                (SampleField::Enrolled, Ascending),
                (SampleField::Id, Ascending),
            ],
        ),
    ];
    for (text, keys) in cases {
        assert_eq!(order(text), Ok(keys), "{text}");
    }
}

#[test]
fn orders_that_are_not_understood() {
    let cases = [
        (
            "",
            "Expected a property, found the end of the text (at position 0).",
        ),
        (
            "id,",
            "Expected a property, found the end of the text (at position 3).",
        ),
        ("'x'", "Expected a property, found ''x'' (at position 0)."),
        (
            "id down",
            "Expected 'asc', 'desc', ',' or the end, found 'down' (at position 3).",
        ),
        (
            "tolower(serialNumber)",
            "'tolower() in $orderby' is not supported here (at position 0). Order by properties alone.",
        ),
        ("id,id desc", "'id' stands more than once (at position 3)."),
        (
            "groupTag,orderIdentifier",
            "'orderIdentifier' stands more than once (at position 9).",
        ),
        (
            "secret",
            "The property 'secret' cannot be used in $orderby (at position 0).",
        ),
        (
            "hash",
            "The property 'hash' cannot be used in $orderby (at position 0).",
        ),
        (
            "profile",
            "The navigation property 'profile' cannot be used in $orderby (at position 0).",
        ),
        (
            "state",
            "The property 'state' is of type 'example.deviceState' and not a single value (at \
             position 0). Name one of its properties, such as 'state/status'.",
        ),
        (
            "Id",
            "Could not find a property named 'Id' on type 'example.device' (at position 0). Did you \
             mean 'id'?",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(order(text), Err(message.into()), "{text}");
    }
}

#[test]
fn selections_name_paths() {
    let paths = |all, paths: &[&'static str]| {
        let paths = paths.to_vec();
        Ok(Select { all, paths })
    };
    assert_eq!(select("id"), paths(false, &["id"]));
    assert_eq!(select("*"), paths(true, &[]));
    assert_eq!(
        select(" id , state/status,secret, hash,id,* ,profile"),
        paths(true, &["id", "state/status", "secret", "hash", "profile"])
    );

    let some = select("id,state/status").unwrap();
    assert!(some.shows("id") && some.shows("state/status"));
    assert!(!some.shows("state") && !some.shows("state/code") && !some.shows("i"));
    assert!(some.shows_within("state") && some.shows_within("id"));
    assert!(!some.shows_within("stat") && !some.shows_within("serialNumber"));
    let whole = select("state").unwrap();
    assert!(whole.shows("state") && whole.shows("state/code") && whole.shows_within("state"));
    assert!(!whole.shows("stateful"));
    assert!(select("*").unwrap().shows("anything"));
}

#[test]
fn selections_that_are_not_understood() {
    let cases = [
        (
            "",
            "Expected a property or '*', found the end of the text (at position 0).",
        ),
        (
            "id,",
            "Expected a property or '*', found the end of the text (at position 3).",
        ),
        (
            "id code",
            "Expected ',' or the end, found 'code' (at position 3).",
        ),
        (
            "id,serial",
            "Could not find a property named 'serial' on type 'example.device' (at position 3).",
        ),
        (
            "state/",
            "Could not find a property named '' on type 'example.deviceState' (at position 0).",
        ),
        (
            "state($select=code)",
            "'state(…) in $select' is not supported here (at position 0). Name nested properties by \
             their paths, as in state/deviceImportStatus.",
        ),
        (
            "profile/id",
            "The navigation property 'profile' cannot be used in $select (at position 0).",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(select(text), Err(message.into()), "{text}");
    }
}

#[test]
fn expansions_have_options_of_their_own() {
    let plain = |name| ExpandItem {
        name,
        ..ExpandItem::default()
    };
    assert_eq!(
        expand("profile"),
        Ok(Expand {
            items: vec![plain("profile")]
        })
    );
    let text = "profile($select=id,displayName; $expand = devices($filter=contains(serialNumber,\
                ';)''') and (enrolled);orderby=id desc;$top=5;$skip=2;$COUNT=true;$select=*))";
    let filter = "contains(serialNumber,';)''') and (enrolled)";
    let devices = ExpandItem {
        select: Some(Select {
            all: true,
            paths: Vec::new(),
        }),
        filter: Some(Unread {
            text: filter.into(),
            position: text.find(filter).unwrap(),
        }),
        order: Some(Unread {
            text: "id desc".into(),
            position: text.find("id desc").unwrap(),
        }),
        top: Some(5),
        skip: 2,
        count: true,
        position: text.find("devices").unwrap(),
        options: [
            ("$filter", "$filter"),
            ("$orderby", "orderby"),
            ("$top", "$top"),
            ("$skip", "$skip"),
            ("$count", "$COUNT"),
            ("$select", "$select=*"),
        ]
        .map(|(name, written)| NestedOption {
            name,
            position: text.find(written).unwrap(),
        })
        .to_vec(),
        ..plain("devices")
    };
    let profile = ExpandItem {
        select: Some(Select {
            all: false,
            paths: vec!["id", "displayName"],
        }),
        expand: Expand {
            items: vec![devices.clone()],
        },
        options: [("$select", "$select=id"), ("$expand", "$expand")]
            .map(|(name, written)| NestedOption {
                name,
                position: text.find(written).unwrap(),
            })
            .to_vec(),
        ..plain("profile")
    };
    assert_eq!(
        expand(text),
        Ok(Expand {
            items: vec![profile]
        })
    );
    assert_eq!(devices.refuse("$search", ""), Ok(()));
    let told = devices.refuse("$skip", "Nothing is.").unwrap_err();
    let at = text.find("$skip").unwrap();
    assert_eq!(
        told.to_string(),
        format!("'$skip within devices' is not supported here (at position {at}). Nothing is.")
    );
    let filter = devices.filter.unwrap().filter(sample(), &[]).unwrap();
    assert_eq!(
        filter.to_string(),
        "contains(serialNumber,';)''') and enrolled"
    );
    let order = devices.order.unwrap().order(sample()).unwrap();
    assert_eq!(order.to_string(), "id desc");
}

#[test]
fn what_is_wrong_within_an_expansion_is_found_where_it_stands() {
    let text = "profile($expand=devices($filter=id eq 5))";
    let expand = parse_expand(text, sample().shape()).unwrap();
    let filter = expand.items[0].expand.items[0].filter.as_ref().unwrap();
    let SyntaxError { position, .. } = filter.filter(sample(), &[]).unwrap_err();
    assert_eq!(position, text.find(" eq ").unwrap() + 1);
}

#[test]
fn expansions_that_are_not_understood() {
    let one = "which leads to one entity";
    let cases = [
        (
            "",
            "Expected a navigation property, found the end of the text (at position 0).",
        ),
        (
            "*",
            "'* in $expand' is not supported here (at position 0). Name the navigation properties.",
        ),
        (
            "profile,profile",
            "'profile' stands more than once (at position 8).",
        ),
        (
            "serialNumber",
            "Property 'serialNumber' on type 'example.device' is not a navigation property and cannot \
             be expanded (at position 0).",
        ),
        (
            "profil",
            "Could not find a property named 'profil' on type 'example.device' (at position 0). Did \
             you mean 'profile'?",
        ),
        (
            "profile/devices",
            "'profile/devices' is not supported here (at position 0). Nested expansions stand in \
             parentheses: a($expand=b).",
        ),
        (
            "profile/$ref",
            "'profile/$ref' is not supported here (at position 0). Nested expansions stand in \
             parentheses: a($expand=b).",
        ),
        (
            "profile()",
            "Expected a query option, such as '$select=', found ')' (at position 8).",
        ),
        (
            "profile($levels=2)",
            "'$levels in $expand' is not supported here (at position 8).",
        ),
        (
            "profile($select=id;$select=id)",
            "'$select' stands more than once (at position 19).",
        ),
        (
            "profile($select id)",
            "Expected '=', found 'id' (at position 16).",
        ),
        (
            "profile($select=id",
            "Expected ';' or ')', found the end of the text (at position 18).",
        ),
        (
            "profile($select=serialNumber)",
            "Could not find a property named 'serialNumber' on type 'example.profile' (at position 16).",
        ),
        (
            "profile($top=1)",
            &format!("The query option '$top' cannot be used on 'profile', {one} (at position 8)."),
        ),
        (
            "profile($filter=true)",
            &format!(
                "The query option '$filter' cannot be used on 'profile', {one} (at position 8)."
            ),
        ),
        (
            "profile($expand=devices($top=-1))",
            "Expected a number from 0, found '-1' (at position 29).",
        ),
        (
            "profile($expand=devices($count=))",
            "Expected 'true' or 'false', found the end of the text (at position 31).",
        ),
        (
            "profile($expand=devices($filter= ))",
            "Expected a condition, found ')' (at position 33).",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(expand(text), Err(message.into()), "{text}");
    }
}
