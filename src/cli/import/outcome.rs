//! What became of each row, in eight bytes a row.

use std::collections::HashMap;

use crate::{client::SeenImport, graph::import_state::ImportStatus};

/// Where a row stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Checked, and not sent yet.
    #[default]
    Ready,
    /// The server has it, and has not decided.
    Accepted,
    /// Registered.
    Complete,
    /// Refused by the server's rules.
    Error,
    /// Not sent: the check found a fault.
    Refused,
    /// Not sent: the same device stands further up. The code is its line.
    Duplicate,
    /// The server would not even accept it.
    Rejected,
    /// Whether the server has it can't be told.
    Doubtful,
    /// Its import was deleted before its outcome was read.
    Gone,
}

/// One row's outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) state: State,
    /// Whether the check has more to say of it.
    pub(super) has_notes: bool,
    /// Its error's name, by number.
    name: u16,
    /// Graph: `deviceErrorCode`; the line of the first for duplicates.
    pub(super) code: i32,
}

/// The outcomes of all rows, in the file's order.
#[derive(Default)]
pub(super) struct Outcomes {
    rows: Vec<Outcome>,
    names: Vec<String>,
    /// What the server said of rows that it rejected.
    rejected: HashMap<u32, String>,
    /// The ids of a server that does not keep ours, both ways round.
    foreign_rows: HashMap<String, u32>,
    foreign_ids: HashMap<u32, String>,
    accepted: usize,
    waiting: usize,
}

impl Outcomes {
    /// Adds the next row.
    pub(super) fn push(&mut self, state: State, code: i32, has_notes: bool) {
        self.waiting += usize::from(state == State::Accepted);
        self.accepted += usize::from(state == State::Accepted);
        self.rows.push(Outcome {
            state,
            has_notes,
            name: 0,
            code,
        });
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many rows the server has accepted.
    pub(super) fn accepted(&self) -> usize {
        self.accepted
    }

    /// How many rows wait for their outcome.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// A row's outcome.
    pub(super) fn get(&self, row: u32) -> Outcome {
        usize::try_from(row)
            .ok()
            .and_then(|row| self.rows.get(row).copied())
            .unwrap_or_default()
    }

    /// The name of a row's error.
    pub(super) fn name(&self, outcome: Outcome) -> &str {
        let place = usize::from(outcome.name).checked_sub(1);
        place
            .and_then(|place| self.names.get(place))
            .map_or("", String::as_str)
    }

    /// What the server said of a row that it rejected.
    pub(super) fn rejection(&self, row: u32) -> &str {
        self.rejected.get(&row).map_or("", String::as_str)
    }

    /// Takes note that the server has a row.
    pub(super) fn accept(&mut self, row: u32) {
        self.set(row, State::Accepted);
    }

    /// Takes note that the server has a row, under an id of its own.
    pub(super) fn accept_as(&mut self, row: u32, id: &str) {
        self.foreign_rows.insert(id.to_owned(), row);
        self.foreign_ids.insert(row, id.to_owned());
        self.accept(row);
    }

    /// Takes note that the server rejects a row.
    pub(super) fn reject(&mut self, row: u32, sentence: String) {
        self.rejected.insert(row, sentence);
        self.set(row, State::Rejected);
    }

    /// Changes where a row stands.
    pub(super) fn set(&mut self, row: u32, state: State) {
        let outcome = usize::try_from(row)
            .ok()
            .and_then(|row| self.rows.get_mut(row));
        if let Some(outcome) = outcome {
            let (before, after) = (outcome.state, state);
            outcome.state = state;
            if before != State::Accepted && after == State::Accepted {
                self.waiting += 1;
                self.accepted += 1;
            } else if before == State::Accepted && after != State::Accepted {
                self.waiting -= 1;
            }
        }
    }

    /// Takes over what the server says of a row that waits; true if that ends its wait.
    pub(super) fn settle(&mut self, row: u32, seen: &SeenImport) -> bool {
        let state = match seen.status {
            ImportStatus::Complete => State::Complete,
            ImportStatus::Error => State::Error,
            ImportStatus::Unknown | ImportStatus::Pending | ImportStatus::Partial => return false,
        };
        if self.get(row).state != State::Accepted {
            return false;
        }
        let name = self.number_of(&seen.name);
        self.set(row, state);
        let outcome = usize::try_from(row)
            .ok()
            .and_then(|row| self.rows.get_mut(row));
        if let Some(outcome) = outcome {
            outcome.name = name;
            outcome.code = seen.code;
        }
        true
    }

    /// The row that goes by an id of the server's own.
    pub(super) fn foreign_row(&self, id: &str) -> Option<u32> {
        self.foreign_rows.get(id).copied()
    }

    /// The server's own id of a row.
    pub(super) fn foreign_id(&self, row: u32) -> Option<&str> {
        self.foreign_ids.get(&row).map(String::as_str)
    }

    /// The rows that wait, in order.
    pub(super) fn waiting_rows(&self) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(&self.rows)
            .filter(|(_, outcome)| outcome.state == State::Accepted)
            .map(|(row, _)| row)
    }

    /// Every row, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Outcome> + '_ {
        self.rows.iter().copied()
    }

    /// The number of a name. A server has a dozen of them; one that has thousands shows the last.
    fn number_of(&mut self, name: &str) -> u16 {
        const MOST_NAMES: usize = 1_000;
        let known = self.names.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            if self.names.len() == MOST_NAMES {
                self.names.pop();
            }
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        u16::try_from(place + 1).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: ImportStatus, code: i32, name: &str) -> SeenImport {
        SeenImport {
            id: String::new(),
            serial_number: String::new(),
            status,
            code,
            name: name.to_owned(),
        }
    }

    #[test]
    fn an_outcome_is_eight_bytes() {
        assert_eq!(size_of::<Outcome>(), 8);
    }

    #[test]
    fn waiting_rows_are_counted() {
        let mut outcomes = Outcomes::default();
        for _ in 0..3 {
            outcomes.push(State::Ready, 0, false);
        }
        outcomes.accept(0);
        outcomes.accept(0);
        outcomes.accept_as(2, "server's");
        assert_eq!((outcomes.waiting(), outcomes.accepted()), (2, 2));
        assert!(!outcomes.settle(0, &seen(ImportStatus::Unknown, 0, "")));
        assert!(outcomes.settle(0, &seen(ImportStatus::Error, 806, "Twice")));
        assert!(!outcomes.settle(0, &seen(ImportStatus::Complete, 0, "None")));
        assert_eq!(outcomes.waiting_rows().collect::<Vec<_>>(), [2]);
        let first = outcomes.get(0);
        assert_eq!((first.state, first.code), (State::Error, 806));
        assert_eq!(outcomes.name(first), "Twice");
        assert_eq!(outcomes.foreign_row("server's"), Some(2));
        assert_eq!(outcomes.foreign_id(2), Some("server's"));
    }
}
