//! The variables of a script: their scopes, what is declared, what is assigned.

use super::expressions::with_colons;
use super::run::{Cursor, Runner, Step1, Variable, expression_error, statement_error};
use crate::engine::compile::Variables;
use crate::engine::compile::{Typed, literal_of};
use crate::engine::statements::query;
use crate::sql::script::Declaration;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, SnowflakeType, Value};

impl Runner<'_> {
    pub(super) fn find(&self, name: &str) -> Option<&Variable> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    pub(super) fn find_mut(&mut self, name: &str) -> Option<&mut Variable> {
        self.scopes
            .iter_mut()
            .rev()
            .find_map(|scope| scope.get_mut(name))
    }

    pub(super) fn put(&mut self, name: &str, variable: Variable) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), variable);
        }
    }

    /// The variables that SQL reaches, fields of records included.
    pub(super) fn variables(&self) -> Variables {
        let mut found = Variables::new();
        for scope in &self.scopes {
            for (name, variable) in scope {
                if let Variable::Value { typed, .. } = variable {
                    found.insert(name.clone(), typed.clone());
                }
            }
        }
        found
    }

    pub(super) fn evaluate(&mut self, text: &str) -> Result<Typed> {
        let variables = self.variables();
        let text = with_colons(text, &variables)?;
        query::evaluate(self.session, &text, &Binds::default(), &variables)
    }

    pub(super) fn is_true(&mut self, condition: &str) -> Step1<bool> {
        Ok(self.evaluate(condition).map_err(expression_error)?.value == Value::Boolean(true))
    }

    pub(super) fn converted(&mut self, text: &str, kind: Option<&SnowflakeType>) -> Result<Typed> {
        match kind {
            None => self.evaluate(text),
            Some(kind) => {
                let typed = self.evaluate(&format!("({text})::{kind}"))?;
                Ok(Typed {
                    kind: kind.clone(),
                    value: typed.value,
                })
            }
        }
    }

    pub(super) fn declare(&mut self, declaration: &Declaration) -> Step1<()> {
        match declaration {
            Declaration::Variable { name, kind, value } => {
                let typed = match value {
                    Some(value) => self
                        .converted(value, kind.as_ref())
                        .map_err(expression_error)?,
                    None => Typed {
                        kind: kind.clone().unwrap_or(SnowflakeType::TEXT),
                        value: Value::Null,
                    },
                };
                let kind = kind.clone().or_else(|| Some(typed.kind.clone()));
                self.put(name, Variable::Value { typed, kind });
            }
            Declaration::ResultSet { name, query } => {
                let rows = query.as_ref().map(|q| self.statement(q)).transpose();
                let rows = rows.map_err(statement_error)?;
                self.put(name, Variable::ResultSet(rows));
            }
            Declaration::Cursor { name, query } => {
                self.put(
                    name,
                    Variable::Cursor(Cursor {
                        query: query.clone(),
                        rows: None,
                        at: 0,
                    }),
                );
            }
            Declaration::Exception {
                name,
                code,
                message,
            } => {
                self.put(
                    name,
                    Variable::Exception {
                        code: *code,
                        message: message.clone(),
                    },
                );
            }
        }
        Ok(())
    }

    pub(super) fn assign(&mut self, name: &str, value: &str) -> Step1<()> {
        match self.find(name).cloned() {
            Some(Variable::ResultSet(_)) => {
                let inner = value
                    .trim()
                    .strip_prefix('(')
                    .and_then(|v| v.strip_suffix(')'))
                    .unwrap_or(value);
                let rows = self.statement(inner).map_err(statement_error)?;
                if let Some(variable) = self.find_mut(name) {
                    *variable = Variable::ResultSet(Some(rows));
                }
                Ok(())
            }
            Some(Variable::Value { kind, .. }) => {
                let typed = self
                    .converted(value, kind.as_ref())
                    .map_err(expression_error)?;
                self.set(name, typed).map_err(statement_error)
            }
            _ => Err(statement_error(SnowflakeError::invalid_identifier(name))),
        }
    }

    pub(super) fn set(&mut self, name: &str, new: Typed) -> Result<()> {
        match self.find_mut(name) {
            Some(Variable::Value { typed, .. }) => {
                *typed = new;
                Ok(())
            }
            _ => Err(SnowflakeError::invalid_identifier(name)),
        }
    }

    pub(super) fn set_converted(&mut self, name: &str, typed: Typed) -> Result<()> {
        let kind = match self.find(name) {
            Some(Variable::Value { kind, .. }) => kind.clone(),
            _ => return Err(SnowflakeError::invalid_identifier(name)),
        };
        if kind.as_ref().is_none_or(|k| *k == typed.kind) {
            return self.set(name, typed);
        }
        let text = literal_of(&typed);
        let typed = self.converted(&text, kind.as_ref())?;
        self.set(name, typed)
    }
}
