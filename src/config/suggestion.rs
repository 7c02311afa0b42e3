//! "Did you mean …?", for names that are not in the table.

use super::setting::{self, SETTINGS, Setting};

/// The setting that someone who wrote `key` may have meant: the one of that name in another
/// section, or the one that is spelt most like it.
pub(super) fn for_setting(key: &str) -> Option<&'static Setting> {
    let namesake = SETTINGS
        .iter()
        .find(|setting| setting.section_and_name().1 == key);
    namesake.or_else(|| setting::find(nearest(key, SETTINGS.iter().map(|row| row.key))?))
}

/// The candidate that is spelt most like `word`, if any is near enough to have been meant.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let (distance, candidate) = candidates
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .min()?;
    (distance <= 1 + word.len() / 4).then_some(candidate)
}

/// How many characters must be put in, taken out or replaced to make one word of the other.
fn edit_distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut distance = above + 1;
        let mut diagonal = above;
        if let Some(first) = row.first_mut() {
            *first = distance;
        }
        for (other, cell) in right.chars().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *cell;
            distance = replaced.min(diagonal + 1).min(distance + 1);
            *cell = distance;
        }
    }
    row.last().copied().unwrap_or_default()
}
