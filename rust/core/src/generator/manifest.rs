//! The manifest of a run: what its files hold, and the target that a correct pipeline makes of them.

use std::panic::resume_unwind;
use std::thread;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::{Generator, Options, Position, Tally};
use crate::event::Event;

/// The contents of the target table after a correct pipeline has processed every row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalState {
    /// Living customers.
    pub rows: u64,
    /// The sum, over the living customers, of the first eight hexadecimal digits of the MD5 of their ten columns
    /// `customer_id` to `country`, joined by the character 31 (unit separator). It does not depend on the order of the rows.
    pub checksum: u64,
    /// The statement that computes both from a table `CUSTOMER`, on Snowflake and Snowglobe.
    pub sql: String,
}

const CHECK_SQL: &str = "select count(*) as \"rows\", coalesce(sum(to_number(left(md5(concat_ws(chr(31), \
to_varchar(customer_id), first_name, last_name, email, phone, street, city, state, postal_code, country)), 8), \
'XXXXXXXX')), 0) as \"checksum\" from customer";

/// Everything that a check of a pipeline needs: the options, what was delivered, and the expected target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The options of the stream.
    pub options: Options,
    /// Where the run started.
    pub from: Position,
    /// Where it stopped; the next run resumes here.
    pub to: Position,
    /// What this run delivered.
    pub delivered: Tally,
    /// The target after all runs up to this one.
    pub expected: FinalState,
}

impl Manifest {
    /// One manifest for this run and a `later` one that resumed where it stopped.
    #[must_use]
    pub fn followed_by(self, later: Self) -> Self {
        Self {
            from: self.from,
            delivered: self.delivered.followed_by(later.delivered),
            ..later
        }
    }
}

impl Generator {
    /// The expected target after all events up to here, computed by `threads` threads.
    #[must_use]
    pub fn final_state(&self, threads: usize) -> FinalState {
        let rows = self.delivery.planner().living_count();
        let share = rows.div_ceil(threads.max(1) as u64).max(1);
        let checksum = thread::scope(|scope| {
            let parts: Vec<_> = (0..rows.div_ceil(share))
                .map(|part| {
                    let range = part * share..((part + 1) * share).min(rows);
                    scope.spawn(move || {
                        range
                            .map(|index| fingerprint(&self.living_at(index)))
                            .sum::<u64>()
                    })
                })
                .collect();
            let parts = parts
                .into_iter()
                .map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)));
            parts.fold(0, u64::wrapping_add)
        });
        FinalState {
            rows,
            checksum,
            sql: CHECK_SQL.into(),
        }
    }
}

/// The row's part of the checksum.
fn fingerprint(row: &Event) -> u64 {
    let mut hash = Md5::new();
    hash.update(row.customer_id.to_string());
    for value in [
        &row.first_name,
        &row.last_name,
        &row.email,
        &row.phone,
        &row.street,
        &row.city,
        &row.state,
        &row.postal_code,
        &row.country,
    ] {
        hash.update([31]);
        hash.update(value);
    }
    let digest = hash.finalize();
    u64::from(u32::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3],
    ]))
}
