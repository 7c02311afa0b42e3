//! "Did you mean …?", for names that are not known.

/// Words longer than this are no slips of the pen, and are not worth comparing.
const LONGEST_WORD: usize = 64;

/// The candidate that is spelt most like `word`, if any is near enough to have been meant. Letter
/// case counts for nothing.
pub(crate) fn nearest(
    word: &str,
    candidates: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    let folded = word.to_ascii_lowercase();
    let (distance, candidate) = candidates
        .map(|candidate| {
            (
                edit_distance(&folded, &candidate.to_ascii_lowercase()),
                candidate,
            )
        })
        .min()?;
    (distance <= word.len() / 4 + usize::from(word.len() > 2)).then_some(candidate)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found() {
        let names = ["serialNumber", "productKey", "id", "groupTag"];
        let cases = [
            ("SerialNumber", Some("serialNumber")),
            ("serialnumbr", Some("serialNumber")),
            ("grouptags", Some("groupTag")),
            ("ID", Some("id")),
            ("xy", None),
            ("colour", None),
            ("", None),
        ];
        for (word, meant) in cases {
            assert_eq!(nearest(word, names.into_iter()), meant, "{word}");
        }
        let long = "s".repeat(100_000);
        assert_eq!(nearest(&long, names.into_iter()), None);
    }
}
