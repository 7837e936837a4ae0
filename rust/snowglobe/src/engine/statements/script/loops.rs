//! CASE and the loops of a script.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::run::{Cursor, Flow, Runner, Step1, Variable, expression_error, statement_error};
use crate::engine::compile::Typed;
use crate::sql::script::Step;
use crate::types::error::SnowflakeError;
use crate::types::value::{SnowflakeType, Value};

/// What a loop repeats, and its label.
type Body<'a> = (&'a [Step], &'a Option<String>);

/// What a loop does after its body.
enum After {
    Again,
    Leave,
    Return(Flow),
}

fn after(flow: Flow, label: &Option<String>) -> After {
    let is_mine = |wanted: &Option<String>| wanted.is_none() || wanted == label;
    match flow {
        Flow::Next => After::Again,
        Flow::Continue(wanted) if is_mine(&wanted) => After::Again,
        Flow::Break(wanted) if is_mine(&wanted) => After::Leave,
        flow => After::Return(flow),
    }
}

impl Runner<'_> {
    /// Runs the body once more, unless the statement has been cancelled.
    fn turn(&mut self, (body, label): Body<'_>) -> Step1<After> {
        if self.session.is_cancelled() {
            return Err(statement_error(SnowflakeError::cancelled()));
        }
        Ok(after(self.steps(body)?, label))
    }

    pub(super) fn while_loop(&mut self, condition: &str, body: Body<'_>) -> Step1<Flow> {
        while self.is_true(condition)? {
            match self.turn(body)? {
                After::Again => {}
                After::Leave => break,
                After::Return(flow) => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    pub(super) fn repeat(&mut self, until: &str, body: Body<'_>) -> Step1<Flow> {
        loop {
            match self.turn(body)? {
                After::Again if self.is_true(until)? => return Ok(Flow::Next),
                After::Again => {}
                After::Leave => return Ok(Flow::Next),
                After::Return(flow) => return Ok(flow),
            }
        }
    }

    pub(super) fn endless(&mut self, body: Body<'_>) -> Step1<Flow> {
        loop {
            match self.turn(body)? {
                After::Again => {}
                After::Leave => return Ok(Flow::Next),
                After::Return(flow) => return Ok(flow),
            }
        }
    }

    pub(super) fn case(
        &mut self,
        operand: Option<&str>,
        branches: &[(String, Vec<Step>)],
        otherwise: Option<&[Step]>,
    ) -> Step1<Flow> {
        for (condition, body) in branches {
            let condition = match operand {
                Some(operand) => format!("({operand}) = ({condition})"),
                None => condition.clone(),
            };
            if self.is_true(&condition)? {
                return self.steps(body);
            }
        }
        match otherwise {
            Some(body) => self.steps(body),
            None => Err(statement_error(SnowflakeError::new(
                "100183",
                "P0001",
                "no branch of CASE applies, and there is no ELSE",
            ))),
        }
    }

    pub(super) fn whole(&mut self, text: &str) -> Step1<i64> {
        match self
            .evaluate(&format!("({text})::number(38,0)"))
            .map_err(expression_error)?
            .value
        {
            Value::Number(n) => {
                i64::try_from(n).map_err(|e| expression_error(SnowflakeError::compilation(e)))
            }
            _ => Err(expression_error(SnowflakeError::compilation(
                "the bounds of FOR are numbers",
            ))),
        }
    }

    pub(super) fn for_range(
        &mut self,
        name: &str,
        reverse: bool,
        bounds: (&str, &str),
        body: Body<'_>,
    ) -> Step1<Flow> {
        let (from, to) = (self.whole(bounds.0)?, self.whole(bounds.1)?);
        let values: Box<dyn Iterator<Item = i64>> = if reverse {
            Box::new((from..=to).rev())
        } else {
            Box::new(from..=to)
        };
        for value in values {
            self.scopes.push(BTreeMap::new());
            let typed = Typed {
                kind: SnowflakeType::INTEGER,
                value: Value::Number(value.into()),
            };
            self.put(
                name,
                Variable::Value {
                    kind: Some(SnowflakeType::INTEGER),
                    typed,
                },
            );
            let done = self.turn(body);
            self.scopes.pop();
            match done? {
                After::Again => {}
                After::Leave => break,
                After::Return(flow) => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    pub(super) fn for_cursor(&mut self, name: &str, cursor: &str, body: Body<'_>) -> Step1<Flow> {
        let source = cursor.trim().to_uppercase();
        if let Some(Variable::Cursor(Cursor { rows: None, .. })) = self.find(&source) {
            self.open(&source, &[]).map_err(statement_error)?;
        }
        let rows = match self.find(&source) {
            Some(
                Variable::Cursor(Cursor {
                    rows: Some(rows), ..
                })
                | Variable::ResultSet(Some(rows)),
            ) => Arc::clone(rows),
            _ => return Err(statement_error(SnowflakeError::invalid_identifier(source))),
        };
        for row in &rows.rows {
            self.scopes.push(BTreeMap::new());
            for (column, value) in rows.columns.iter().zip(row) {
                let typed = Typed {
                    kind: column.kind.clone(),
                    value: value.clone(),
                };
                self.put(
                    &format!("{name}.{}", column.name),
                    Variable::Value { kind: None, typed },
                );
            }
            let done = self.turn(body);
            self.scopes.pop();
            match done? {
                After::Again => {}
                After::Leave => break,
                After::Return(flow) => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }
}
