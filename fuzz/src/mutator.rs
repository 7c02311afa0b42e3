//! Makes new inputs from old ones: flips, cuts, repeats, splices and inserts what parsers trip over.
//! The sequence follows from the seed, the corpus and the words alone.

/// Large enough for a hardware hash or a long filter several times over.
const MOST_BYTES: usize = 64 << 10;

/// What tends to end a string, a number, a line, a buffer or a decoder's patience.
const INTERESTING: &[&[u8]] = &[
    b"\0",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"'",
    b"''",
    b"\"",
    b"\\",
    b"(",
    b")",
    b"((((((((((((((((",
    b"[",
    b"{",
    b",",
    b"/",
    b"%",
    b"%00",
    b"%2",
    b"=",
    b"==",
    b"\r\n",
    b" ",
    b"\t",
    b"-1",
    b"-0",
    b"1e999",
    b"2147483648",
    b"18446744073709551616",
    b"\xc3",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xf0\x9f",
    b"\xef\xbb\xbf",
    "\u{e9}".as_bytes(),
    "\u{1f600}".as_bytes(),
];

/// An endless, repeatable sequence of inputs.
pub(crate) struct Mutator {
    random: Random,
    corpus: Vec<Vec<u8>>,
    words: &'static [&'static str],
}

impl Mutator {
    pub(crate) fn new(seed: u64, corpus: Vec<Vec<u8>>, words: &'static [&'static str]) -> Self {
        Self {
            random: Random(seed),
            corpus,
            words,
        }
    }

    /// Changes an input of the corpus a few times, or now and then begins with nothing.
    pub(crate) fn next_input(&mut self) -> Vec<u8> {
        let mut input = if self.random.below(16) == 0 {
            Vec::new()
        } else {
            self.old_input()
        };
        for _ in 0..=self.random.below(8) {
            self.change(&mut input);
        }
        input.truncate(MOST_BYTES);
        input
    }

    fn old_input(&mut self) -> Vec<u8> {
        let index = self.random.below(self.corpus.len());
        self.corpus.get(index).cloned().unwrap_or_default()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        match self.random.below(9) {
            0 => self.flip_bit(input),
            1 => self.set_byte(input),
            2 => input.truncate(self.random.below(input.len() + 1)),
            3 => self.cut(input),
            4 => self.repeat(input),
            5 => self.splice(input),
            6 => self.insert_noise(input),
            7 => self.insert_interesting(input),
            _ => self.insert_word(input),
        }
    }

    fn flip_bit(&mut self, input: &mut [u8]) {
        let (index, bit) = (self.random.below(input.len()), self.random.below(8));
        if let Some(byte) = input.get_mut(index) {
            *byte ^= 1 << bit;
        }
    }

    fn set_byte(&mut self, input: &mut [u8]) {
        let (index, value) = (self.random.below(input.len()), self.random.byte());
        if let Some(byte) = input.get_mut(index) {
            *byte = value;
        }
    }

    fn cut(&mut self, input: &mut Vec<u8>) {
        let (start, end) = self.range(input.len());
        input.drain(start..end);
    }

    /// Doubles a part up to a few times, which is how nesting and long runs come about.
    fn repeat(&mut self, input: &mut Vec<u8>) {
        let (start, end) = self.range(input.len());
        let mut part = input[start..end].to_vec();
        for _ in 0..self.random.below(6) {
            if part.len() < MOST_BYTES {
                part.extend_from_within(..);
            }
        }
        insert(input, end, &part);
    }

    /// Goes on with the end of another input.
    fn splice(&mut self, input: &mut Vec<u8>) {
        let other = self.old_input();
        input.truncate(self.random.below(input.len() + 1));
        input.extend_from_slice(&other[self.random.below(other.len() + 1)..]);
    }

    fn insert_noise(&mut self, input: &mut Vec<u8>) {
        let noise: Vec<u8> = (0..=self.random.below(8))
            .map(|_| self.random.byte())
            .collect();
        self.insert_anywhere(input, &noise);
    }

    fn insert_interesting(&mut self, input: &mut Vec<u8>) {
        let bytes = INTERESTING[self.random.below(INTERESTING.len())];
        self.insert_anywhere(input, bytes);
    }

    fn insert_word(&mut self, input: &mut Vec<u8>) {
        let index = self.random.below(self.words.len());
        if let Some(word) = self.words.get(index) {
            self.insert_anywhere(input, word.as_bytes());
        }
    }

    fn insert_anywhere(&mut self, input: &mut Vec<u8>, bytes: &[u8]) {
        let index = self.random.below(input.len() + 1);
        insert(input, index, bytes);
    }

    /// A part of something this long, possibly empty.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let start = self.random.below(length + 1);
        let end = start + self.random.below(length - start + 1);
        (start, end)
    }
}

fn insert(input: &mut Vec<u8>, index: usize, bytes: &[u8]) {
    input.splice(index..index, bytes.iter().copied());
}

/// `SplitMix64`: enough for choosing, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, or zero where there is none.
    fn below(&mut self, bound: usize) -> usize {
        let drawn = usize::try_from(self.next() >> 32).unwrap_or_default();
        drawn.checked_rem(bound).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[7]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn inputs(seed: u64, corpus: &[&str], words: &'static [&'static str]) -> Vec<Vec<u8>> {
        let corpus = corpus
            .iter()
            .map(|input| input.as_bytes().to_vec())
            .collect();
        let mut mutator = Mutator::new(seed, corpus, words);
        (0..2000).map(|_| mutator.next_input()).collect()
    }

    #[test]
    fn the_seed_fixes_the_sequence() {
        let corpus = ["contains(a,'b')", "startsWith(c,'d') eq true"];
        assert_eq!(inputs(1, &corpus, &["and"]), inputs(1, &corpus, &["and"]));
        assert_ne!(inputs(1, &corpus, &["and"]), inputs(2, &corpus, &["and"]));
    }

    #[test]
    fn inputs_differ_and_stay_within_the_limit() {
        let long = "x".repeat(MOST_BYTES);
        let made = inputs(3, &[&long, "short"], &[]);
        assert!(made.iter().all(|input| input.len() <= MOST_BYTES));
        assert!(made.iter().collect::<HashSet<_>>().len() > 1500);
    }

    #[test]
    fn nothing_to_start_from_is_a_start() {
        let made = inputs(4, &[], &[]);
        assert!(made.iter().any(Vec::is_empty));
        assert!(!made.iter().all(Vec::is_empty));
    }

    #[test]
    fn words_and_pieces_of_other_inputs_turn_up() {
        let made = inputs(5, &["aaaaaaaa", "bbbbbbbb"], &["startsWith"]);
        let holds = |part: &[u8]| {
            made.iter()
                .any(|input| input.windows(part.len()).any(|w| w == part))
        };
        assert!(holds(b"startsWith"));
        assert!(holds(b"aab"));
    }
}
