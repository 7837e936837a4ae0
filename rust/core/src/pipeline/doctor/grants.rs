//! Checks the privileges of the loader's role.

use super::{Finding, fail, ok};
use crate::error::Result;
use crate::pipeline::Pipeline;

impl Pipeline {
    /// Whether the loader's role has every privilege that loading needs.
    pub(super) async fn grants_of_loader(&self) -> Finding {
        let check = format!("grants of {}", self.deployment.loader);
        match self.missing_grants().await {
            Ok(missing) if missing.is_empty() => ok(&check, "complete"),
            Ok(missing) => fail(
                &check,
                format!(
                    "the role lacks {}: run `firn bootstrap`",
                    missing.join(", ")
                ),
            ),
            Err(error) => fail(
                &check,
                format!("{error}: run `firn bootstrap` (00_roles.sql)"),
            ),
        }
    }

    async fn missing_grants(&self) -> Result<Vec<String>> {
        let sql = format!("show grants to role {}", self.deployment.loader);
        let rows = self.client.query(&sql).await?;
        let cell = |row: usize, name: &str| rows.get(row, name).unwrap_or_default();
        let is_granted = |privilege: &str, kind: &str, name: &str| {
            (0..rows.rows.len()).any(|row| {
                // The name may be qualified, quoted, or followed by a procedure's arguments.
                cell(row, "privilege") == privilege
                    && cell(row, "granted_on") == kind
                    && cell(row, "name")
                        .replace('"', "")
                        .contains(&name.replace('"', ""))
            })
        };
        let (deployment, names) = (&self.deployment, &self.names);
        let wanted = [
            ("USAGE", "WAREHOUSE", &deployment.warehouse),
            ("USAGE", "DATABASE", &deployment.database),
            ("USAGE", "SCHEMA", &deployment.schema),
            ("USAGE", "PROCEDURE", &names.merge),
            ("USAGE", "PROCEDURE", &names.capture),
            ("USAGE", "PROCEDURE", &names.load),
            ("USAGE", "PROCEDURE", &names.report),
        ];
        Ok(wanted
            .into_iter()
            .filter(|(privilege, kind, name)| !is_granted(privilege, kind, &name.stored()))
            .map(|(privilege, kind, name)| format!("{privilege} on {} {name}", kind.to_lowercase()))
            .collect())
    }
}
