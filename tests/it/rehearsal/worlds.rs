//! Snapshots, forks and reset, through the real router: what is brought back, and who sees what.

mod bounds;
mod seeds;
mod upheaval;

use hangar::testing::{Rehearsing, TestAnswer, TestApi, TestOptions};
use http::Method;
use serde_json::{Value, json};

use crate::harness::{
    DEVICES, House, IMPORTS, PROFILES, UPLOADS, all_devices, device, error, ids_of, string, text,
};

impl House {
    /// Makes a fork, and answers what is told of it.
    async fn fork(&self, name: &str) -> Value {
        let made = self.direct("worlds", &json!({ "name": name })).await;
        made.unwrap()
    }

    async fn save(&self, name: &str) -> Value {
        let saved = self.direct("snapshots", &json!({ "name": name })).await;
        saved.unwrap()
    }

    async fn restore(&self, name: &str) -> Value {
        let path = format!("snapshots/{name}/restore");
        self.direct(&path, &json!({})).await.unwrap()
    }

    /// Deletes what the rehearsal has at a path, or says why not.
    async fn discard(&self, path: &str) -> String {
        let path = format!("/rehearsal/{path}");
        let answer = self.api.direct(Method::DELETE, &path, None).await;
        let body = answer.json();
        let message = body["error"]["message"].as_str();
        format!("{} {}", answer.status.as_u16(), message.unwrap_or("-"))
    }

    async fn list(&self, token: &str, path: &str) -> TestAnswer {
        let answer = self.ask(Method::GET, path).token(token).send().await;
        assert_eq!(answer.status, 200, "{}", text(&answer));
        answer
    }

    /// Everything that a tenant is shown.
    async fn everything(&self, token: &str) -> Vec<String> {
        let mut all = Vec::new();
        for path in [DEVICES, IMPORTS, UPLOADS, PROFILES] {
            all.push(text(&self.list(token, path).await));
        }
        all
    }

    async fn device_count(&self, token: &str) -> usize {
        ids_of(&self.list(token, DEVICES).await).len()
    }
}

/// The token of a fork's administrator, of the copy of this tenant.
fn token_of(fork: &Value, of: &str) -> String {
    string(&tenant_of(fork, of)["administrator"]["token"])
}

fn tenant_of<'a>(fork: &'a Value, of: &str) -> &'a Value {
    let mut tenants = fork["tenants"].as_array().unwrap().iter();
    tenants.find(|tenant| tenant["of"] == of).unwrap()
}

const OURS: &str = "error 806 ZtdDeviceAlreadyAssigned";
const THEIRS: &str = "error 808 ZtdDeviceAssignedToOtherTenant";
const DONE: &str = "complete 0 None +device";

#[tokio::test]
async fn a_restore_brings_everything_back() {
    let house = House::rehearsing();
    let (contoso, fabrikam) = (&house.contoso, &house.fabrikam);
    let (_, first) = house.register(contoso, 1).await;
    house.register(contoso, 2).await;
    house.register(fabrikam, 3).await;
    assert_eq!(house.outcome(contoso, &device(3)).await, THEIRS);
    house.upload(contoso, 4).await;
    let profile = house.make_profile(contoso, "Sales").await;
    let assignments = format!("{PROFILES}/{profile}/assignments");
    let assigned = house.post(&assignments, &all_devices()).await;
    assert_eq!(assigned.status, 201, "{}", text(&assigned));
    let waiting = house.accept(contoso, &device(5)).await;
    let before = [
        house.everything(contoso).await,
        house.everything(fabrikam).await,
    ];
    let told = house.save("base").await;
    assert_eq!((&told["devices"], &told["imports"]), (&json!(4), &json!(6)));
    assert_eq!(told["saved_at"], "2026-01-01T00:00:00Z");

    house.api.settle().await;
    let deleted = house.delete(&format!("{DEVICES}/{first}")).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(house.outcome(fabrikam, &device(1)).await, DONE);
    house.register(contoso, 6).await;
    house.delete(&format!("{IMPORTS}/{waiting}")).await;
    house.delete(&format!("{PROFILES}/{profile}")).await;
    assert_ne!(house.everything(contoso).await, before[0]);

    for _ in 0..2 {
        assert_eq!(house.restore("base").await, told);
        let after = [
            house.everything(contoso).await,
            house.everything(fabrikam).await,
        ];
        assert_eq!(after, before);
        // So is the ledger: what was ours is ours again, what came later is free.
        assert_eq!(house.outcome(contoso, &device(1)).await, OURS);
        assert_eq!(house.outcome(fabrikam, &device(1)).await, THEIRS);
        assert_eq!(house.outcome(fabrikam, &device(6)).await, DONE);
        let state = house.state(contoso, &waiting).await;
        assert_eq!(
            state["deviceImportStatus"], "complete",
            "what waited goes on"
        );
    }
}

#[tokio::test]
async fn a_fork_is_a_world_of_its_own() {
    let house = House::rehearsing();
    let (contoso, fabrikam) = (&house.contoso, &house.fabrikam);
    house.register(contoso, 1).await;
    house.register(fabrikam, 2).await;
    let before = house.everything(contoso).await;
    let fork = house.fork("pr-17").await;
    let names: Vec<_> = fork["tenants"].as_array().unwrap().iter().collect();
    let names: Vec<_> = names.iter().map(|one| string(&one["name"])).collect();
    assert_eq!(names, ["contoso.pr-17", "fabrikam.pr-17"]);
    let ours = token_of(&fork, "contoso");
    let theirs = token_of(&fork, "fabrikam");
    assert_eq!(house.everything(&ours).await, before, "a copy");

    // The same hardware on both sides, and in either order.
    assert_eq!(house.outcome(&ours, &device(3)).await, DONE);
    assert_eq!(house.outcome(fabrikam, &device(3)).await, DONE);
    assert_eq!(house.outcome(contoso, &device(4)).await, DONE);
    assert_eq!(house.outcome(&theirs, &device(4)).await, DONE);
    // Within a world hardware has one owner.
    assert_eq!(house.outcome(&theirs, &device(3)).await, THEIRS);
    assert_eq!(house.outcome(&theirs, &device(1)).await, THEIRS);
    assert_eq!(house.outcome(&ours, &device(1)).await, OURS);
    assert_eq!(house.outcome(contoso, &device(3)).await, THEIRS);
    assert_eq!(house.device_count(contoso).await, 2);
    assert_eq!(house.device_count(&ours).await, 2);
    assert_eq!(house.device_count(&theirs).await, 2);

    // A fork of a snapshot is as that was, and a fork of a fork as the fork is.
    house.save("later").await;
    house.register(contoso, 9).await;
    let of_snapshot = json!({ "name": "b", "snapshot": "later" });
    let of_snapshot = house.direct("worlds", &of_snapshot).await.unwrap();
    assert_eq!(
        house.device_count(&token_of(&of_snapshot, "contoso")).await,
        2
    );
    let of_fork = json!({ "name": "c", "world": "pr-17" });
    let of_fork = house.direct("worlds", &of_fork).await.unwrap();
    assert_eq!(of_fork["source"], "world pr-17");
    let theirs = token_of(&of_fork, "fabrikam");
    assert_eq!(house.outcome(&theirs, &device(9)).await, DONE);
    assert_eq!(house.outcome(&theirs, &device(3)).await, THEIRS);
}

#[tokio::test]
async fn a_fork_has_callers_of_its_own() {
    let house = House::rehearsing();
    let fork = house.fork("x").await;
    let tenant = tenant_of(&fork, "contoso");
    let administrator = &tenant["administrator"];
    assert_eq!(administrator["of"], "administrator@x.contoso.example");
    assert_eq!(administrator["expires_at"], "2026-01-01T01:00:00Z");
    let application = string(&tenant["application"]["token"]);
    let answer = house.ask(Method::GET, DEVICES).token(&application);
    let refused = error(&answer.send().await);
    assert!(refused.contains("app only context"), "{refused}");

    // The authority gives tokens for them as for anybody.
    let reader = house.api.user_token("contoso.x", "reader");
    assert_eq!(house.device_count(&reader).await, 0);
    let denied = house.ask(Method::POST, IMPORTS).token(&reader);
    assert_eq!(denied.json(&device(1)).send().await.status, 403);
    let by_name = house.api.user_token("contoso.x", "administrator");
    assert_eq!(house.outcome(&by_name, &device(1)).await, DONE);

    // By the rehearsal's clock they are valid for an hour.
    house
        .direct("clock/advance", &json!({ "by": "2h" }))
        .await
        .unwrap();
    let token = token_of(&fork, "contoso");
    let ask = house.ask(Method::GET, DEVICES).token(&token);
    assert_eq!(ask.send().await.status, 401);
}

#[tokio::test]
async fn a_fork_that_is_deleted_is_gone() {
    let house = House::rehearsing();
    let fork = house.fork("x").await;
    let token = token_of(&fork, "contoso");
    house.register(&token, 1).await;
    assert_eq!(house.discard("worlds/x").await, "200 -");
    let ask = house.ask(Method::POST, IMPORTS).token(&token);
    let refused = error(&ask.json(&device(2)).send().await);
    assert!(refused.ends_with("Invalid tenant."), "{refused}");
    assert!(
        house
            .api
            .authority
            .directory()
            .find_tenant("contoso.x")
            .is_none()
    );
    assert_eq!(house.device_count(&house.contoso).await, 0);
    // The name is free again, for another world.
    let again = token_of(&house.fork("x").await, "contoso");
    assert_eq!(house.device_count(&again).await, 0);
}

#[tokio::test]
async fn a_snapshot_goes_into_any_world() {
    let house = House::rehearsing();
    house.register(&house.contoso, 1).await;
    house.save("one").await;
    let fork = house.fork("x").await;
    let token = token_of(&fork, "contoso");
    house.register(&token, 2).await;
    let of_fork = json!({ "name": "two", "world": "x" });
    house.direct("snapshots", &of_fork).await.unwrap();
    // Back where it came from, and across.
    house.restore("two").await;
    assert_eq!(house.device_count(&token).await, 2);
    let into = |world: &str| json!({ "world": world });
    house
        .direct("snapshots/one/restore", &into("x"))
        .await
        .unwrap();
    assert_eq!(house.device_count(&token).await, 1);
    house
        .direct("snapshots/two/restore", &into("main"))
        .await
        .unwrap();
    assert_eq!(house.device_count(&house.contoso).await, 2);
    // A world that is gone takes nothing back.
    assert_eq!(house.discard("worlds/x").await, "200 -");
    let gone = house.direct("snapshots/two/restore", &json!({})).await;
    assert!(gone.unwrap_err().contains("there is no world `x`"));
}

#[tokio::test]
async fn reset_empties_one_world_or_everything() {
    let house = House::rehearsing();
    let contoso = house.contoso.clone();
    house.register(&contoso, 1).await;
    house.save("base").await;
    let fork = house.fork("x").await;
    let token = token_of(&fork, "contoso");
    house
        .direct("reset", &json!({ "world": "x" }))
        .await
        .unwrap();
    assert_eq!(house.device_count(&token).await, 0);
    assert_eq!(house.device_count(&contoso).await, 1);
    assert_eq!(house.outcome(&token, &device(1)).await, DONE);

    house
        .direct("clock/advance", &json!({ "by": "10m" }))
        .await
        .unwrap();
    house.direct("reset", &json!({})).await.unwrap();
    assert_eq!(house.look("clock").await.unwrap()["offset_seconds"], 0.0);
    let worlds = house.look("worlds").await.unwrap();
    assert_eq!(worlds["worlds"].as_array().unwrap().len(), 1, "{worlds}");
    assert_eq!(house.device_count(&contoso).await, 0);
    assert_eq!(
        house
            .ask(Method::GET, DEVICES)
            .token(&token)
            .send()
            .await
            .status,
        401
    );
    let kept = house.look("snapshots").await.unwrap();
    assert_eq!(kept["snapshots"][0]["name"], "base");
    house.restore("base").await;
    assert_eq!(house.device_count(&contoso).await, 1);
}

#[tokio::test]
async fn worlds_outlive_their_server() {
    let directory = tempfile::tempdir().unwrap();
    let options = TestOptions {
        rehearsing: Rehearsing::Yes,
        ..TestOptions::default()
    };
    let get = async |api: &TestApi, token: &str| {
        let answer = api.call(Method::GET, DEVICES, Some(token), None).await;
        assert_eq!(answer.status, 200, "{}", text(&answer));
        ids_of(&answer).len()
    };
    let direct = async |api: &TestApi, path: &str, body: &Value| {
        let path = format!("/rehearsal/{path}");
        let answer = api.direct(Method::POST, &path, Some(body)).await;
        assert_eq!(answer.status, 200, "{}", text(&answer));
        answer.json()
    };
    let api = TestApi::start(directory.path(), options);
    let seed = json!({
        "tenants": [{ "name": "adatum" }],
        "devices": [{ "tenant": "adatum", "hash_seed": 1 }],
    });
    direct(&api, "seed", &seed).await;
    direct(&api, "snapshots", &json!({ "name": "base" })).await;
    let fork = direct(&api, "worlds", &json!({ "name": "x" })).await;
    let token = token_of(&fork, "adatum");
    let body = device(7);
    let created = api
        .call(Method::POST, IMPORTS, Some(&token), Some(&body))
        .await;
    assert_eq!(created.status, 201);
    drop(api);

    let api = TestApi::start(directory.path(), options);
    api.settle().await;
    assert_eq!(get(&api, &token).await, 2, "what waited in a fork goes on");
    assert_eq!(
        get(&api, &api.user_token("adatum.x", "administrator")).await,
        2
    );
    assert_eq!(
        get(&api, &api.user_token("adatum", "administrator")).await,
        1
    );
    direct(&api, "reset", &json!({ "world": "main" })).await;
    assert_eq!(
        get(&api, &api.user_token("adatum", "administrator")).await,
        0
    );
    direct(&api, "snapshots/base/restore", &json!({})).await;
    assert_eq!(
        get(&api, &api.user_token("adatum", "administrator")).await,
        1
    );
}

#[tokio::test]
async fn rules_know_a_forks_tenants_by_the_ids_that_clients_use() {
    let house = House::rehearsing();
    let fork = house.fork("job").await;
    let copy = token_of(&fork, "contoso");
    let id = tenant_of(&fork, "contoso")["id"].clone();
    let when = json!({ "tenant": id });
    let delay = json!({ "name": "slow", "when": when, "fixed": "15m" });
    house.direct("delays", &delay).await.unwrap();
    let unseen = json!({ "name": "late", "when": when, "then": { "unseen": "5m" } });
    house.direct("faults", &unseen).await.unwrap();

    assert_eq!(house.outcome(&house.contoso, &device(1)).await, DONE);
    assert_eq!(house.outcome(&copy, &device(1)).await, "unknown 0 ");
    let advance = async |by: &str| {
        let by = json!({ "by": by });
        house.direct("clock/advance", &by).await.unwrap();
        house.api.settle().await;
    };
    advance("15m").await;
    assert_eq!(
        house.device_count(&copy).await,
        0,
        "it is not to be found yet"
    );
    assert_eq!(house.device_count(&house.contoso).await, 1);
    advance("5m").await;
    assert_eq!(house.device_count(&copy).await, 1);
}
