//! What a client says of a deployment profile, and what becomes of the profile by it.

use jiff::Timestamp;

use super::{
    field::ProfileField,
    profile::{
        DeviceType, Profile, ProfileId, ProfileKind, ProfileProperties, StatusScreen, UsageType,
        UserType,
    },
    tenant::TenantId,
};

/// What was said of a value that has two names. A client that read both may change only one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T> {
    one: Option<T>,
    other: Option<T>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self {
            one: None,
            other: None,
        }
    }
}

impl<T: PartialEq> Named<T> {
    /// Notes a value that was given under one of the names.
    pub fn add(&mut self, value: T) {
        if self.one.is_none() {
            self.one = Some(value);
        } else {
            self.other = Some(value);
        }
    }

    /// The value that is meant, if any. Of two that differ, it is the one that is not what already
    /// holds.
    fn settle(self, current: Option<&T>) -> Result<Option<T>, TwoValues> {
        match (self.one, self.other) {
            (Some(one), Some(other)) if one != other => {
                if current == Some(&one) {
                    Ok(Some(other))
                } else if current == Some(&other) {
                    Ok(Some(one))
                } else {
                    Err(TwoValues)
                }
            }
            (one, other) => Ok(other.or(one)),
        }
    }
}

/// Two names of one value were given two new values.
struct TwoValues;

/// What a client says of a profile: everything when it makes one, something when it changes one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// The kind, if it was named.
    pub kind: Option<ProfileKind>,
    /// The new display name.
    pub display_name: Option<String>,
    /// The new description.
    pub description: Option<String>,
    /// The new locale.
    pub locale: Named<String>,
    /// How the device is used.
    pub usage: Named<UsageType>,
    /// Who the user is.
    pub user: Named<UserType>,
    /// Whether the link out is hidden.
    pub hide_escape_link: Named<bool>,
    /// Whether the licence is hidden.
    pub hide_eula: Named<bool>,
    /// Whether the privacy settings are hidden.
    pub hide_privacy_settings: Named<bool>,
    /// Whether the keyboard's page is skipped.
    pub skip_keyboard_page: Named<bool>,
    /// The new status screen.
    pub status_screen: StatusScreenChange,
    /// Whether hashes are taken from devices.
    pub extract_hardware_hash: Named<bool>,
    /// The new template of names.
    pub device_name_template: Option<String>,
    /// The new device type.
    pub device_type: Option<DeviceType>,
    /// Whether a technician may prepare the device.
    pub allow_preprovisioning: Named<bool>,
    /// The new scope tags.
    pub role_scope_tags: Option<Vec<String>>,
    /// The new application.
    pub management_service_app_id: Option<Option<String>>,
    /// Whether a domain controller need not be reached.
    pub skip_connectivity_check: Option<bool>,
}

/// What a client says of the status screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusScreenChange {
    /// Whether there is to be none.
    pub removed: bool,
    /// Whether progress is hidden.
    pub hide_progress: Option<bool>,
    /// Whether the device may be used early.
    pub allow_early_use: Option<bool>,
    /// Whether the user may not try again.
    pub block_retry: Option<bool>,
    /// Whether logs are collected.
    pub allow_log_collection: Option<bool>,
    /// The new message.
    pub error_message: Option<Option<String>>,
    /// How long installing may take.
    pub timeout_minutes: Option<i32>,
    /// Whether the device may be used after a failure.
    pub allow_use_on_failure: Option<bool>,
}

/// Why a profile can't be what a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileRefusal {
    /// Both names of this value were given, with different values.
    #[error("two names of one value differ: {0:?}")]
    NamesDiffer(ProfileField),
    /// A profile of one kind can't become one of the other.
    #[error("the kind of a profile never changes")]
    OtherKind(ProfileKind),
    /// Profiles of this kind have no such property.
    #[error("profiles of this kind have no {0:?}")]
    NotOfKind(ProfileField),
}

impl Profile {
    /// A new profile that says this, and of all else what holds by default.
    pub fn new(
        (tenant, id, kind): (TenantId, ProfileId, ProfileKind),
        said: ProfileChange,
        now: Timestamp,
    ) -> Result<Self, ProfileRefusal> {
        let mut profile = Self {
            tenant,
            id,
            kind,
            properties: ProfileProperties::default(),
            created_at: now,
            modified_at: now,
        };
        profile.take(said, Before::Nothing)?;
        Ok(profile)
    }

    /// Changes what is said, and nothing else.
    pub fn apply(&mut self, change: ProfileChange, now: Timestamp) -> Result<(), ProfileRefusal> {
        self.take(change, Before::Itself)?;
        self.modified_at = now;
        Ok(())
    }

    fn take(&mut self, change: ProfileChange, before: Before) -> Result<(), ProfileRefusal> {
        if change.kind.is_some_and(|kind| kind != self.kind) {
            return Err(ProfileRefusal::OtherKind(self.kind));
        }
        // That it is not skipped holds of them all the same, and a widely used script says so.
        if self.kind == ProfileKind::AzureAd && change.skip_connectivity_check == Some(true) {
            return Err(ProfileRefusal::NotOfKind(
                ProfileField::SkipConnectivityCheck,
            ));
        }
        let properties = &mut self.properties;
        let out = &mut properties.out_of_box;
        before.name(ProfileField::Locale, &mut properties.locale, change.locale)?;
        before.name(ProfileField::UsageType, &mut out.usage, change.usage)?;
        before.name(ProfileField::UserType, &mut out.user, change.user)?;
        for (field, place, said) in [
            (
                ProfileField::HideEscapeLink,
                &mut out.hide_escape_link,
                change.hide_escape_link,
            ),
            (ProfileField::HideEula, &mut out.hide_eula, change.hide_eula),
            (
                ProfileField::HidePrivacySettings,
                &mut out.hide_privacy_settings,
                change.hide_privacy_settings,
            ),
            (
                ProfileField::SkipKeyboardPage,
                &mut out.skip_keyboard_page,
                change.skip_keyboard_page,
            ),
            (
                ProfileField::ExtractHardwareHash,
                &mut properties.extract_hardware_hash,
                change.extract_hardware_hash,
            ),
            (
                ProfileField::AllowPreprovisioning,
                &mut properties.allow_preprovisioning,
                change.allow_preprovisioning,
            ),
        ] {
            before.name(field, place, said)?;
        }
        replace(&mut properties.display_name, change.display_name);
        replace(&mut properties.description, change.description);
        replace(
            &mut properties.device_name_template,
            change.device_name_template,
        );
        replace(&mut properties.device_type, change.device_type);
        replace(&mut properties.role_scope_tags, change.role_scope_tags);
        replace(
            &mut properties.management_service_app_id,
            change.management_service_app_id,
        );
        replace(
            &mut properties.skip_connectivity_check,
            change.skip_connectivity_check,
        );
        change.status_screen.apply(&mut properties.status_screen);
        Ok(())
    }
}

/// What a value with two names is compared with.
#[derive(Clone, Copy)]
enum Before {
    /// The profile is new: its defaults are nothing that a client read.
    Nothing,
    /// What the profile says already.
    Itself,
}

impl Before {
    fn name<T: PartialEq>(
        self,
        field: ProfileField,
        place: &mut T,
        said: Named<T>,
    ) -> Result<(), ProfileRefusal> {
        let current = match self {
            Self::Nothing => None,
            Self::Itself => Some(&*place),
        };
        let meant = said
            .settle(current)
            .map_err(|TwoValues| ProfileRefusal::NamesDiffer(field))?;
        replace(place, meant);
        Ok(())
    }
}

impl StatusScreenChange {
    fn apply(self, screen: &mut Option<StatusScreen>) {
        if self.removed {
            *screen = None;
            return;
        }
        if self == Self::default() {
            return;
        }
        let screen = screen.get_or_insert_default();
        replace(&mut screen.hide_progress, self.hide_progress);
        replace(&mut screen.allow_early_use, self.allow_early_use);
        replace(&mut screen.block_retry, self.block_retry);
        replace(&mut screen.allow_log_collection, self.allow_log_collection);
        replace(&mut screen.error_message, self.error_message);
        replace(&mut screen.timeout_minutes, self.timeout_minutes);
        replace(&mut screen.allow_use_on_failure, self.allow_use_on_failure);
    }
}

fn replace<T>(place: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *place = said;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn profile(kind: ProfileKind, said: ProfileChange) -> Result<Profile, ProfileRefusal> {
        let tenant = TenantId(Uuid::from_u128(1));
        let id = ProfileId(Uuid::from_u128(2));
        Profile::new((tenant, id, kind), said, Timestamp::UNIX_EPOCH)
    }

    fn locale(old: Option<&str>, new: Option<&str>) -> ProfileChange {
        let mut change = ProfileChange::default();
        for value in [old, new].into_iter().flatten() {
            change.locale.add(value.to_owned());
        }
        change
    }

    #[test]
    fn of_two_names_the_one_that_changed_counts() {
        let differ = Err(ProfileRefusal::NamesDiffer(ProfileField::Locale));
        let cases = [
            (None, None, Ok("en")),
            (Some("de"), None, Ok("de")),
            (None, Some("de"), Ok("de")),
            (Some("de"), Some("de"), Ok("de")),
            (Some("en"), Some("de"), Ok("de")),
            (Some("de"), Some("en"), Ok("de")),
            (Some("de"), Some("fr"), differ),
        ];
        for (old, new, expected) in cases {
            let mut profile =
                profile(ProfileKind::AzureAd, locale(Some("en"), Some("en"))).unwrap();
            let applied = profile.apply(locale(old, new), Timestamp::UNIX_EPOCH);
            let found = applied.map(|()| profile.properties.locale.as_str());
            assert_eq!(found, expected, "{old:?} {new:?}");
        }
        // Nobody has read the defaults of a profile that is not there yet.
        let said = locale(Some("os-default"), Some("de"));
        let refused = profile(ProfileKind::AzureAd, said).unwrap_err();
        assert_eq!(refused, ProfileRefusal::NamesDiffer(ProfileField::Locale));
    }

    #[test]
    fn a_kind_stays_and_has_its_own_properties() {
        let hybrid = ProfileChange {
            skip_connectivity_check: Some(true),
            ..ProfileChange::default()
        };
        assert_eq!(
            profile(ProfileKind::AzureAd, hybrid.clone()),
            Err(ProfileRefusal::NotOfKind(
                ProfileField::SkipConnectivityCheck
            ))
        );
        let not_skipped = ProfileChange {
            skip_connectivity_check: Some(false),
            ..ProfileChange::default()
        };
        profile(ProfileKind::AzureAd, not_skipped).unwrap();
        let mut profile = profile(ProfileKind::ActiveDirectory, hybrid).unwrap();
        assert!(profile.properties.skip_connectivity_check);
        let other = ProfileChange {
            kind: Some(ProfileKind::AzureAd),
            ..ProfileChange::default()
        };
        assert_eq!(
            profile.apply(other, Timestamp::UNIX_EPOCH),
            Err(ProfileRefusal::OtherKind(ProfileKind::ActiveDirectory))
        );
    }

    #[test]
    fn a_status_screen_comes_with_its_first_member_and_goes_as_a_whole() {
        let screen = |timeout_minutes, removed| ProfileChange {
            status_screen: StatusScreenChange {
                removed,
                timeout_minutes,
                ..StatusScreenChange::default()
            },
            ..ProfileChange::default()
        };
        let mut profile = profile(ProfileKind::AzureAd, screen(None, false)).unwrap();
        assert_eq!(profile.properties.status_screen, None);
        let now = Timestamp::from_second(9).unwrap();
        profile.apply(screen(Some(60), false), now).unwrap();
        let found = profile.properties.status_screen.clone().unwrap();
        assert_eq!(found.timeout_minutes, 60);
        assert_eq!(profile.modified_at, now);
        profile.apply(screen(None, true), now).unwrap();
        assert_eq!(profile.properties.status_screen, None);
    }
}
