//! What a pipeline costs on a Snowflake account, from its keys, its events and its interval: arithmetic on what Snowflake documents.

use serde::Serialize;

/// "Micro-partitions & Data Clustering": about 16 MB compressed, rewritten whole.
const PARTITION_BYTES: f64 = 16e6;
/// `auto_suspend` of the warehouse that bootstrap creates.
const AUTO_SUSPEND_SECONDS: f64 = 60.0;
/// "Snowflake Service Consumption Table": credits for each GB of text that Snowpipe loads, by its size before compression.
const SNOWPIPE_CREDITS_PER_GB: f64 = 0.0037;
/// "Understanding & viewing Fail-safe": days after time travel, for permanent tables.
const FAIL_SAFE_DAYS: f64 = 7.0;
const DAY_SECONDS: f64 = 86_400.0;
const GB: f64 = 1e9;

/// A pipeline as its cost depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Keys in the target.
    pub keys: f64,
    /// Events a day.
    pub events: f64,
    /// Seconds from one merge to the next.
    pub interval_seconds: f64,
    /// Seconds that one merge takes.
    pub merge_seconds: f64,
    /// Bytes of a row in a file, before it is compressed.
    pub file_row_bytes: f64,
    /// Bytes of a row in a table, compressed.
    pub table_row_bytes: f64,
    /// Credits that the warehouse costs in an hour.
    pub credits_per_hour: f64,
    /// Whether the files come through Snowpipe.
    pub has_snowpipe: bool,
    /// Days of time travel of target and history.
    pub retention_days: f64,
}

/// The cost of a day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DailyCost {
    /// Merges.
    pub merges: f64,
    /// Hours in which the warehouse runs.
    pub warehouse_hours: f64,
    /// Credits of the warehouse.
    pub warehouse_credits: f64,
    /// Credits of Snowpipe.
    pub snowpipe_credits: f64,
    /// GB of micro-partitions that are written again.
    pub rewritten_gb: f64,
    /// GB of replaced micro-partitions that time travel and fail-safe keep.
    pub kept_gb: f64,
    /// GB of target and open versions.
    pub current_gb: f64,
    /// GB by which the closed versions grow.
    pub history_gb: f64,
}

impl Workload {
    /// The cost of a day at the end of the first week or later.
    #[must_use]
    pub fn daily(&self) -> DailyCost {
        let possible = DAY_SECONDS / self.interval_seconds;
        // Without an event the triggered task does not run.
        let merges = possible.min(self.events);
        let events = if merges > 0.0 {
            self.events / merges
        } else {
            0.0
        };
        let running =
            (self.merge_seconds + AUTO_SUSPEND_SECONDS).min(DAY_SECONDS / merges.max(1.0));
        let warehouse_hours = merges * running / 3600.0;
        // Target and open versions are touched alike.
        let rewritten = 2.0 * merges * self.touched_partitions(events) * self.partition_bytes();
        let snowpipe_gb = if self.has_snowpipe {
            self.events * self.file_row_bytes / GB
        } else {
            0.0
        };
        DailyCost {
            merges,
            warehouse_hours,
            warehouse_credits: warehouse_hours * self.credits_per_hour,
            snowpipe_credits: snowpipe_gb * SNOWPIPE_CREDITS_PER_GB,
            rewritten_gb: rewritten / GB,
            kept_gb: rewritten / GB * (self.retention_days + FAIL_SAFE_DAYS),
            current_gb: 2.0 * self.keys * self.table_row_bytes / GB,
            history_gb: self.events * self.table_row_bytes / GB,
        }
    }

    /// Micro-partitions that random keys of one batch touch.
    fn touched_partitions(&self, events: f64) -> f64 {
        let partitions = self.partitions();
        partitions * (1.0 - (1.0 - 1.0 / partitions).powf(events))
    }

    fn partitions(&self) -> f64 {
        (self.keys * self.table_row_bytes / PARTITION_BYTES)
            .ceil()
            .max(1.0)
    }

    /// A table smaller than a micro-partition is one small micro-partition.
    fn partition_bytes(&self) -> f64 {
        self.keys * self.table_row_bytes / self.partitions()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKLOAD: Workload = Workload {
        keys: 100e6,
        events: 960e3,
        interval_seconds: 900.0,
        merge_seconds: 5.0,
        file_row_bytes: 150.0,
        table_row_bytes: 40.0,
        credits_per_hour: 1.0,
        has_snowpipe: true,
        retention_days: 1.0,
    };

    fn about(left: f64, right: f64) -> bool {
        (left - right).abs() < right * 0.01
    }

    #[test]
    fn the_number_of_merges_decides() {
        let day = WORKLOAD.daily();
        assert_eq!(day.merges, 96.0);
        assert!(
            about(day.warehouse_credits, 96.0 * 65.0 / 3600.0),
            "{day:?}"
        );
        // 10,000 random keys touch all 250 micro-partitions of target and open versions: 8 GB a merge.
        assert!(about(day.rewritten_gb, 96.0 * 8.0), "{day:?}");
        assert!(about(day.kept_gb, 96.0 * 8.0 * 8.0), "{day:?}");
        assert!(about(day.snowpipe_credits, 0.144 * 0.0037), "{day:?}");
        assert!(about(day.current_gb, 8.0), "{day:?}");
    }

    #[test]
    fn an_interval_below_the_suspension_keeps_the_warehouse_running() {
        let every = |interval_seconds| {
            Workload {
                interval_seconds,
                ..WORKLOAD
            }
            .daily()
        };
        assert!(about(every(30.0).warehouse_hours, 24.0));
        assert!(about(every(60.0).warehouse_hours, 24.0));
    }

    #[test]
    fn fewer_events_than_intervals_are_as_many_merges() {
        let few = Workload {
            events: 3.0,
            keys: 1000.0,
            ..WORKLOAD
        };
        let day = few.daily();
        assert_eq!(day.merges, 3.0);
        // A small table is rewritten whole, which is little.
        assert!(about(day.rewritten_gb, 3.0 * 2.0 * 40e3 / 1e9), "{day:?}");
        let none = Workload {
            events: 0.0,
            ..WORKLOAD
        };
        assert_eq!(none.daily().warehouse_credits, 0.0);
    }
}
