//! Query options: what lists take, and what nobody takes.

use serde_json::json;

use crate::harness::{DEVICES, House, IMPORTS, error, ids_of};

const NOT_OFFERED: [&str; 5] = ["$search", "$format", "$apply", "$compute", "$unknown"];

#[tokio::test]
async fn an_option_that_is_not_offered_is_refused_by_name() {
    let house = House::new();
    let refusal = |option: &str| {
        format!("400 BadRequest: The query option '{option}' is not supported here.")
    };
    for set in [IMPORTS, DEVICES] {
        let v1 = set.replace("beta", "v1.0");
        for option in NOT_OFFERED {
            for base in [set, v1.as_str()] {
                for query in [
                    format!("{option}=id"),
                    format!("%24{}=id", &option[1..].to_uppercase()),
                    format!("$top=1&{option}=id&$count=true"),
                ] {
                    let answer = house.get(&format!("{base}?{query}")).await;
                    assert_eq!(error(&answer), refusal(option), "{base}?{query}");
                }
            }
            let bare = &option[1..];
            let beta = house.get(&format!("{set}?{bare}=id")).await;
            let stable = house.get(&format!("{v1}?{bare}=id")).await;
            if option == "$unknown" {
                // Without its dollar sign it is nobody's business.
                assert_eq!((beta.status.as_u16(), stable.status.as_u16()), (200, 200));
            } else {
                assert_eq!(error(&beta), refusal(option));
                assert_eq!(
                    error(&stable),
                    format!(
                        "400 BadRequest: The query option '{bare}' lacks its dollar sign: write '{option}'."
                    )
                );
            }
        }
        for option in ["top", "skip", "count", "skiptoken"] {
            let answer = house.get(&format!("{v1}?{option}=1")).await;
            assert_eq!(
                error(&answer),
                format!(
                    "400 BadRequest: The query option '{option}' lacks its dollar sign: write '${option}'."
                )
            );
        }
    }
}

#[tokio::test]
async fn a_value_that_an_option_cannot_have_is_told() {
    let house = House::new();
    let number = "a number from 0";
    let cases = [
        ("$top=-1", "$top", "-1", number),
        ("$top=", "$top", "", number),
        ("$top", "$top", "", number),
        ("$top=ten", "$top", "ten", number),
        ("$top=1.0", "$top", "1.0", number),
        ("$top=%20", "$top", " ", number),
        ("$skip=-1", "$skip", "-1", number),
        ("$skip=x", "$skip", "x", number),
        ("$count=1", "$count", "1", "'true' or 'false'"),
        ("$count=", "$count", "", "'true' or 'false'"),
    ];
    for set in [IMPORTS, DEVICES] {
        for (query, option, value, expected) in cases {
            let answer = house.get(&format!("{set}?{query}")).await;
            assert_eq!(
                error(&answer),
                format!(
                    "400 BadRequest: The query option '{option}' has the value '{value}', but takes {expected}."
                )
            );
        }
        for query in [
            "$top=1&$top=1",
            "$top=1&top=2",
            "$TOP=1&%24top=1",
            "$count=true&$count=false",
        ] {
            let answer = house.get(&format!("{set}?{query}")).await;
            let option = if query.contains("count") {
                "$count"
            } else {
                "$top"
            };
            assert_eq!(
                error(&answer),
                format!("400 BadRequest: The query option '{option}' stands more than once."),
                "{query}"
            );
        }
        let answer = house.get(&format!("{set}?$top=%FF")).await;
        assert_eq!(
            error(&answer),
            "400 BadRequest: The query string is not percent-encoded UTF-8."
        );
    }
}

#[tokio::test]
async fn options_mean_the_same_in_every_spelling() {
    let house = House::new();
    let mut ids = Vec::new();
    for seed in 1..=3 {
        let (import, device) = house.register(&house.contoso, seed).await;
        ids.push([import, device]);
    }
    for (column, set) in [IMPORTS, DEVICES].into_iter().enumerate() {
        let mut all: Vec<_> = ids.iter().map(|row| row[column].clone()).collect();
        all.sort_unstable();
        for query in [
            "$top=1&$skip=1&$count=true",
            "%24top=1&%24skip=1&%24count=true",
            "$TOP=1&$Skip=1&$Count=TRUE",
            "top=1&skip=1&count=true",
            "$top=01&$skip=1&$count=true&other=$filter&@p=1",
        ] {
            let answer = house.get(&format!("{set}?{query}")).await;
            assert_eq!(ids_of(&answer), all[1..2], "{query}");
            assert_eq!(answer.json()["@odata.count"], json!(3), "{query}");
        }
        for (query, expected) in [
            ("$top=3", &all[..]),
            ("$top=1001", &all[..]),
            ("$top=99999999999999999999999", &all[..]),
            ("$skip=2", &all[2..]),
            ("$skip=3", &[]),
            ("$skip=99999999999999999999999", &[]),
            ("$top=0", &[]),
            ("$count=false", &all[..]),
        ] {
            let answer = house.get(&format!("{set}?{query}")).await;
            assert_eq!(ids_of(&answer), expected, "{query}");
            assert_eq!(answer.json().get("@odata.nextLink"), None, "{query}");
            assert_eq!(answer.json().get("@odata.count"), None, "{query}");
        }
        // The count is the whole collection's, whatever the page.
        for query in ["$top=0", "$skip=2", "$skip=9"] {
            let answer = house.get(&format!("{set}?{query}&$count=true")).await;
            assert_eq!(answer.json()["@odata.count"], json!(3), "{query}");
        }
    }
}
