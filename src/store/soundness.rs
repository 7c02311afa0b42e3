//! What looking a database over found. Looking is the backend's; how it is printed is `cli`'s.

/// How closely the database's own structure is looked at. Hangar's rules are looked at either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every page and every index entry.
    Whole,
    /// Every page, but not whether indexes and tables agree.
    Quick,
}

/// What a database holds, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Soundness {
    /// How many imports it holds.
    pub imports: u64,
    /// How many devices it holds.
    pub devices: u64,
    /// How many pieces of hardware it knows.
    pub hardware: u64,
    /// What is wrong, a rule each.
    pub findings: Vec<Finding>,
}

/// A rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name: stable words, for programs.
    pub rule: &'static str,
    /// In how many places it does not hold.
    pub count: u64,
    /// A sentence for each of the first places. Ids only, nothing else that a client sent.
    pub sentences: Vec<String>,
}

impl Soundness {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}
