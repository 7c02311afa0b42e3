//! Versions, segments and methods that are not offered. Keys are in `imports::get`.

use http::Method;
use serde_json::json;

use crate::harness::{DEVICES, House, IMPORTS, VERSIONS, error, text};

#[tokio::test]
async fn a_path_begins_with_a_version() {
    let house = House::new();
    let set = "deviceManagement/importedWindowsAutopilotDeviceIdentities";
    for (path, version) in [
        (format!("/v2.0/{set}"), "v2.0"),
        (format!("/v1/{set}"), "v1"),
        (format!("/{set}"), "deviceManagement"),
        (format!("//{set}"), ""),
        ("/".to_owned(), ""),
        ("/favicon.ico".to_owned(), "favicon.ico"),
        ("/%62et".to_owned(), "bet"),
    ] {
        // Nobody needs to say who they are to be told so.
        for ask in [
            house.ask(Method::GET, &path),
            house.ask(Method::GET, &path).anonymous(),
        ] {
            assert_eq!(
                error(&ask.send().await),
                format!("404 ResourceNotFound: Invalid version: {version}"),
                "{path}"
            );
        }
    }
    for version in ["beta", "BETA", "v1.0", "V1.0", "%62eta"] {
        assert_eq!(
            house.get(&format!("/{version}/{set}")).await.status,
            200,
            "{version}"
        );
    }
}

#[tokio::test]
async fn an_unknown_segment_is_named() {
    let house = House::new();
    let id = "985b4f49-4f49-985b-494f-5b98494f5b98";
    for version in VERSIONS {
        let imports = IMPORTS.replace("beta", version);
        let devices = DEVICES.replace("beta", version);
        for (path, segment) in [
            (format!("/{version}/deviceManagement/other"), "other"),
            (format!("/{version}/deviceManagement/other/{id}"), "other"),
            (format!("/{version}/users"), "users"),
            (format!("{imports}/{id}/more"), "more"),
            (format!("{devices}('{id}')/$value"), "$value"),
            (format!("{devices}/{id}/%C3%A4"), "ä"),
            (format!("{imports}/$count/more"), "more"),
        ] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let answer = house.ask(method, &path).send().await;
                assert_eq!(
                    error(&answer),
                    format!("400 BadRequest: Resource not found for the segment '{segment}'."),
                    "{path}"
                );
            }
        }
    }
    let answer = house.get("/beta/deviceManagement/%FF").await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_method_that_is_not_offered_is_a_bad_request() {
    let house = House::new();
    let import = house.accept(&house.contoso, &json!({})).await;
    let cases = [
        (IMPORTS.to_owned(), "PUT PATCH DELETE"),
        (format!("{IMPORTS}/$count"), "POST PUT PATCH DELETE"),
        (format!("{IMPORTS}/import"), "GET PUT PATCH DELETE"),
        (format!("{IMPORTS}/{import}"), "POST PUT OPTIONS"),
        (DEVICES.to_owned(), "PUT PATCH DELETE"),
        (format!("{DEVICES}/$count"), "POST PUT PATCH DELETE"),
        (format!("{DEVICES}/{import}"), "PUT TRACE"),
    ];
    for (path, methods) in cases {
        for method in methods.split(' ') {
            for version in VERSIONS {
                let path = path.replace("beta", version);
                let ask = house.ask(method.parse().unwrap(), &path).json(&json!({}));
                assert_eq!(
                    error(&ask.send().await),
                    "400 No method match route template: No method match route template",
                    "{method} {path}"
                );
            }
        }
    }
    assert_eq!(text(&house.get(&format!("{IMPORTS}/$count")).await), "1");
}
