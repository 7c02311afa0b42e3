//! Which devices have which profile and since when, and syncs.

use jiff::SignedDuration;
use odata::{parse_filter, parse_order};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::profiles::{LAB, SALES, id};
use crate::{
    domain::{
        assignment::{Assigned, AssignmentStatus, Plan, Target},
        device::{Device, DeviceId},
        profile::ProfileId,
        profile_change::ProfileChange,
        revision::Precondition,
        settings::{SyncRules, SyncStart, SyncState},
        tenant::TenantId,
    },
    store::{
        operation::{AuditSlice, Query},
        profiles::{AssignmentOutcome, DeviceAssignment, ProfileDeletion},
    },
    testing::{
        CONTOSO, FABRIKAM, actor,
        version::Version,
        vocabulary,
        workbench::{Workbench, at},
    },
};

super::cases![
    a_device_has_its_profile_since_an_assignment_reached_it,
    what_a_profile_lets_go_of_falls_to_a_younger_one,
    devices_are_assigned_all_or_none,
    a_deleted_profile_releases_its_devices,
    assigned_devices_are_found_page_by_page,
    devices_are_listed_by_what_follows_from_a_plan,
    of_many_who_sync_at_once_one_does,
    what_is_done_to_profiles_is_audited,
];

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is compared with what may be nothing"
)]
fn since(profile: ProfileId, second: i64, status: AssignmentStatus) -> Option<Assigned> {
    Some(Assigned {
        profile,
        since: at(second),
        status,
    })
}

async fn a_device_has_its_profile_since_an_assignment_reached_it(bench: Workbench) {
    // Devices of the workbench are registered at second 60.
    let sales = bench.tagged(1, "sales").await;
    let other = bench.tagged(2, "").await;
    let profile = bench.make_profile(1, 0).await;
    assert_eq!(bench.assigned(&sales, 99).await, None);
    bench.target(profile, Target::Group(SALES), 100).await;
    let pending = since(profile, 100, AssignmentStatus::Pending);
    assert_eq!(bench.assigned(&sales, 101).await, pending);
    let in_sync = since(profile, 100, AssignmentStatus::InSync);
    assert_eq!(bench.assigned(&sales, 102).await, in_sync);
    assert_eq!(bench.assigned(&other, 102).await, None);
    let late = bench.tagged(3, "Sales").await;
    let moved = bench.move_target(profile, (Some(Target::Group(SALES)), None), 200);
    assert_eq!(moved.await, AssignmentOutcome::Done);
    assert_eq!(bench.assigned(&late, 300).await, None);
    assert_eq!(bench.assigned(&sales, 300).await, None);
}

async fn what_a_profile_lets_go_of_falls_to_a_younger_one(bench: Workbench) {
    let device = bench.tagged(1, "Sales").await;
    // The ids do not say which is older.
    let (old, young) = (
        bench.make_profile(2, 10).await,
        bench.make_profile(1, 20).await,
    );
    bench.target(young, Target::AllDevices, 100).await;
    let (pending, in_sync) = (AssignmentStatus::Pending, AssignmentStatus::InSync);
    assert_eq!(
        bench.assigned(&device, 150).await,
        since(young, 100, in_sync)
    );
    let sales = Target::Group(SALES);
    bench.target(old, sales, 200).await;
    assert_eq!(bench.assigned(&device, 201).await, since(old, 200, pending));
    let excluded = Target::Excluded(SALES);
    bench.target(old, excluded, 300).await;
    assert_eq!(
        bench.assigned(&device, 301).await,
        since(young, 300, pending)
    );
    bench.move_target(old, (Some(excluded), None), 400).await;
    assert_eq!(bench.assigned(&device, 401).await, since(old, 400, pending));
    bench.move_target(old, (Some(sales), None), 500).await;
    assert_eq!(
        bench.assigned(&device, 501).await,
        since(young, 500, pending)
    );
    // What becomes of a younger profile does not touch an older one's devices.
    bench.target(old, sales, 600).await;
    bench.target(young, sales, 700).await;
    bench.move_target(young, (Some(sales), None), 800).await;
    assert_eq!(bench.assigned(&device, 801).await, since(old, 600, in_sync));
}

async fn devices_are_assigned_all_or_none(bench: Workbench) {
    let profile = bench.make_profile(1, 0).await;
    let devices = [bench.tagged(1, "").await, bench.tagged(2, "Lab").await];
    let other = bench.make_profile(2, 1).await;
    bench.target(other, Target::AllDevices, 2).await;
    let assign = |tenant, profile, devices: &[DeviceId], second| {
        bench
            .store
            .assign_devices(tenant, profile, devices.to_vec(), actor(), at(second))
    };
    let ids = devices.each_ref().map(|device| device.id);
    let missing = DeviceId(Uuid::from_u128(7));
    let with_missing = [ids[0], missing];
    assert_eq!(
        assign(CONTOSO, profile, &with_missing, 100).await,
        Ok(DeviceAssignment::AbsentDevice(missing))
    );
    assert_eq!(
        bench.assigned(&devices[0], 150).await.unwrap().profile,
        other
    );
    for (tenant, profile) in [(CONTOSO, id(9)), (FABRIKAM, profile)] {
        assert_eq!(
            assign(tenant, profile, &ids, 100).await,
            Ok(DeviceAssignment::AbsentProfile)
        );
    }
    assert_eq!(
        assign(CONTOSO, profile, &ids, 200).await,
        Ok(DeviceAssignment::Done)
    );
    // What is said again changes nothing.
    assert_eq!(
        assign(CONTOSO, profile, &ids, 300).await,
        Ok(DeviceAssignment::Done)
    );
    for device in &devices {
        let expected = since(profile, 200, AssignmentStatus::InSync);
        assert_eq!(bench.assigned(device, 300).await, expected);
    }
    assert_eq!(
        assign(CONTOSO, profile, &[], 300).await,
        Ok(DeviceAssignment::Done)
    );
}

async fn a_deleted_profile_releases_its_devices(bench: Workbench) {
    let profile = bench.make_profile(1, 0).await;
    let young = bench.make_profile(2, 1).await;
    bench.target(young, Target::AllDevices, 2).await;
    let device = bench.tagged(1, "").await;
    let assigned = bench
        .store
        .assign_devices(CONTOSO, profile, vec![device.id], actor(), at(100));
    assert_eq!(assigned.await, Ok(DeviceAssignment::Done));
    let delete = || {
        bench
            .store
            .delete_profile(CONTOSO, profile, Precondition::default(), actor(), at(200))
    };
    assert_eq!(delete().await, Ok(ProfileDeletion::Releasing));
    assert_eq!(delete().await, Ok(ProfileDeletion::Deleted));
    assert_eq!(
        bench.assigned(&device, 201).await,
        since(young, 200, AssignmentStatus::Pending)
    );
}

async fn assigned_devices_are_found_page_by_page(bench: Workbench) {
    let profile = bench.make_profile(1, 0).await;
    bench.target(profile, Target::Group(SALES), 1).await;
    for seed in 1..=9 {
        let tag = if seed % 3 == 0 { "" } else { "Sales" };
        bench.tagged(seed, tag).await;
    }
    let mut expected = bench.devices(CONTOSO).await;
    expected.retain(|device| device.properties.group_tag == "Sales");
    for limit in [1, 4, 6, 7] {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let plan = bench.plan(100).await;
            let search = bench
                .store
                .find_assigned_devices(CONTOSO, profile, plan, after, limit)
                .await
                .unwrap();
            assert!(search.rows.len() <= limit);
            found.extend(search.rows);
            after = search.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{limit}");
    }
    let plan = bench.plan(100).await;
    let theirs = bench
        .store
        .find_assigned_devices(FABRIKAM, profile, plan, None, 10);
    assert_eq!(theirs.await.unwrap().rows, []);
}

async fn devices_are_listed_by_what_follows_from_a_plan(bench: Workbench) {
    let old = bench.make_profile(1, 10).await;
    let young = bench.make_profile(2, 20).await;
    bench.target(old, Target::Group(SALES), 100).await;
    bench.target(old, Target::Excluded(LAB), 100).await;
    bench.target(young, Target::Group(LAB), 130).await;
    // Letter case of ASCII does not matter, and nothing in a tag is a wildcard.
    for (seed, tag) in (1..).zip(["sALES", "Sales", "lab", "", "Sale_", "%", "Sales"]) {
        let device = bench.tagged(seed, tag).await;
        if seed > 6 {
            let assigned =
                bench
                    .store
                    .assign_devices(CONTOSO, young, vec![device.id], actor(), at(120));
            assert_eq!(assigned.await, Ok(DeviceAssignment::Done));
        }
    }
    let vocabulary = vocabulary::devices(Version::Beta);
    let since = |plan: &Plan, device: &Device| {
        let assigned = plan.of(device);
        assigned.map(|assigned| (assigned.status, assigned.since))
    };
    for second in [90, 101, 102, 121, 122, 131, 200] {
        let plan = bench.plan(second).await;
        for (filter, status) in [
            ("notAssigned", None),
            ("pending", Some(AssignmentStatus::Pending)),
            ("assignedInSync", Some(AssignmentStatus::InSync)),
        ] {
            let filter = format!("deploymentProfileAssignmentStatus eq '{filter}'");
            let filter = parse_filter(&filter, vocabulary, &[]).unwrap();
            let order = "deploymentProfileAssignedDateTime desc,deploymentProfileAssignmentStatus";
            let mut query = Query {
                filter: Some(filter.clone()),
                order: parse_order(order, vocabulary).unwrap().keys,
                ..Query::all(2)
            };
            let mut found = Vec::new();
            loop {
                let page = bench.store.list_devices(CONTOSO, query, plan.clone()).await;
                let page = page.unwrap();
                found.extend(page.rows);
                let Some(after) = page.next else { break };
                query = Query {
                    filter: Some(filter.clone()),
                    order: parse_order(order, vocabulary).unwrap().keys,
                    after: Some(after),
                    ..Query::all(2)
                };
            }
            let count = bench
                .store
                .count_devices(CONTOSO, Some(filter), plan.clone());
            assert_eq!(count.await, Ok(found.len() as u64));
            let shown_at = |device: &Device| {
                let shown = since(&plan, device);
                shown
                    .filter(|(status, _)| *status == AssignmentStatus::InSync)
                    .map(|(_, since)| since)
            };
            let mut expected = bench.devices(CONTOSO).await;
            expected.retain(|device| since(&plan, device).map(|(status, _)| status) == status);
            expected.sort_by_key(|device| (std::cmp::Reverse(shown_at(device)), device.id));
            assert_eq!(found, expected, "{second} {status:?}");
        }
    }
}

async fn of_many_who_sync_at_once_one_does(bench: Workbench) {
    let rules = SyncRules {
        duration: SignedDuration::from_secs(5),
        interval: SignedDuration::from_mins(10),
    };
    let start = |tenant, second| {
        let store = bench.store.clone();
        async move {
            let started = store.start_sync(tenant, rules, actor(), at(second));
            started.await.unwrap()
        }
    };
    let mut racers = JoinSet::new();
    for _ in 0..20 {
        racers.spawn(start(CONTOSO, 0));
    }
    let outcomes = racers.join_all().await;
    let count = |wanted| outcomes.iter().filter(|one| **one == wanted).count();
    assert_eq!(count(SyncStart::Started), 1);
    assert_eq!(count(SyncStart::Running), 19);
    assert_eq!(start(FABRIKAM, 1).await, SyncStart::Started);
    assert_eq!(start(CONTOSO, 4).await, SyncStart::Running);
    assert_eq!(start(CONTOSO, 5).await, SyncStart::TooSoon(at(600)));
    assert_eq!(start(CONTOSO, 599).await, SyncStart::TooSoon(at(600)));
    assert_eq!(start(CONTOSO, 600).await, SyncStart::Started);
    let expected = SyncState {
        started_at: Some(at(600)),
        before: Some(at(0)),
    };
    assert_eq!(bench.store.sync_state(CONTOSO).await, Ok(expected));
    let nobody = TenantId(Uuid::from_u128(1));
    assert_eq!(
        bench.store.sync_state(nobody).await,
        Ok(SyncState::default())
    );
}

async fn what_is_done_to_profiles_is_audited(bench: Workbench) {
    let profile = bench.make_profile(1, 0).await;
    let device = bench.tagged(1, "").await;
    let (sales, all) = (Target::Group(SALES), Target::AllDevices);
    bench.target(profile, sales, 1).await;
    bench
        .move_target(profile, (Some(sales), Some(all)), 2)
        .await;
    bench.move_target(profile, (Some(all), None), 3).await;
    let store = &bench.store;
    let devices = vec![device.id];
    let assigned = store.assign_devices(CONTOSO, profile, devices, actor(), at(4));
    assigned.await.unwrap();
    let change = ProfileChange::default();
    let updated = store.update_profile(
        CONTOSO,
        profile,
        change,
        Precondition::default(),
        actor(),
        at(5),
    );
    updated.await.unwrap();
    for second in [6, 7, 8] {
        let deleted = store.delete_profile(
            CONTOSO,
            profile,
            Precondition::default(),
            actor(),
            at(second),
        );
        deleted.await.unwrap();
    }
    let rules = SyncRules::default();
    for second in [9, 10] {
        let synced = store.start_sync(CONTOSO, rules, actor(), at(second));
        synced.await.unwrap();
    }
    let slice = AuditSlice {
        after: 0,
        limit: 100,
    };
    let lines = store.list_audit(CONTOSO, slice).await.unwrap().rows;
    let about = |action: &str| !action.starts_with("import-");
    let told: Vec<_> = lines
        .iter()
        .filter(|line| about(&line.action))
        .map(|line| (line.action.as_str(), line.device, line.detail.as_deref()))
        .collect();
    let of_profile = format!("profile {profile}");
    let of_profile = Some(of_profile.as_str());
    assert_eq!(
        told,
        [
            ("profile-created", None, of_profile),
            ("profile-assigned-group", None, of_profile),
            ("profile-reassigned-group", None, of_profile),
            ("profile-unassigned-group", None, of_profile),
            ("profile-assigned", Some(device.id), of_profile),
            ("profile-changed", None, of_profile),
            ("profile-released", None, of_profile),
            ("profile-deleted", None, of_profile),
            ("sync-started", None, None),
        ]
    );
}
