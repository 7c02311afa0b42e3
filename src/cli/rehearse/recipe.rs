//! `hangar rehearse recipe`: what people report of the live service, ready to be set up.

use clap::Args;
use serde_json::{Value, json};

use super::{
    delay,
    director::{Director, path_to},
    fault::{self, present},
};

/// Sets up a recipe's faults and delays; without a name, says which recipes there are.
#[derive(Args)]
pub(super) struct RecipeArguments {
    /// Which
    recipe: Option<String>,
    /// What its rules' names begin with; absent, its own name
    #[arg(long, requires = "recipe")]
    name: Option<String>,
    /// For this tenant alone, by id or name
    #[arg(long, requires = "recipe")]
    tenant: Option<String>,
    /// For serial numbers of this pattern alone
    #[arg(long, value_name = "PATTERN", requires = "recipe")]
    serial: Option<String>,
    /// What is drawn from: the same seed draws the same
    #[arg(long, requires = "recipe")]
    seed: Option<u64>,
}

pub(super) async fn run(director: &Director, arguments: RecipeArguments) -> anyhow::Result<()> {
    const RECIPES: &str = "/rehearsal/recipes";
    let Some(recipe) = &arguments.recipe else {
        let answer = director.get(RECIPES).await?;
        return director.show_rows(&answer, &answer["recipes"], |recipe| {
            let text = |member: &str| recipe[member].as_str().unwrap_or_default().to_owned();
            format!("{}: {}", text("name"), text("report"))
        });
    };
    let when = present([
        ("tenant", json!(arguments.tenant)),
        ("serial", json!(arguments.serial)),
    ]);
    let choices = present([
        ("name", json!(arguments.name)),
        ("when", json!(when)),
        ("seed", json!(arguments.seed)),
    ]);
    let made = director
        .post(&path_to(RECIPES, recipe), &json!(choices))
        .await?;
    let of = |member: &str| made[member].as_array().cloned().unwrap_or_default();
    let rules = [of("faults"), of("delays")].concat();
    director.show_rows(&made, &Value::Array(rules), |rule| {
        if rule["then"].is_object() {
            format!("fault {}", fault::line(rule))
        } else {
            format!("delay {}", delay::line(rule))
        }
    })
}
