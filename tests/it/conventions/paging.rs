//! Pages and the links between them. Walks over all pages while rows come and go are in
//! `paging_walk`.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{DEVICES, House, IMPORTS, VERSIONS, WRITE, error, ids_of, string, text};

const BAD_TOKEN: &str = "400 BadRequest: The query option '$skiptoken' is not one that was given out for this query: follow '@odata.nextLink' as it is.";

/// A house that has so many imports and as many devices, by calls of at most 1,000.
async fn filled(count: usize) -> House {
    let house = House::lenient();
    let rows: Vec<Value> = (0..count)
        .map(|row| json!({ "serialNumber": row.to_string(), "hardwareIdentifier": "aGE=" }))
        .collect();
    for rows in rows.chunks(1000) {
        let body = json!({ "importedWindowsAutopilotDeviceIdentities": rows });
        let answer = house.post(&format!("{IMPORTS}/import"), &body).await;
        assert_eq!(answer.status, 200, "{}", text(&answer));
    }
    house.api.settle().await;
    house
}

fn link_of(body: &Value) -> Option<String> {
    body.get("@odata.nextLink").map(string)
}

/// The path of a link that leads to where the harness asks.
fn path(link: &str) -> &str {
    link.strip_prefix("http://127.0.0.1:8080").expect(link)
}

#[tokio::test]
async fn a_page_has_a_thousand_rows_unless_fewer_are_asked() {
    let house = filled(1001).await;
    for set in [IMPORTS, DEVICES] {
        for query in ["", "?$top=1000", "?$top=1001", "?$top=5000"] {
            let first = house.get(&format!("{set}{query}")).await;
            assert_eq!(ids_of(&first).len(), 1000, "{query}");
            let link = link_of(&first.json()).unwrap();
            let second = house.get(path(&link)).await;
            assert_eq!(ids_of(&second).len(), 1, "{query}");
            assert_eq!(link_of(&second.json()), None, "{query}");
            assert!(ids_of(&first).last() < ids_of(&second).first());
        }
        // A page that ends where the rows end has no link.
        let exact = house.get(&format!("{set}?$skip=1")).await;
        assert_eq!(ids_of(&exact).len(), 1000);
        assert_eq!(link_of(&exact.json()), None);
    }
}

#[tokio::test]
async fn links_lead_through_all_pages_to_the_end() {
    let house = filled(7).await;
    for set in [IMPORTS, DEVICES] {
        for version in VERSIONS {
            let set = set.replace("beta", version);
            let all = ids_of(&house.get(&set).await);
            for (size, pages) in [(1, 7), (2, 4), (3, 3), (6, 2), (7, 1), (8, 1)] {
                let mut next = Some(format!("{set}?$top={size}&$skip=0&$count=true&note=a%20b"));
                let mut met = Vec::new();
                let mut count = 0;
                while let Some(page) = next {
                    let answer = house.get(path_or(&page)).await;
                    let body = answer.json();
                    assert_eq!(body["@odata.count"], json!(7), "{page}");
                    met.extend(ids_of(&answer));
                    next = link_of(&body);
                    count += 1;
                    if let Some(link) = &next {
                        let expected = format!(
                            "http://127.0.0.1:8080{set}?$top={size}&$count=true&note=a%20b&$skiptoken="
                        );
                        let token = link.strip_prefix(&expected).expect(link);
                        assert!(
                            token
                                .bytes()
                                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
                        );
                        // Opaque: no row's id or number can be read off it.
                        assert!(all.iter().all(|id| !token.contains(id.as_str())));
                    }
                }
                assert_eq!((met, count), (all.clone(), pages), "{set} by {size}");
            }
            // What is to be skipped is skipped once.
            let first = house.get(&format!("{set}?$top=2&$skip=3")).await;
            assert_eq!(ids_of(&first), all[3..5]);
            let second = house.get(path(&link_of(&first.json()).unwrap())).await;
            assert_eq!(ids_of(&second), all[5..]);
            assert_eq!(link_of(&second.json()), None);
            // Beta's options without a dollar sign are kept as they were written.
            if version == "beta" {
                let first = house.get(&format!("{set}?top=2&skip=3&count=true")).await;
                let link = link_of(&first.json()).unwrap();
                assert!(link.contains("?top=2&count=true&$skiptoken="), "{link}");
                assert_eq!(ids_of(&house.get(path(&link)).await), all[5..]);
            }
            let link = link_of(&first.json()).unwrap();
            let again = house.get(&format!("{}&$skip=1", path(&link))).await;
            assert_eq!(ids_of(&again), all[5..]);
        }
    }
}

fn path_or(link: &str) -> &str {
    link.strip_prefix("http://127.0.0.1:8080").unwrap_or(link)
}

#[tokio::test]
async fn a_token_leads_nowhere_but_where_it_was_given_out() {
    let house = filled(3).await;
    let token = |answer: &Value| {
        let link = link_of(answer).unwrap();
        link.rsplit_once('=').unwrap().1.to_owned()
    };
    let imports = token(&house.get(&format!("{IMPORTS}?$top=1")).await.json());
    let devices = token(&house.get(&format!("{DEVICES}?$top=1")).await.json());
    let use_of =
        async |set: &str, token: &str| house.get(&format!("{set}?$skiptoken={token}")).await;
    assert_eq!(ids_of(&use_of(IMPORTS, &imports).await).len(), 2);
    assert_eq!(ids_of(&use_of(DEVICES, &devices).await).len(), 2);

    assert_eq!(error(&use_of(IMPORTS, &devices).await), BAD_TOKEN);
    assert_eq!(error(&use_of(DEVICES, &imports).await), BAD_TOKEN);
    let v1 = IMPORTS.replace("beta", "v1.0");
    assert_eq!(error(&use_of(&v1, &imports).await), BAD_TOKEN);
    let path = format!("{IMPORTS}?$skiptoken={imports}");
    let ask = house.ask(Method::GET, &path).token(&house.fabrikam);
    assert_eq!(error(&ask.send().await), BAD_TOKEN);

    let truncated = &imports[..imports.len() - 1];
    let half = &imports[..imports.len() / 2];
    let longer = format!("{imports}A");
    // The same row, sealed by nobody.
    let mut forged = imports.clone().into_bytes();
    let last = forged.len() - 5;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let moved = format!("{}{}", &devices[..20], &imports[20..]);
    let plain = Uuid::from_u128(1).to_string();
    for bad in [truncated, half, &longer, &forged, &moved, &plain, "", "x"] {
        assert_eq!(error(&use_of(IMPORTS, bad).await), BAD_TOKEN, "{bad}");
    }
    // Another user of the tenant may go on with it, and so may an empty page.
    let colleague = house.user_token(
        Uuid::from_u128(0xaaaa_aaaa_0000_4000_8000_0000_0000_000a),
        WRITE,
    );
    let ask = house.ask(Method::GET, &path).token(&colleague);
    assert_eq!(ids_of(&ask.send().await).len(), 2);
    for import in ids_of(&house.get(IMPORTS).await) {
        assert_eq!(
            house.delete(&format!("{IMPORTS}/{import}")).await.status,
            204
        );
    }
    assert!(ids_of(&house.get(&path).await).is_empty());
}
