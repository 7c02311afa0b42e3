//! Whether both sides of a move have the same rows: they are read side by side, in the order of their
//! keys, and digested as they are read.

use sha2::{Digest as _, Sha256};

use super::{
    Move, MoveError, Step, Verified,
    journal::Journal,
    row::{self, hexadecimal},
    table::{TABLES, Table},
};

impl Move<'_> {
    /// Reads both sides, as they stand now, to their ends.
    pub(super) async fn compare(&mut self, journal: &Journal) -> Result<Vec<Verified>, MoveError> {
        (self.notice)(Step::Begun("comparing"));
        self.source.look_anew().await?;
        self.target.look_anew().await?;
        let (mut verified, mut differences) = (Vec::new(), Vec::new());
        let mut done = 0;
        for table in TABLES {
            match self.compare_table(table, &mut done, journal).await? {
                Ok(same) => verified.push(same),
                Err(sentence) => differences.push(sentence),
            }
        }
        self.source.look_anew().await?;
        self.target.look_anew().await?;
        if differences.is_empty() {
            return Ok(verified);
        }
        let advice = if journal.is_over {
            "An earlier run had moved everything, so one of the two has changed since: move into a \
             target that is empty."
        } else {
            "The target is not served like this: find out who changed one of the two, and begin \
             anew with an empty target."
        };
        differences.push(advice.to_owned());
        Err(MoveError::Differs(differences))
    }

    async fn compare_table(
        &mut self,
        table: &'static Table,
        done: &mut u64,
        journal: &Journal,
    ) -> Result<Result<Verified, String>, MoveError> {
        self.source.start(table, None).await?;
        self.target.start(table, None).await?;
        let (mut ours, mut theirs) = (Sha256::new(), Sha256::new());
        let mut count = 0;
        let mut from = "its beginning".to_owned();
        loop {
            let most = self.rows_in_a_step;
            let (source, target) = tokio::join!(self.source.next(most), self.target.next(most));
            let (source, target) = (source?, target?);
            row::digest(&source, &mut ours);
            row::digest(&target, &mut theirs);
            let last = source.last().or(target.last());
            let Some(last) = last.map(|row| table.say_key(row)) else {
                break;
            };
            if ours.clone().finalize() != theirs.clone().finalize() {
                let what = row::difference(table, &source, &target)
                    .unwrap_or_else(|| "the digests differ".to_owned());
                return Ok(Err(format!(
                    "The target is not what the source is: table {}, from {from} to {last}: {what}.",
                    table.name
                )));
            }
            count += source.len() as u64;
            *done += source.len() as u64;
            (self.notice)(Step::Rows {
                done: *done,
                whole: journal.whole(),
                of_this_run: *done,
            });
            from = last;
        }
        Ok(Ok(Verified {
            table: table.name,
            rows: count,
            digest: hexadecimal(&ours.finalize()),
        }))
    }
}
