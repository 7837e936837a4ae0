//! The SQL of a script: its statements, result sets and cursors.

use std::sync::Arc;

use super::run::{Cursor, Runner, Variable};
use crate::engine::compile::Typed;
use crate::engine::storage::Rows;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, RowStats, SnowflakeType, StatementKind, Value};

impl Runner<'_> {
    /// Runs a statement and notes what `SQLROWCOUNT` and its kin say of it.
    pub(super) fn statement(&mut self, text: &str) -> Result<Arc<Rows>> {
        let variables = self.variables();
        let id = uuid::Uuid::new_v4().to_string();
        // The statement has an id of its own, which VALIDATE knows too.
        let outer = std::mem::replace(&mut self.session.query_id, id.clone());
        let result = self.session.run(text, &Binds::default(), &variables);
        self.session.query_id = outer;
        let mut result = result?;
        id.clone_into(&mut result.query_id);
        self.session.keep_result(&result);
        let is_dml = result.stats != RowStats::default()
            || matches!(
                result.kind,
                StatementKind::Insert
                    | StatementKind::Update
                    | StatementKind::Delete
                    | StatementKind::Merge
                    | StatementKind::Copy
            );
        let count = if is_dml {
            result.stats.affected()
        } else {
            result.rows.len() as u64
        };
        let number = Typed {
            kind: SnowflakeType::INTEGER,
            value: if is_dml {
                Value::Number(count.into())
            } else {
                Value::Null
            },
        };
        let truth = |yes| Typed {
            kind: SnowflakeType::Boolean,
            value: Value::Boolean(yes),
        };
        let id = Typed {
            kind: SnowflakeType::TEXT,
            value: Value::Text(id),
        };
        for (name, typed) in [
            ("SQLROWCOUNT", number),
            ("SQLFOUND", truth(count > 0)),
            ("SQLNOTFOUND", truth(count == 0)),
            ("SQLID", id),
        ] {
            let scope = self.scopes.first_mut();
            if let Some(scope) = scope {
                scope.insert(name.to_owned(), Variable::Value { kind: None, typed });
            }
        }
        Ok(Arc::new(Rows {
            columns: result.columns,
            rows: result.rows,
        }))
    }

    pub(super) fn sql(&mut self, text: &str, into: &[String]) -> Result<()> {
        let rows = self.statement(text)?;
        if into.is_empty() {
            return Ok(());
        }
        if rows.columns.len() != into.len() {
            return Err(SnowflakeError::compilation(format!(
                "INTO names {} variables for {} columns",
                into.len(),
                rows.columns.len()
            )));
        }
        if rows.rows.len() > 1 {
            return Err(SnowflakeError::new(
                "100132",
                "P0000",
                "SELECT INTO statement expects exactly one returned row, but got more than one.",
            ));
        }
        for (at, name) in into.iter().enumerate() {
            let value = rows.rows.first().map_or(Value::Null, |row| row[at].clone());
            self.set_converted(
                name,
                Typed {
                    kind: rows.columns[at].kind.clone(),
                    value,
                },
            )?;
        }
        Ok(())
    }

    pub(super) fn rows_of(&mut self, what: &str) -> Result<Arc<Rows>> {
        let name = what.trim().to_uppercase();
        match self.find(&name).cloned() {
            Some(Variable::ResultSet(Some(rows))) => Ok(rows),
            Some(Variable::ResultSet(None)) => Err(SnowflakeError::compilation(format!(
                "result set {name} holds nothing"
            ))),
            _ => self.statement(what),
        }
    }

    pub(super) fn open(&mut self, name: &str, using: &[String]) -> Result<()> {
        let Some(Variable::Cursor(cursor)) = self.find(name).cloned() else {
            return Err(SnowflakeError::invalid_identifier(name));
        };
        let variables = self.variables();
        let mut binds = Binds::default();
        for value in using {
            let typed = self.evaluate(value)?;
            binds.0.push(super::call::bind_of(&typed));
        }
        let source = cursor.query.trim().to_uppercase();
        let rows = match self.find(&source).cloned() {
            Some(Variable::ResultSet(Some(rows))) => rows,
            _ => {
                let result = self.session.run(&cursor.query, &binds, &variables)?;
                Arc::new(Rows {
                    columns: result.columns,
                    rows: result.rows,
                })
            }
        };
        if let Some(variable) = self.find_mut(name) {
            *variable = Variable::Cursor(Cursor {
                rows: Some(rows),
                at: 0,
                ..cursor
            });
        }
        Ok(())
    }

    pub(super) fn fetch(&mut self, name: &str, into: &[String]) -> Result<()> {
        let Some(Variable::Cursor(cursor)) = self.find_mut(name) else {
            return Err(SnowflakeError::invalid_identifier(name));
        };
        let rows = cursor
            .rows
            .clone()
            .ok_or_else(|| SnowflakeError::compilation(format!("cursor {name} is not open")))?;
        let at = cursor.at;
        cursor.at += 1;
        for (n, variable) in into.iter().enumerate() {
            let kind = rows
                .columns
                .get(n)
                .map_or(SnowflakeType::TEXT, |c| c.kind.clone());
            let value = rows
                .rows
                .get(at)
                .and_then(|row| row.get(n))
                .cloned()
                .unwrap_or(Value::Null);
            self.set_converted(variable, Typed { kind, value })?;
        }
        Ok(())
    }
}
