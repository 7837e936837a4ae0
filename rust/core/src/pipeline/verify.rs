//! The promises, each as a count of its violations on the live tables.

use serde::Serialize;

use super::Pipeline;
use crate::contract::Column;
use crate::error::Result;
use crate::merge::{self, Identifier};

/// A promise and the number of its violations.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Promise {
    /// The promise.
    pub text: &'static str,
    /// The number of violations; zero is ok.
    pub violations: i64,
}

impl Pipeline {
    /// Checks the promises that tables can show.
    ///
    /// # Errors
    /// `Config` if the tables are missing or may not be read.
    pub async fn verify(&self) -> Result<Vec<Promise>> {
        let mut promises = Vec::new();
        for (text, sql) in self.promises() {
            let rows = self.client.query(&sql).await?;
            let violations = rows
                .first()
                .and_then(|count| count.parse().ok())
                .unwrap_or(-1);
            promises.push(Promise { text, violations });
        }
        Ok(promises)
    }

    fn promises(&self) -> Vec<(&'static str, String)> {
        let (contract, names) = (&self.contract, &self.names);
        let list = |columns: &mut dyn Iterator<Item = &Column>| {
            columns
                .map(|column| Identifier::new(&column.name).to_string())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let all = list(&mut contract.columns().iter());
        let (key, order) = (
            list(&mut contract.key()),
            merge::order_list(contract, names, ""),
        );
        let changed_at = Identifier::new(&contract.changed_at().name);
        let op = Identifier::new(contract.op());
        let (target, history) = (&names.target, &names.history);
        let (valid_from, valid_to, is_current) =
            (&names.valid_from, &names.valid_to, &names.is_current);
        let open = format!("select {all} from {history} where {is_current} and {op} <> 'D'");
        vec![
            (
                "nothing lost: rows in = history + duplicates + rejects",
                format!(
                    "select abs((select coalesce(sum(rows_in) - sum(duplicates), 0) from {}) - (select count(*) from {history}) - (select count(*) from {}))",
                    names.runs, names.rejects
                ),
            ),
            (
                "nothing twice: one event per key and order",
                format!(
                    "select count(*) from (select {key}, {order} from {history} group by {key}, {order} having count(*) > 1) twice"
                ),
            ),
            (
                "target = open history: every row of the target is an open version",
                format!("select count(*) from (select {all} from {target} except {open}) surplus"),
            ),
            (
                "target = open history: every open version is in the target",
                format!("select count(*) from ({open} except select {all} from {target}) missing"),
            ),
            (
                "target = open history: one row per key",
                format!(
                    "select count(*) from (select {key} from {target} group by {key} having count(*) > 1) repeated"
                ),
            ),
            (
                "intervals: each version ends where the next begins, the last is open",
                format!(
                    "select count(*) from (select {valid_to}, lead({changed_at}) over (partition by {key} order by {order}) as _firn_next_at from {history}) ends where {valid_to} is distinct from _firn_next_at"
                ),
            ),
            (
                "intervals: no version ends before it begins, and is_current agrees",
                format!(
                    "select count(*) from {history} where {valid_from} > {valid_to} or {valid_from} is distinct from {changed_at} or {is_current} is distinct from ({valid_to} is null)"
                ),
            ),
        ]
    }
}
