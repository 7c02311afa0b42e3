//! Lists and searches, one request after the other on one connection: how long a page takes, and
//! whether more rows make it longer.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::{
    client::Client,
    random::Random,
    results::{Collection, ListRead, Question},
    rows::{LARGE, REFUSED, Rows, SHARED, SMALL},
    server::Server,
    summary::{median, ms, share},
};

/// How many pages far from the start are asked for in turn, where there are so many.
const FAR_PAGES: u64 = 8;

/// How much is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// How many rows a page has.
    pub(crate) page: u64,
    /// How often each question is asked.
    pub(crate) samples: u32,
}

/// A question, and what must come of it.
struct Asked {
    question: Question,
    /// Who asks.
    tenant: &'static str,
    /// Asked in turn.
    links: Vec<String>,
    /// How many rows each answer has.
    hits: u64,
}

/// Asks a server over these rows every question.
pub(crate) fn measure(
    server: &Server,
    rows: Rows,
    extent: Extent,
) -> anyhow::Result<Vec<ListRead>> {
    let mut asked = searches(rows, extent);
    for collection in [Collection::Imports, Collection::Devices] {
        asked.extend(pages(server, rows, collection, extent.page)?);
    }
    if rows.small > 0 {
        asked.extend(searches_of_small_tenant(rows, extent.page));
    }
    let ask = |asked: &Asked| ask(server, rows, asked, extent.samples);
    asked.iter().map(ask).collect()
}

fn ask(server: &Server, rows: Rows, asked: &Asked, samples: u32) -> anyhow::Result<ListRead> {
    let mut client = Client::connect(&server.address, &server.token_of(asked.tenant)?)?;
    let mut times = Vec::new();
    let unmeasured = samples / 10;
    for (number, link) in (0..unmeasured + samples).zip(asked.links.iter().cycle()) {
        let (answer, took) = client.get(link)?;
        let (found, hits) = (value(&answer)?.len() as u64, asked.hits);
        ensure!(found == hits, "{found} rows where {hits} should be: {link}");
        // The first ones fill what is remembered between requests.
        if number >= unmeasured {
            times.push(ms(took));
        }
    }
    Ok(ListRead {
        question: asked.question,
        rows: rows.large,
        hits: asked.hits,
        p50_ms: median(times.iter().copied()),
        p99_ms: share(times, 99),
    })
}

/// What the large tenant searches for.
fn searches(rows: Rows, extent: Extent) -> Vec<Asked> {
    let Extent { page, samples } = extent;
    let mut random = Random::new(rows.large);
    let registered = std::iter::repeat_with(|| random.below(rows.large))
        .filter(|number| !rows.is_refused(*number))
        .take(samples as usize);
    let absent = rows.large..rows.large + u64::from(samples);
    let whole = |number| containing(page, &Rows::serial(number));
    // Serial numbers have no small letters: there is always another row to look at.
    let letters = b'a'..=b'z';
    let short = letters.clone().flat_map(|first| {
        let pair = move |second| [first, second].map(char::from).iter().collect::<String>();
        letters.clone().map(pair)
    });
    let refused = "&$filter=state/deviceImportStatus%20eq%20'error'";
    let asked = |question, links, hits| Asked {
        question,
        tenant: LARGE,
        links,
        hits,
    };
    vec![
        asked(Question::OneHit, registered.map(whole).collect(), 1),
        asked(Question::NoHit, absent.map(whole).collect(), 0),
        asked(
            Question::ShortPart,
            short.map(|part| containing(page, &part)).collect(),
            0,
        ),
        asked(
            Question::Refused,
            vec![first_page(Collection::Imports, page) + refused],
            page.min(REFUSED),
        ),
    ]
}

/// What a tenant searches for that has few rows beside another's many.
fn searches_of_small_tenant(rows: Rows, page: u64) -> [Asked; 2] {
    let asked = |question, part: &str, hits| Asked {
        question,
        tenant: SMALL,
        links: vec![containing(page, part)],
        hits,
    };
    [
        asked(
            Question::CommonPart,
            Rows::common_part(),
            page.min(rows.small),
        ),
        asked(Question::OthersPart, &Rows::shared_part(), page.min(SHARED)),
    ]
}

/// The first page, and some that follow nine tenths of the rows.
fn pages(
    server: &Server,
    rows: Rows,
    collection: Collection,
    page: u64,
) -> anyhow::Result<[Asked; 2]> {
    let first = first_page(collection, page);
    let mut client = Client::connect(&server.address, &server.token_of(LARGE)?)?;
    let mut link = format!("{first}&$skip={}", rows.large * 9 / 10 - page);
    let mut far = Vec::new();
    // The last page may not be full.
    for _ in 0..FAR_PAGES.min(rows.large / 10 / page - 1) {
        let (answer, _) = client.get(&link)?;
        let next = answer["@odata.nextLink"].as_str();
        let next = next.context("the pages end too soon")?;
        next.clone_into(&mut link);
        far.push(link.clone());
    }
    let asked = |question, links| Asked {
        question,
        tenant: LARGE,
        links,
        hits: page,
    };
    Ok([
        asked(Question::FirstPage(collection), vec![first]),
        asked(Question::FarPage(collection), far),
    ])
}

fn first_page(collection: Collection, page: u64) -> String {
    let set = collection.set();
    format!("/beta/deviceManagement/{set}?$top={page}")
}

fn containing(page: u64, part: &str) -> String {
    let first = first_page(Collection::Devices, page);
    format!("{first}&$filter=contains(serialNumber,'{part}')")
}

fn value(answer: &Value) -> anyhow::Result<&Vec<Value>> {
    answer["value"].as_array().context("an answer without rows")
}
