//! Rules as a person types them, against a server that rehearses.

use serde_json::json;

use crate::process::{Server, client, hangar, run, token};

const IMPORTS: &str = "beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";

fn rehearse(server: &Server, line: &str) -> (Option<i32>, String) {
    let mut command = hangar();
    command.args(["rehearse", "--admin-url", &server.admin_url]);
    let ended = run(command.args(line.split(' ')));
    (ended.code, ended.stdout + &ended.stderr)
}

#[tokio::test]
async fn rules_are_set_up_listed_and_deleted_by_command() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::rehearse(&data);
    let token = token(&data, &["--tenant", "contoso"]);
    let post = async || {
        let request = client().post(format!("{}/{IMPORTS}", server.url));
        let body = json!({ "serialNumber": "S" });
        let answer = request.bearer_auth(&token).json(&body).send().await;
        answer.map(|answer| answer.status().as_u16()).ok()
    };
    for (line, said) in [
        ("fault list", ""),
        (
            "fault add full --method POST --tenant contoso --status 503 --retry-after 30s --times 1",
            "full: when {\"method\":\"POST\",\"tenant\":\"contoso\",\"times\":1} then {\"answer\":{\"retry_after\":\"30s\",\"status\":503}}, fired 0 of 0",
        ),
        (
            "delay add lab --serial LAB-* --from 5m --to 15m",
            "lab: {\"range\":{\"from\":\"5m\",\"to\":\"15m\"},\"when\":{\"serial\":\"LAB-*\"}}",
        ),
        ("delay delete lab", "deleted: 1"),
        (
            "recipe lost-answer",
            "fault lost-answer: when {\"method\":\"POST\",\"nth\":1,",
        ),
        ("recipe", "throttled-at-61: Sixty devices go in"),
    ] {
        let (code, told) = rehearse(&server, line);
        assert_eq!(code, Some(0), "{line}: {told}");
        assert!(told.starts_with(said), "{line}: {told}");
    }
    assert_eq!(post().await, Some(503));
    assert_eq!(post().await, None, "the answer is lost");
    assert_eq!(post().await, Some(201));
    let (_, listed) = rehearse(&server, "fault list");
    assert!(listed.contains("fired 1 of 3"), "{listed}");
    for (line, why) in [
        (
            "fault add full --hold",
            "name: there is a fault of the name 'full' already",
        ),
        (
            "fault add --status 200 --code X",
            "then.answer.code: it contradicts the status",
        ),
        (
            "fault add --refuse 809",
            "then.refuse: it is none of the directory's errors",
        ),
        ("fault delete gone", "there is no fault 'gone'"),
        ("delay add", "how long is missing"),
        ("recipe unheard-of", "there is no recipe 'unheard-of'"),
    ] {
        let (code, told) = rehearse(&server, line);
        assert_ne!(code, Some(0), "{line}");
        assert!(told.contains(why), "{line}: {told}");
    }
    assert_eq!(rehearse(&server, "fault clear").1, "deleted: 2");
}

#[tokio::test]
async fn what_happened_is_listed_held_and_explained_by_command() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::rehearse(&data);
    let token = token(&data, &["--tenant", "contoso"]);
    let mut refused = String::new();
    for (tag, status) in [
        (json!("Kiosk"), 201),
        (json!("Kiosk"), 201),
        (json!(7), 400),
    ] {
        let request = client().post(format!("{}/{IMPORTS}", server.url));
        let body = json!({ "serialNumber": "S-1", "groupTag": tag });
        let answer = request
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{tag}");
        refused = answer.headers()["request-id"].to_str().unwrap().to_owned();
    }
    for (line, code, said) in [
        (
            "requests --method POST --group-tag Kiosk",
            0,
            "POST   201 /beta/",
        ),
        ("requests --status 404", 0, ""),
        ("assert --group-tag Kiosk --exactly 2", 0, "it holds"),
        (
            "assert --group-tag Kiosk --exactly 3",
            1,
            "2 such requests were made, not exactly 3",
        ),
        ("assert --retry-after-honoured", 0, "it holds"),
        ("assert", 2, "hangar: say what should hold"),
        ("report", 0, "3 requests were made."),
        (&format!("explain {refused}"), 0, "validation: "),
        (
            "explain 00000000-0000-4000-8000-000000000000",
            2,
            "hangar: request-id: no such request",
        ),
        ("requests --forget", 0, ""),
        ("report", 0, "0 requests were made."),
    ] {
        let (ended, told) = rehearse(&server, line);
        assert_eq!(ended, Some(code), "{line}: {told}");
        assert!(told.contains(said), "{line}: {told}");
        assert_eq!(told.is_empty(), said.is_empty(), "{line}: {told}");
    }
}
