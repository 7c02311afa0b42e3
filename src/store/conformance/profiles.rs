//! Deployment profiles and their assignments. Which devices have them is in `assigned`.

use hardware_hash::Builder;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    domain::{
        assignment::{
            ALL_DEVICES, Assigned, Assignment, AssignmentRules, GroupId, GroupRule,
            MAX_ASSIGNMENTS, Plan, Target,
        },
        device::Device,
        profile::{MAX_PROFILES, Profile, ProfileId, ProfileKind},
        profile_change::{ProfileChange, ProfileRefusal},
        revision::Precondition,
        settings::{SyncRules, SyncStart},
        tag_pattern::TagPattern,
        tenant::TenantId,
    },
    store::{
        StoreError,
        operation::Slice,
        profiles::{AssignmentChange, AssignmentOutcome, ProfileDeletion, ProfileUpdate},
    },
    testing::{
        CONTOSO, FABRIKAM, actor, import_of,
        workbench::{WHOLE, Workbench, at},
    },
};

super::cases![
    a_profile_is_kept_as_it_is,
    a_profile_is_changed_and_deleted_by_its_tenant_alone,
    a_tenant_has_so_many_profiles_and_no_more,
    assignments_are_made_moved_and_removed,
    only_one_profile_is_for_all_devices,
    a_tenant_goes_with_its_profiles,
    a_closed_store_answers_nothing_of_profiles,
];

pub(super) const SALES: GroupId = GroupId(Uuid::from_u128(0x5a1e5));
pub(super) const LAB: GroupId = GroupId(Uuid::from_u128(0x1ab));

pub(super) fn id(number: u128) -> ProfileId {
    ProfileId(Uuid::from_u128(number))
}

pub(super) fn named(number: u128, tenant: TenantId, created_at: Timestamp) -> Profile {
    let said = ProfileChange {
        display_name: Some(format!("profile {number}")),
        ..ProfileChange::default()
    };
    Profile::new((tenant, id(number), ProfileKind::AzureAd), said, created_at).unwrap()
}

impl Workbench {
    /// A profile of CONTOSO's that was made at this second.
    pub(super) async fn make_profile(&self, number: u128, second: i64) -> ProfileId {
        let profile = named(number, CONTOSO, at(second));
        let created = self.store.create_profile(CONTOSO, profile, actor());
        assert_eq!(created.await, Ok(true));
        id(number)
    }

    pub(super) async fn move_target(
        &self,
        profile: ProfileId,
        (old, new): (Option<Target>, Option<Target>),
        second: i64,
    ) -> AssignmentOutcome {
        let change = AssignmentChange { profile, old, new };
        let changed = self
            .store
            .change_assignment(CONTOSO, change, actor(), at(second));
        changed.await.unwrap()
    }

    pub(super) async fn target(
        &self,
        profile: ProfileId,
        target: Target,
        second: i64,
    ) -> AssignmentOutcome {
        self.move_target(profile, (None, Some(target)), second)
            .await
    }

    pub(super) async fn targets(&self, profile: ProfileId) -> Vec<Target> {
        let found = self.store.list_assignments(CONTOSO, vec![profile]).await;
        found.unwrap().iter().map(|one| one.target).collect()
    }

    /// What the tenant's devices have at this second.
    pub(super) async fn plan(&self, second: i64) -> Plan {
        let rules = rules();
        let targeting = self.store.targeting(CONTOSO, rules.groups_with_devices());
        Plan::new(
            &targeting.await.unwrap(),
            &rules,
            &SyncRules::default(),
            at(second),
        )
    }

    pub(super) async fn assigned(&self, device: &Device, second: i64) -> Option<Assigned> {
        let device = self.device(CONTOSO, device.id).await.unwrap();
        self.plan(second).await.of(&device)
    }

    pub(super) async fn tagged(&self, seed: u64, group_tag: &str) -> Device {
        let mut import = import_of(&Builder::new(seed));
        import.group_tag = Some(group_tag.to_owned());
        self.register(CONTOSO, import).await
    }
}

fn rules() -> AssignmentRules {
    let rule = |group, tag| GroupRule {
        group,
        tag: TagPattern::new(tag),
    };
    AssignmentRules {
        groups: vec![rule(SALES, "Sales"), rule(LAB, "Lab")],
        ..AssignmentRules::default()
    }
}

async fn a_profile_is_kept_as_it_is(bench: Workbench) {
    let mut said = ProfileChange {
        display_name: Some("näme".to_owned()),
        role_scope_tags: Some(vec!["0".to_owned(), "7".to_owned()]),
        management_service_app_id: Some(Some("app".to_owned())),
        skip_connectivity_check: Some(true),
        ..ProfileChange::default()
    };
    said.hide_eula.add(true);
    said.status_screen.timeout_minutes = Some(60);
    said.status_screen.error_message = Some(Some("call us".to_owned()));
    let kind = ProfileKind::ActiveDirectory;
    let full = Profile::new((CONTOSO, id(1), kind), said, at(1)).unwrap();
    let plain = named(2, CONTOSO, at(2));
    for profile in [&full, &plain] {
        let created = bench
            .store
            .create_profile(CONTOSO, profile.clone(), actor());
        assert_eq!(created.await, Ok(true));
        let found = bench.store.profile(CONTOSO, profile.id).await;
        assert_eq!(found.unwrap().as_ref(), Some(profile));
        assert_eq!(bench.store.profile(FABRIKAM, profile.id).await, Ok(None));
    }
    let page = bench.store.list_profiles(CONTOSO, WHOLE).await.unwrap();
    assert_eq!(page.rows, [full, plain.clone()]);
    let slice = Slice {
        after: Some(id(1).0),
        ..WHOLE
    };
    let page = bench.store.list_profiles(CONTOSO, slice).await.unwrap();
    assert_eq!((page.rows, page.more), (vec![plain], false));
    assert_eq!(bench.store.count_profiles(FABRIKAM).await, Ok(0));
}

async fn a_profile_is_changed_and_deleted_by_its_tenant_alone(bench: Workbench) {
    let profile = bench.make_profile(1, 0).await;
    let change = ProfileChange {
        description: Some("new".to_owned()),
        ..ProfileChange::default()
    };
    let update = |tenant, change| {
        bench.store.update_profile(
            tenant,
            profile,
            change,
            Precondition::default(),
            actor(),
            at(9),
        )
    };
    assert_eq!(
        update(FABRIKAM, change.clone()).await,
        Ok(ProfileUpdate::Absent)
    );
    let Ok(ProfileUpdate::Done(changed)) = update(CONTOSO, change).await else {
        panic!("not changed");
    };
    assert_eq!(changed.properties.description, "new");
    assert_eq!((changed.created_at, changed.modified_at), (at(0), at(9)));
    let refused = ProfileChange {
        kind: Some(ProfileKind::ActiveDirectory),
        description: Some("newer".to_owned()),
        ..ProfileChange::default()
    };
    let refusal = ProfileRefusal::OtherKind(ProfileKind::AzureAd);
    assert_eq!(
        update(CONTOSO, refused).await,
        Ok(ProfileUpdate::Refused(refusal))
    );
    let found = bench.store.profile(CONTOSO, profile).await.unwrap();
    assert_eq!(found, Some(*changed));

    let delete = |tenant| {
        bench
            .store
            .delete_profile(tenant, profile, Precondition::default(), actor(), at(10))
    };
    assert_eq!(delete(FABRIKAM).await, Ok(ProfileDeletion::Absent));
    assert_eq!(delete(CONTOSO).await, Ok(ProfileDeletion::Deleted));
    assert_eq!(delete(CONTOSO).await, Ok(ProfileDeletion::Absent));
}

async fn a_tenant_has_so_many_profiles_and_no_more(bench: Workbench) {
    for number in 1..=u128::from(MAX_PROFILES) {
        bench.make_profile(number, 0).await;
    }
    let one_more = |tenant| {
        let profile = named(1_000, tenant, at(0));
        bench.store.create_profile(tenant, profile, actor())
    };
    assert_eq!(one_more(CONTOSO).await, Ok(false));
    assert_eq!(one_more(FABRIKAM).await, Ok(true));
    assert_eq!(bench.store.count_profiles(CONTOSO).await, Ok(MAX_PROFILES));
}

async fn assignments_are_made_moved_and_removed(bench: Workbench) {
    let profile = bench.make_profile(1, 0).await;
    let (sales, lab) = (Target::Group(SALES), Target::Excluded(LAB));
    assert_eq!(
        bench.target(id(9), sales, 1).await,
        AssignmentOutcome::Absent
    );
    assert_eq!(
        bench.target(profile, sales, 1).await,
        AssignmentOutcome::Done
    );
    assert_eq!(
        bench.target(profile, sales, 1).await,
        AssignmentOutcome::Taken
    );
    // A group may be left out of what it is in.
    let excluded = Target::Excluded(SALES);
    assert_eq!(
        bench.target(profile, excluded, 1).await,
        AssignmentOutcome::Done
    );
    assert_eq!(bench.targets(profile).await, [sales, excluded]);
    let moved = bench.move_target(profile, (Some(excluded), Some(lab)), 2);
    assert_eq!(moved.await, AssignmentOutcome::Done);
    assert_eq!(bench.targets(profile).await, [lab, sales]);
    let onto_another = bench.move_target(profile, (Some(lab), Some(sales)), 2);
    assert_eq!(onto_another.await, AssignmentOutcome::Taken);
    let same = bench.move_target(profile, (Some(lab), Some(lab)), 2);
    assert_eq!(same.await, AssignmentOutcome::Done);

    // Another tenant meets nothing of it.
    let theirs = bench.store.list_assignments(FABRIKAM, vec![profile]).await;
    assert_eq!(theirs, Ok(Vec::new()));
    let change = AssignmentChange {
        profile,
        old: Some(sales),
        new: None,
    };
    let removed = |tenant| {
        bench
            .store
            .change_assignment(tenant, change, actor(), at(3))
    };
    assert_eq!(removed(FABRIKAM).await, Ok(AssignmentOutcome::Absent));
    assert_eq!(removed(CONTOSO).await, Ok(AssignmentOutcome::Done));
    assert_eq!(removed(CONTOSO).await, Ok(AssignmentOutcome::Absent));

    let held = bench.targets(profile).await.len() as u64;
    for number in held..MAX_ASSIGNMENTS {
        let target = Target::Group(GroupId(Uuid::from_u128(0xf000 + u128::from(number))));
        assert_eq!(
            bench.target(profile, target, 4).await,
            AssignmentOutcome::Done
        );
    }
    assert_eq!(
        bench.target(profile, sales, 4).await,
        AssignmentOutcome::Full
    );
    let moved = bench.move_target(profile, (Some(lab), Some(sales)), 4);
    assert_eq!(moved.await, AssignmentOutcome::Done);

    let delete =
        bench
            .store
            .delete_profile(CONTOSO, profile, Precondition::default(), actor(), at(5));
    assert_eq!(delete.await, Ok(ProfileDeletion::Assigned));
}

async fn only_one_profile_is_for_all_devices(bench: Workbench) {
    let (one, other) = (
        bench.make_profile(1, 0).await,
        bench.make_profile(2, 1).await,
    );
    let all = Target::AllDevices;
    assert_eq!(bench.target(one, all, 2).await, AssignmentOutcome::Done);
    for profile in [one, other] {
        assert_eq!(
            bench.target(profile, all, 2).await,
            AssignmentOutcome::AllDevicesTaken(one)
        );
    }
    let removed = bench.move_target(one, (Some(all), None), 3).await;
    assert_eq!(removed, AssignmentOutcome::Done);
    assert_eq!(bench.target(other, all, 4).await, AssignmentOutcome::Done);

    // Groups that no rule names, and other tenants' assignments, are left out.
    bench.target(one, Target::Group(LAB), 5).await;
    let targeting = bench.store.targeting(CONTOSO, vec![ALL_DEVICES]).await;
    let found: Vec<_> = targeting
        .unwrap()
        .candidates
        .iter()
        .map(|one| one.assignment)
        .collect();
    let profile = other;
    assert_eq!(
        found,
        [Assignment {
            profile,
            target: all
        }]
    );
    let theirs = bench.store.targeting(FABRIKAM, vec![ALL_DEVICES, LAB]);
    assert_eq!(theirs.await.unwrap().candidates, []);
}

async fn a_tenant_goes_with_its_profiles(bench: Workbench) {
    let store = &bench.store;
    for number in 1..=3 {
        let profile = bench.make_profile(number, 0).await;
        bench.target(profile, Target::Group(SALES), 1).await;
    }
    let rules = SyncRules::default();
    for tenant in [CONTOSO, FABRIKAM] {
        let started = store.start_sync(tenant, rules, actor(), at(1)).await;
        assert_eq!(started, Ok(SyncStart::Started));
    }
    let profiles = |tenants: &[crate::store::operation::TenantSummary]| {
        let told = tenants.iter().map(|one| (one.tenant, one.profiles));
        told.collect::<Vec<_>>()
    };
    let before = store.list_tenants().await.unwrap();
    assert_eq!(profiles(&before), [(CONTOSO, 3), (FABRIKAM, 0)]);
    let mut steps = Vec::new();
    loop {
        let step = store.delete_tenant_rows(CONTOSO, 2, actor(), at(2)).await;
        let step = step.unwrap();
        if step.rows() == 0 {
            break;
        }
        assert!(step.rows() <= 2);
        steps.push((step.profiles, step.settings));
    }
    assert_eq!(steps, [(0, 2), (1, 1), (2, 0), (0, 1)]);
    let after = store.list_tenants().await.unwrap();
    assert_eq!(profiles(&after), [(FABRIKAM, 0)]);
}

async fn a_closed_store_answers_nothing_of_profiles(bench: Workbench) {
    let profile = bench.make_profile(1, 0).await;
    let plan = bench.plan(1).await;
    let store = &bench.store;
    store.close().await;
    let (now, change) = (at(1), ProfileChange::default());
    let target = AssignmentChange {
        profile,
        old: None,
        new: Some(Target::AllDevices),
    };
    let new = named(2, CONTOSO, now);
    let rules = SyncRules::default();
    let errors = [
        store.create_profile(CONTOSO, new, actor()).await.err(),
        store.profile(CONTOSO, profile).await.err(),
        store.list_profiles(CONTOSO, WHOLE).await.err(),
        store.count_profiles(CONTOSO).await.err(),
        store
            .update_profile(
                CONTOSO,
                profile,
                change,
                Precondition::default(),
                actor(),
                now,
            )
            .await
            .err(),
        store
            .delete_profile(CONTOSO, profile, Precondition::default(), actor(), now)
            .await
            .err(),
        store
            .assign_devices(CONTOSO, profile, Vec::new(), actor(), now)
            .await
            .err(),
        store.list_assignments(CONTOSO, vec![profile]).await.err(),
        store
            .change_assignment(CONTOSO, target, actor(), now)
            .await
            .err(),
        store.targeting(CONTOSO, vec![SALES]).await.err(),
        store
            .find_assigned_devices(CONTOSO, profile, plan, None, 1)
            .await
            .err(),
        store.sync_state(CONTOSO).await.err(),
        store.start_sync(CONTOSO, rules, actor(), now).await.err(),
    ];
    for (number, error) in errors.into_iter().enumerate() {
        assert!(
            matches!(error, Some(StoreError::Unavailable(_))),
            "operation {number}: {error:?}"
        );
    }
}
