//! Which Graph is spoken: the documented or the observed one.

/// The two behaviours that `graph.behavior` chooses between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Behavior {
    /// What Microsoft's pages say.
    #[default]
    Documented,
    /// What the live service has been seen to do.
    Observed,
}
