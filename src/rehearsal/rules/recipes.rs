//! What people report of the live service, ready to be set up: each recipe is a set of faults and
//! delays like any others, which are listed and deleted as those are.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use super::{
    DelayRule, FaultRule,
    answer::Answer,
    condition::When,
    delay::{Range, Which},
    fault::{Break, Then},
    throttle::Throttle,
};
use crate::rehearsal::control::Problem;

/// A recipe.
pub struct Recipe {
    /// What it is called.
    pub name: &'static str,
    /// What people report.
    pub report: &'static str,
    rules: fn(&Choices) -> Set,
}

/// Whom a recipe is for, as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choices {
    /// What its rules' names begin with; absent, the recipe's.
    #[serde(default)]
    name: Option<String>,
    /// Which requests and imports it is for; absent, all.
    #[serde(default)]
    when: Which,
    /// What its draws are made from, where it draws.
    #[serde(default)]
    seed: Option<u64>,
}

/// The rules of a recipe.
#[derive(Default)]
pub struct Set {
    /// Its faults.
    pub faults: Vec<FaultRule>,
    /// Its delays.
    pub delays: Vec<DelayRule>,
}

/// Imports, and those in uploads.
const IMPORTS: &str = "*/deviceManagement/importedWindowsAutopilotDeviceIdentit*";
const DEVICES: &str = "*/deviceManagement/windowsAutopilotDeviceIdentities*";
const SYNC: &str = "*/deviceManagement/windowsAutopilotSettings/sync";

/// Every recipe.
pub const RECIPES: [Recipe; 8] = [
    Recipe {
        name: "throttled-at-61",
        report: "Sixty devices go in, and from the sixty-first on every create is answered 429, without Retry-After, until five minutes have passed.",
        rules: throttled_at_61,
    },
    Recipe {
        name: "lost-answer",
        report: "The first create is done and on disk, but its connection breaks before the answer: whoever sends it again meets what is there.",
        rules: lost_answer,
    },
    Recipe {
        name: "stuck-unknown",
        report: "Imports stay at unknown and nothing ever becomes of them.",
        rules: stuck_unknown,
    },
    Recipe {
        name: "other-tenant",
        report: "Imports end in error 808, ZtdDeviceAssignedToOtherTenant: somebody else has the devices.",
        rules: other_tenant,
    },
    Recipe {
        name: "silent-delete",
        report: "The first DELETE of a device is answered as done, and the device is still there.",
        rules: silent_delete,
    },
    Recipe {
        name: "sync-too-soon",
        report: "The first sync is answered 429, without Retry-After, because somebody asked for one shortly before.",
        rules: sync_too_soon,
    },
    Recipe {
        name: "slow-directory",
        report: "Imports take five to fifteen minutes, each its own time, and a device is found only two minutes after its import is complete.",
        rules: slow_directory,
    },
    Recipe {
        name: "flaky-gateway",
        report: "One request in four goes wrong on its way: an HTML page with 503, or a connection that breaks before, after or within the answer.",
        rules: flaky_gateway,
    },
];

/// The recipe of this name.
pub fn find(name: &str) -> Option<&'static Recipe> {
    RECIPES.iter().find(|recipe| recipe.name == name)
}

impl Recipe {
    /// Its rules for these choices.
    pub fn cook(&self, choices: &Choices) -> Result<Set, Problem> {
        let mut set = (self.rules)(choices);
        let base = choices.name.as_deref().unwrap_or(self.name);
        let draws = set.delays.iter().any(|delay| delay.range.is_some())
            || set
                .faults
                .iter()
                .any(|fault| fault.when.probability.is_some());
        if choices.seed.is_some() && !draws {
            return Err(Problem::bad("this recipe draws nothing").of("seed"));
        }
        for fault in &mut set.faults {
            fault.name = Some(match &fault.name {
                Some(part) => format!("{base}-{part}"),
                None => base.to_owned(),
            });
            fault.when.tenant.clone_from(&choices.when.tenant);
            fault.when.serial.clone_from(&choices.when.serial);
        }
        for delay in &mut set.delays {
            delay.name = Some(base.to_owned());
            delay.when = choices.when.clone();
        }
        Ok(set)
    }
}

fn one(when: When, then: Then) -> Set {
    Set {
        faults: vec![FaultRule {
            name: None,
            when,
            then,
        }],
        delays: Vec::new(),
    }
}

/// The first request of a method to a path.
fn first(method: &str, path: &str) -> When {
    When {
        method: Some(method.to_owned()),
        path: Some(path.to_owned()),
        nth: Some(1),
        ..When::default()
    }
}

fn answer(status: u16) -> Answer {
    Answer {
        status,
        code: None,
        message: None,
        retry_after: None,
        behavior: None,
        body: None,
        content_type: None,
    }
}

fn throttled_at_61(_: &Choices) -> Set {
    let when = When {
        nth: None,
        ..first("POST", IMPORTS)
    };
    let throttle = Throttle {
        from_device: 61,
        per: Some(SignedDuration::from_mins(5)),
        retry_after: None,
    };
    one(
        when,
        Then {
            throttle: Some(throttle),
            ..Then::default()
        },
    )
}

fn lost_answer(_: &Choices) -> Set {
    one(
        first("POST", IMPORTS),
        Then {
            break_off: Some(Break::After),
            ..Then::default()
        },
    )
}

fn stuck_unknown(_: &Choices) -> Set {
    one(
        When::default(),
        Then {
            hold: Some(true),
            ..Then::default()
        },
    )
}

fn other_tenant(_: &Choices) -> Set {
    one(
        When::default(),
        Then {
            refuse: Some(json!("ZtdDeviceAssignedToOtherTenant")),
            ..Then::default()
        },
    )
}

fn silent_delete(_: &Choices) -> Set {
    one(
        first("DELETE", DEVICES),
        Then {
            answer: Some(answer(204)),
            ..Then::default()
        },
    )
}

fn sync_too_soon(_: &Choices) -> Set {
    let refusal = Answer {
        message: Some("A sync was requested less than ten minutes ago.".to_owned()),
        ..answer(429)
    };
    one(
        first("POST", SYNC),
        Then {
            answer: Some(refusal),
            ..Then::default()
        },
    )
}

fn slow_directory(choices: &Choices) -> Set {
    let unseen = Then {
        unseen: Some(SignedDuration::from_mins(2)),
        ..Then::default()
    };
    let range = Range {
        from: SignedDuration::from_mins(5),
        to: SignedDuration::from_mins(15),
        seed: choices.seed,
    };
    Set {
        delays: vec![DelayRule {
            range: Some(range),
            ..DelayRule::default()
        }],
        ..one(When::default(), unseen)
    }
}

fn flaky_gateway(choices: &Choices) -> Set {
    let page = Answer {
        body: Some("<html><body><h1>503 Service Unavailable</h1></body></html>".to_owned()),
        ..answer(503)
    };
    let breaks = |place| Then {
        break_off: Some(place),
        ..Then::default()
    };
    let answers = Then {
        answer: Some(page),
        ..Then::default()
    };
    let faults = [
        ("503", answers, 0.1),
        ("before", breaks(Break::Before), 0.05),
        ("after", breaks(Break::After), 0.06),
        ("within", breaks(Break::Within), 0.07),
    ];
    let faults = faults
        .into_iter()
        .map(|(name, then, probability)| FaultRule {
            name: Some(name.to_owned()),
            when: When {
                probability: Some(probability),
                seed: choices.seed,
                ..When::default()
            },
            then,
        });
    Set {
        faults: faults.collect(),
        delays: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::rules::Rules;

    #[test]
    fn every_recipe_is_a_set_of_sound_rules() {
        let rules = Rules::default();
        for recipe in &RECIPES {
            let set = recipe.cook(&Choices::default());
            let Set { faults, delays } = set.unwrap();
            assert!(recipe.report.ends_with('.'), "{}", recipe.name);
            rules.add(faults, delays).unwrap();
        }
        assert_eq!((rules.faults().len(), rules.delays().len()), (11, 1));
        for recipe in &RECIPES {
            let name = recipe.name;
            let faults = rules.faults();
            let is_its =
                |fault: &serde_json::Value| fault["name"].as_str().unwrap().starts_with(name);
            assert!(faults.iter().any(is_its), "{name}");
        }
    }
}
