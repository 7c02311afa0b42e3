//! Worlds of a real server: what a CI job types, and what a kill at any moment leaves.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::{
    harness::{DEVICES, device},
    process::{Ended, Server, client, hangar, run, serve_dev, token},
};

fn rehearse(server: &Server, arguments: &[&str]) -> Ended {
    let mut command = hangar();
    command.args(["rehearse", "--admin-url", &server.admin_url]);
    run(command.args(arguments))
}

/// What a command prints that ends well.
#[track_caller]
fn printed(server: &Server, arguments: &[&str]) -> String {
    let ended = rehearse(server, arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

async fn count(server: &Server, token: &str) -> usize {
    let address = format!("{}{DEVICES}", server.url);
    let answer = client()
        .get(address)
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    body["value"].as_array().unwrap().len()
}

fn exported<'a>(lines: &'a str, variable: &str) -> &'a str {
    let start = format!("export {variable}='");
    let mut lines = lines.lines();
    let value = lines.find_map(|line| line.strip_prefix(&start));
    value.unwrap().strip_suffix('\'').unwrap()
}

#[tokio::test]
async fn a_job_has_a_world_by_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let seed = directory.path().join("seed.yaml");
    let text = "
tenants:
  - name: adatum
devices:
  - {tenant: adatum, hash_seed: 1}
  - {tenant: contoso, hash_seed: 2}
";
    std::fs::write(&seed, text).unwrap();
    let start = || {
        let mut command = hangar();
        command.args(serve_dev(&data)).arg("--rehearse");
        Server::start(command.arg("--seed").arg(&seed))
    };
    let server = start();
    let told = server.process.stdout.text();
    assert!(
        told.contains("The seed has brought 1 tenants, 1 users, 0 clients, 0 profiles, 2 devices."),
        "{told}"
    );
    let lines = printed(&server, &["fork", "pr-1"]);
    assert_eq!(exported(&lines, "HANGAR_WORLD"), "pr-1");
    assert_eq!(
        exported(&lines, "HANGAR_TENANT"),
        exported(&lines, "HANGAR_TENANT_CONTOSO")
    );
    let adatum = exported(&lines, "HANGAR_TOKEN_ADATUM");
    assert_eq!(count(&server, adatum).await, 1);
    exported(&lines, "HANGAR_APP_TOKEN");
    let fork: Value = serde_json::from_str(&printed(&server, &["--json", "fork", "pr-2"])).unwrap();
    assert_eq!(fork["name"], "pr-2");
    assert_eq!(
        printed(&server, &["worlds", "delete", "pr-2"]),
        "deleted: pr-2"
    );
    let listed = printed(&server, &["worlds"]);
    assert!(listed.contains("adatum.pr-1: 1 devices"), "{listed}");
    printed(&server, &["snapshot", "save", "base"]);
    let listed = printed(&server, &["snapshot", "list"]);
    assert!(
        listed.starts_with("base: of main, saved ") && listed.ends_with("2 devices, 0 imports"),
        "{listed}"
    );
    printed(&server, &["reset", "main"]);
    assert_eq!(
        count(&server, &token(&data, &["--tenant", "adatum"])).await,
        0
    );
    printed(&server, &["snapshot", "restore", "base"]);
    let of_fork = token(&data, &["--tenant", "adatum.pr-1"]);
    assert_eq!(count(&server, &of_fork).await, 1);
    let file = directory.path().join("export.json");
    std::fs::write(&file, printed(&server, &["export"])).unwrap();
    printed(&server, &["reset", "main"]);
    printed(&server, &["seed", file.to_str().unwrap()]);
    let refused = rehearse(&server, &["seed", file.to_str().unwrap()]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused
            .stderr
            .contains("devices[0].id: the world has a device of this id already"),
        "{refused:?}"
    );
    printed(&server, &["snapshot", "delete", "base"]);
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let server = start();
    let told = server.process.stdout.text();
    assert!(told.contains("The seed is not loaded"), "{told}");
    // Its address is another one, and tokens name it.
    let of_fork = token(&data, &["--tenant", "adatum.pr-1"]);
    assert_eq!(count(&server, &of_fork).await, 1);
    let ready = client()
        .get(format!("{}/readyz", server.admin_url))
        .send()
        .await;
    assert_eq!(ready.unwrap().status(), 200);
    printed(&server, &["reset"]);
    assert_eq!(printed(&server, &["worlds"]).lines().count(), 4);
}

#[test]
fn a_seed_that_makes_no_sense_starts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let seed = directory.path().join("seed.yaml");
    std::fs::write(&seed, "devices:\n  - serial_number: X\n").unwrap();
    let data = directory.path().join("data");
    let mut command = hangar();
    command
        .args(serve_dev(&data))
        .args(["--rehearse", "--seed"]);
    let ended = run(command.arg(&seed));
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("devices[0].manufacturer"),
        "{ended:?}"
    );
    let mut command = hangar();
    let ended = run(command.args(serve_dev(&data)).arg("--seed").arg(&seed));
    assert_eq!(ended.code, Some(2), "a seed is for a rehearsal");
}

/// A server is killed in the middle of each: saves, restores, forks and resets. What it leaves is a
/// world from before or from after, sound, with nothing lying about.
#[tokio::test]
async fn a_kill_leaves_the_old_or_the_new() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::rehearse(&data);
    // Each start has another address, which tokens name.
    let fresh = || token(&data, &["--tenant", "contoso"]);
    let ours = fresh();
    for seed in 1..=3 {
        let address = format!("{}{}", server.url, crate::harness::IMPORTS);
        let answer = client()
            .post(address)
            .bearer_auth(&ours)
            .json(&device(seed));
        assert_eq!(answer.send().await.unwrap().status(), 201);
    }
    while count(&server, &ours).await < 3 {
        tokio::task::yield_now().await;
    }
    printed(&server, &["snapshot", "save", "full"]);
    printed(&server, &["reset", "main"]);
    printed(&server, &["snapshot", "save", "empty"]);
    server.process.kill();

    for number in 0..12 {
        let server = Server::rehearse(&data);
        let begun = Arc::new(AtomicUsize::new(0));
        let upheaval = {
            let (admin, begun) = (server.admin_url.clone(), Arc::clone(&begun));
            thread::spawn(move || upset(&admin, number, &begun))
        };
        while begun.load(Ordering::Relaxed) <= number {
            thread::yield_now();
        }
        server.process.kill();
        upheaval.join().unwrap();

        let server = Server::rehearse(&data);
        let ours = fresh();
        let devices = count(&server, &ours).await;
        assert!([0, 3].contains(&devices), "{devices}");
        for fork in forks(&server).await {
            for tenant in fork["tenants"].as_array().unwrap() {
                assert!([json!(0), json!(3)].contains(&tenant["devices"]), "{fork}");
            }
        }
        for snapshot in ["full", "empty"] {
            printed(&server, &["snapshot", "restore", snapshot]);
            let expected = if snapshot == "full" { 3 } else { 0 };
            assert_eq!(count(&server, &ours).await, expected);
        }
        server.process.kill();
        is_tidy(&data);
        let mut check = hangar();
        let checked = run(check.args(["check", "--data-dir"]).arg(&data));
        assert_eq!(checked.code, Some(0), "{checked:?}");
    }
}

/// Directs a server until it is gone.
fn upset(admin: &str, number: usize, begun: &AtomicUsize) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client();
        for round in 0.. {
            let steps = [
                ("snapshots/full/restore", json!({})),
                ("worlds", json!({ "name": format!("f{number}-{round}") })),
                ("snapshots", json!({ "name": "full", "replace": true })),
                ("snapshots/empty/restore", json!({})),
                (
                    "worlds",
                    json!({ "name": format!("g{number}-{round}"), "snapshot": "full" }),
                ),
                ("reset", json!({ "world": "main" })),
            ];
            for (path, body) in steps {
                let address = format!("{admin}/rehearsal/{path}");
                begun.fetch_add(1, Ordering::Relaxed);
                if client.post(address).json(&body).send().await.is_err() {
                    return;
                }
            }
        }
    });
}

async fn forks(server: &Server) -> Vec<Value> {
    let address = format!("{}/rehearsal/worlds", server.admin_url);
    let answer = client().get(address).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    let worlds = body["worlds"].as_array().unwrap();
    worlds.iter().skip(1).cloned().collect()
}

/// Whether nothing lies about that the catalogue does not name.
fn is_tidy(data: &Path) {
    let names = |directory: &Path| {
        let entries = std::fs::read_dir(directory).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<Vec<_>>()
    };
    let catalogue = std::fs::read(data.join("rehearsal/catalogue.json")).unwrap();
    let catalogue: Value = serde_json::from_slice(&catalogue).unwrap();
    for (directory, list) in [("worlds", "forks"), ("snapshots", "snapshots")] {
        let known = catalogue[list].as_array().unwrap();
        let known: Vec<_> = known
            .iter()
            .map(|one| one["file"].as_str().unwrap())
            .collect();
        for name in names(&data.join("rehearsal").join(directory)) {
            let database = name.trim_end_matches("-wal").trim_end_matches("-shm");
            assert!(known.contains(&database), "{directory}/{name}");
        }
    }
    for directory in [data, &data.join("rehearsal")] {
        assert!(
            names(directory)
                .iter()
                .all(|name| !name.starts_with(".hangar-"))
        );
    }
}
