//! The `fake` crate as in its documentation, with `csv` and serde: the unit of the table.

use std::io;
use std::time::Instant;

use fake::Fake;
use fake::faker::address::en::{BuildingNumber, CityName, StateAbbr, StreetName, ZipCode};
use fake::faker::internet::en::SafeEmail;
use fake::faker::name::en::{FirstName, LastName};
use fake::faker::phone_number::en::PhoneNumber;
use serde::Serialize;

use crate::machine::locked_version;
use crate::peer::{Failure, Peer, Run};

#[derive(Serialize)]
struct Customer {
    op: char,
    customer_id: u64,
    first_name: String,
    last_name: String,
    email: String,
    phone: String,
    street: String,
    city: String,
    state: String,
    postal_code: String,
    country: &'static str,
    updated_at: String,
    sequence: u64,
}

/// 2026-01-01T00:00:00Z.
const START_MILLIS: i64 = 1_767_225_600_000;

fn customer(sequence: u32) -> Customer {
    let updated_at =
        jiff::Timestamp::from_millisecond(START_MILLIS + i64::from(sequence)).unwrap_or_default();
    Customer {
        op: 'I',
        customer_id: u64::from(sequence) + 1,
        first_name: FirstName().fake(),
        last_name: LastName().fake(),
        email: SafeEmail().fake(),
        phone: PhoneNumber().fake(),
        street: format!(
            "{} {}",
            BuildingNumber().fake::<String>(),
            StreetName().fake::<String>()
        ),
        city: CityName().fake(),
        state: StateAbbr().fake(),
        postal_code: ZipCode().fake(),
        country: "US",
        updated_at: format!("{updated_at:.6}"),
        sequence: u64::from(sequence),
    }
}

/// Counts the bytes and discards them.
#[derive(Default)]
struct CountingSink {
    bytes: u64,
}

impl io::Write for CountingSink {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.bytes += std::hint::black_box(piece).len() as u64;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes `rows` customers with a header, and returns the sink.
fn write<W: io::Write>(rows: u32, sink: W) -> Result<W, Failure> {
    let mut writer = csv::Writer::from_writer(sink);
    for sequence in 0..rows {
        writer.serialize(customer(sequence))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.to_string().into())
}

/// The peer.
pub struct PlainFake {
    pub rows: u32,
}

impl Peer for PlainFake {
    fn name(&self) -> &str {
        "fake"
    }

    fn run(&self) -> Result<Run, Failure> {
        let started = Instant::now();
        let sink = write(self.rows, CountingSink::default())?;
        Ok(Run {
            program: format!("Rust `fake` {} + `csv` + serde", locked_version("fake")),
            rows: u64::from(self.rows),
            bytes: sink.bytes,
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_row_has_the_thirteen_columns() {
        let text = write(3, Vec::new()).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let columns = reader
            .headers()
            .unwrap()
            .iter()
            .collect::<Vec<_>>()
            .join(", ");
        assert_eq!(
            columns,
            "op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, \
             sequence"
        );
        assert_eq!(reader.records().count(), 3);
    }
}
