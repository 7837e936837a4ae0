//! Events as owned text: for JSON lines, malformed rows, the final state, and for the tests to compare the hot loop with.
//! It is the readable version of `csv`.

use super::csv::Writer;
use super::digits::{DAY_MICROS, date, subscriber, time_of_day};
use super::person::SEPARATORS;
use super::plan::Planned;
use crate::event::{COLUMNS, Event};

impl Writer {
    /// The event, with its fields as text.
    pub(crate) fn event(&self, planned: &Planned) -> Event {
        let (person, tables) = self.population.person(planned.id);
        let choice = person.choice(tables, planned.life);
        let customer_id = self.first_customer_id + u64::from(planned.id);
        let area = &tables.area[choice.city];
        let first_ascii = text(tables.first_ascii[choice.first].text());
        let separator = SEPARATORS[choice.email_separator] as char;
        let city = text(tables.city[choice.city].text());
        let mut city = city.split(',');
        let mut place = || city.next().unwrap_or_default().to_owned();
        let tail = text(tables.tail[choice.tail].text());
        let mut tail = tail.split(',');
        let (street, house) = (
            tables.street[choice.street].text(),
            tables.house[choice.house].text(),
        );
        let unit = text(tables.unit[choice.unit].text());
        let micros = self.clock.micros(planned.sequence);
        Event {
            op: planned.op,
            customer_id,
            first_name: cell(tables.first[choice.first].text()),
            last_name: cell(tables.last[choice.last].text()),
            email: format!(
                "{}{}{}{customer_id}{}",
                if choice.email_initial {
                    &first_ascii[..1]
                } else {
                    &first_ascii
                },
                if separator == ' ' {
                    String::new()
                } else {
                    separator.to_string()
                },
                text(tables.last_ascii[choice.email_last].text()),
                text(tables.domain[choice.domain].text()).trim_end_matches(','),
            ),
            phone: text(area.phone.text())
                + &text(
                    &subscriber(choice.first_digit, choice.digits).to_le_bytes()
                        [..usize::from(area.subscriber_digits)],
                ),
            street: if tables.number_first {
                text(house) + &text(street)
            } else {
                text(street) + &text(house)
            } + unit.trim_end_matches(',').trim_end_matches('"'),
            city: place(),
            state: place(),
            postal_code: place() + tail.next().unwrap_or_default(),
            country: tail.next().unwrap_or_default().to_owned(),
            updated_at: text(&date(micros / DAY_MICROS)[..11])
                + &text(
                    &time_of_day(micros % DAY_MICROS)
                        .map(u64::to_le_bytes)
                        .concat(),
                ),
            sequence: planned.sequence,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The text of a table's CSV cell, without its comma and quoting.
fn cell(bytes: &[u8]) -> String {
    let cell = text(bytes.strip_suffix(b",").unwrap_or(bytes));
    match cell
        .strip_prefix('"')
        .and_then(|quoted| quoted.strip_suffix('"'))
    {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => cell,
    }
}

/// The event's columns by name.
pub(super) fn fields(event: Event) -> Vec<(&'static str, String)> {
    let values = [
        (event.op.letter() as char).to_string(),
        event.customer_id.to_string(),
        event.first_name,
        event.last_name,
        event.email,
        event.phone,
        event.street,
        event.city,
        event.state,
        event.postal_code,
        event.country,
        event.updated_at,
        event.sequence.to_string(),
    ];
    COLUMNS.into_iter().zip(values).collect()
}

/// A CSV row; `stray` puts the last name in quotes, followed by a third quotation mark.
pub(super) fn csv_row(fields: &[(&str, String)], stray: bool) -> String {
    let cells = fields.iter().map(|(column, value)| {
        if stray && *column == "last_name" {
            format!("\"{}\"x\"", value.replace(['"', ','], ""))
        } else if value.contains([',', '"']) {
            format!("\"{}\"", value.replace('"', "\"\""))
        } else {
            value.clone()
        }
    });
    cells.collect::<Vec<_>>().join(",") + "\n"
}

/// A JSON object on a line; `stray` puts an unclosed quotation mark after the last name.
pub(super) fn json_row(fields: &[(&str, String)], stray: bool) -> String {
    let members = fields.iter().map(|(column, value)| {
        let quoted = serde_json::Value::from(value.as_str());
        match *column {
            "customer_id" | "sequence" => format!("\"{column}\":{value}"),
            "last_name" if stray => format!("\"{column}\":{quoted}\""),
            _ => format!("\"{column}\":{quoted}"),
        }
    });
    format!("{{{}}}\n", members.collect::<Vec<_>>().join(","))
}
