//! `firn cost`

use std::time::Duration;

use clap::{Args, ValueEnum};
use firn::Result;
use firn::cost::{DailyCost, Workload};
use jiff::SignedDuration;
use serde::Serialize;

use super::report;
use crate::quantity;

const EXAMPLES: &str = "\
Examples:
  firn cost --keys 10M --events 1M
  firn cost --keys 200M --events 20M --every 1h --warehouse-size medium --merge-time 40s
  firn cost --keys 10M --events 1M --via snowpipe --price 3.00 --json";

/// Without `--every`, these intervals are compared.
const INTERVALS: [(&str, u64); 5] = [
    ("1 minute", 60),
    ("5 minutes", 300),
    ("15 minutes", 900),
    ("1 hour", 3600),
    ("1 day", 86_400),
];

const DAYS_PER_MONTH: f64 = 365.0 / 12.0;

/// Estimate credits and storage from keys, events and interval
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Cost {
    /// Keys in the table
    #[arg(long, value_name = "COUNT", value_parser = quantity::at_least_one)]
    keys: u64,
    /// Events a day
    #[arg(long, value_name = "COUNT", value_parser = quantity::count)]
    events: u64,
    /// Time from one merge to the next; default: several, compared
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    every: Option<Duration>,
    /// Time of one merge, as `firn status` shows it
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = quantity::duration)]
    merge_time: Duration,
    /// Size of the warehouse
    #[arg(long, value_enum, value_name = "SIZE", default_value = "x-small")]
    warehouse_size: WarehouseSize,
    /// How the files are loaded
    #[arg(long, value_enum, value_name = "WAY", default_value = "copy")]
    via: Way,
    /// Bytes of a row in a file, before compression
    #[arg(long, value_name = "BYTES", default_value = "150", value_parser = quantity::at_least_one)]
    file_row_bytes: u64,
    /// Bytes of a row in a table, compressed
    #[arg(long, value_name = "BYTES", default_value = "40", value_parser = quantity::at_least_one)]
    table_row_bytes: u64,
    /// Days of time travel of target and history
    #[arg(long, value_name = "DAYS", default_value = "1", value_parser = quantity::whole::<u32>)]
    retention_days: u32,
    /// Price of a credit, to show money as well
    #[arg(long, value_name = "AMOUNT", value_parser = price)]
    price: Option<f64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn price(text: &str) -> std::result::Result<f64, String> {
    let price = text.parse().ok();
    let price = price.filter(|price: &f64| price.is_finite() && *price >= 0.0);
    price.ok_or_else(|| "expected an amount such as 3.00".to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
enum WarehouseSize {
    XSmall,
    Small,
    Medium,
    Large,
    XLarge,
}

impl WarehouseSize {
    /// "Overview of warehouses": each size costs twice as much as the one below.
    fn credits_per_hour(self) -> f64 {
        match self {
            Self::XSmall => 1.0,
            Self::Small => 2.0,
            Self::Medium => 4.0,
            Self::Large => 8.0,
            Self::XLarge => 16.0,
        }
    }
}

#[derive(Clone, Copy, Eq, PartialEq, ValueEnum)]
enum Way {
    Copy,
    Snowpipe,
}

#[derive(Serialize)]
struct Estimate {
    every: String,
    #[serde(flatten)]
    day: DailyCost,
    credits_a_month: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_a_month: Option<f64>,
}

impl Cost {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let intervals: Vec<(String, f64)> = match self.every {
            Some(every) => {
                let name = SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX);
                vec![(format!("{name:#}"), every.as_secs_f64())]
            }
            None => INTERVALS
                .iter()
                .map(|(name, seconds)| ((*name).to_owned(), *seconds as f64))
                .collect(),
        };
        let estimates: Vec<Estimate> = intervals
            .into_iter()
            .map(|(name, seconds)| self.estimate(name, seconds))
            .collect();
        if self.json {
            return report::print_json(&estimates);
        }
        report::print(&self.text(&estimates))
    }

    fn estimate(&self, every: String, interval_seconds: f64) -> Estimate {
        let day = Workload {
            keys: self.keys as f64,
            events: self.events as f64,
            interval_seconds,
            merge_seconds: self.merge_time.as_secs_f64(),
            file_row_bytes: self.file_row_bytes as f64,
            table_row_bytes: self.table_row_bytes as f64,
            credits_per_hour: self.warehouse_size.credits_per_hour(),
            has_snowpipe: self.via == Way::Snowpipe,
            retention_days: f64::from(self.retention_days),
        }
        .daily();
        let credits = (day.warehouse_credits + day.snowpipe_credits) * DAYS_PER_MONTH;
        Estimate {
            every,
            day,
            credits_a_month: credits,
            price_a_month: self.price.map(|price| credits * price),
        }
    }

    fn text(&self, estimates: &[Estimate]) -> String {
        let mut head = vec![
            "merge every",
            "merges/day",
            "warehouse h/day",
            "credits/day",
            "credits/month",
            "rewritten GB/day",
            "kept GB",
        ];
        if self.price.is_some() {
            head.push("price/month");
        }
        let rows: Vec<Vec<String>> = estimates
            .iter()
            .map(|one| {
                let day = &one.day;
                let mut row = vec![
                    one.every.clone(),
                    format!("{:.0}", day.merges),
                    format!("{:.2}", day.warehouse_hours),
                    format!("{:.2}", day.warehouse_credits + day.snowpipe_credits),
                    format!("{:.0}", one.credits_a_month),
                    format!("{:.1}", day.rewritten_gb),
                    format!("{:.1}", day.kept_gb),
                ];
                row.extend(one.price_a_month.map(|price| format!("{price:.2}")));
                row
            })
            .collect();
        let day = estimates.first().map(|one| one.day);
        let (current, grows) = day.map_or((0.0, 0.0), |day| (day.current_gb, day.history_gb));
        format!(
            "{}\ntarget and open versions: {current:.2} GB; closed versions grow by {grows:.3} GB a day\nkept: replaced micro-partitions that time travel ({}) and fail-safe (7 days) hold\nan estimate from Snowflake's documentation, not a measurement: docs/operations/cost.md has its sources\n",
            report::table(&head, &rows),
            match self.retention_days {
                1 => "1 day".to_owned(),
                days => format!("{days} days"),
            }
        )
    }
}
