//! Runs the statements of a block.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlparser::tokenizer::Token;

use super::super::compile::Typed;
use super::super::dml::Variables;
use super::super::error::{Result, SnowflakeError};
use super::super::execute;
use super::super::session::Session;
use super::super::storage::Rows;
use super::super::value::{Binds, SnowflakeType, Value};
use crate::sql::cursor::quoted_if_needed;
use crate::sql::script::{Action, Block, Declaration, Step};
use crate::sql::tokens::lex;

/// How a statement ended.
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    Return(Option<Typed>),
    Table(Arc<Rows>),
}

#[derive(Clone)]
struct Cursor {
    query: String,
    rows: Option<Arc<Rows>>,
    at: usize,
}

#[derive(Clone)]
enum Variable {
    Value {
        typed: Typed,
        kind: Option<SnowflakeType>,
    },
    ResultSet(Option<Arc<Rows>>),
    Cursor(Cursor),
    Exception {
        code: i64,
        message: String,
    },
}

/// An error on its way to a handler.
#[derive(Clone)]
struct Raised {
    name: String,
    code: i64,
    error: SnowflakeError,
    /// Whether its place is in the message already.
    is_placed: bool,
}

type Step1<T> = std::result::Result<T, Raised>;

/// Runs a block with its variables.
pub(super) struct Runner<'s> {
    session: &'s mut Session,
    scopes: Vec<BTreeMap<String, Variable>>,
    handling: Option<Raised>,
}

impl<'s> Runner<'s> {
    pub(super) fn new(session: &'s mut Session, variables: Variables) -> Self {
        let scope = variables.into_iter().map(|(name, typed)| {
            (
                name,
                Variable::Value {
                    kind: Some(typed.kind.clone()),
                    typed,
                },
            )
        });
        Self {
            session,
            scopes: vec![scope.collect()],
            handling: None,
        }
    }

    /// Runs the block; an error that no handler takes says where it arose.
    pub(super) fn run(mut self, block: &Block) -> Result<Flow> {
        self.block(block).map_err(|raised| raised.error)
    }

    fn block(&mut self, block: &Block) -> Step1<Flow> {
        self.scopes.push(BTreeMap::new());
        let mut outcome = Ok(Flow::Next);
        for declaration in &block.declarations {
            outcome = self
                .declare(declaration)
                .map(|()| Flow::Next)
                .map_err(statement_error);
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() {
            outcome = self.steps(&block.body);
        }
        if let Err(raised) = outcome {
            outcome = self.handle(block, raised);
        }
        self.scopes.pop();
        outcome
    }

    fn handle(&mut self, block: &Block, raised: Raised) -> Step1<Flow> {
        // A cancelled statement is not the script's to catch.
        if raised.error.code == "000604" {
            return Err(raised);
        }
        let takes = |names: &[String]| names.iter().any(|n| *n == raised.name || n == "OTHER");
        let Some(handler) = block.handlers.iter().find(|h| takes(&h.names)) else {
            return Err(raised);
        };
        let text = |t: &str| Typed {
            kind: SnowflakeType::TEXT,
            value: Value::Text(t.to_owned()),
        };
        let code = Typed {
            kind: SnowflakeType::INTEGER,
            value: Value::Number(raised.code.into()),
        };
        let message = raised.error.message.clone();
        let state = raised.error.sqlstate;
        for (name, typed) in [
            ("SQLCODE", code),
            ("SQLERRM", text(&message)),
            ("SQLSTATE", text(state)),
        ] {
            self.put(name, Variable::Value { kind: None, typed });
        }
        let before = self.handling.replace(raised);
        let outcome = self.steps(&handler.body);
        self.handling = before;
        outcome
    }

    fn steps(&mut self, steps: &[Step]) -> Step1<Flow> {
        for step in steps {
            let flow = self.step(&step.action).map_err(|mut raised| {
                if !raised.is_placed {
                    raised.is_placed = true;
                    raised.error.message = format!(
                        "Uncaught exception of type '{}' on line {} at position {} : {}",
                        raised.name, step.line, step.position, raised.error.message
                    );
                }
                raised
            })?;
            if !matches!(flow, Flow::Next) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn step(&mut self, action: &Action) -> Step1<Flow> {
        match action {
            Action::Declare(declaration) => self.declare(declaration).map_err(statement_error)?,
            Action::Assign { name, value } => self.assign(name, value).map_err(statement_error)?,
            Action::If {
                branches,
                otherwise,
            } => {
                for (condition, body) in branches {
                    if self.is_true(condition)? {
                        return self.steps(body);
                    }
                }
                return self.steps(otherwise);
            }
            Action::Case {
                operand,
                branches,
                otherwise,
            } => return self.case(operand.as_deref(), branches, otherwise.as_deref()),
            Action::ForRange {
                name,
                reverse,
                from,
                to,
                body,
            } => return self.for_range(name, *reverse, (from, to), body),
            Action::ForCursor { name, cursor, body } => return self.for_cursor(name, cursor, body),
            Action::While { condition, body } => {
                while self.is_true(condition)? {
                    match self.steps(body)? {
                        Flow::Break => break,
                        Flow::Next | Flow::Continue => {}
                        flow => return Ok(flow),
                    }
                }
            }
            Action::Repeat { body, until } => loop {
                match self.steps(body)? {
                    Flow::Break => break,
                    Flow::Next | Flow::Continue => {}
                    flow => return Ok(flow),
                }
                if self.is_true(until)? {
                    break;
                }
            },
            Action::Loop { body } => loop {
                match self.steps(body)? {
                    Flow::Break => break,
                    Flow::Next | Flow::Continue => {}
                    flow => return Ok(flow),
                }
                if self.session.is_cancelled() {
                    return Err(statement_error(SnowflakeError::cancelled()));
                }
            },
            Action::Break => return Ok(Flow::Break),
            Action::Continue => return Ok(Flow::Continue),
            Action::Return(None) => return Ok(Flow::Return(None)),
            Action::Return(Some(value)) => {
                return self
                    .evaluate(value)
                    .map(|v| Flow::Return(Some(v)))
                    .map_err(expression_error);
            }
            Action::ReturnTable(what) => {
                return self.rows_of(what).map(Flow::Table).map_err(statement_error);
            }
            Action::Raise(name) => return Err(self.raise(name.as_deref())),
            Action::Block(block) => return self.block(block),
            Action::Open { cursor, using } => self.open(cursor, using).map_err(statement_error)?,
            Action::Fetch { cursor, into } => self.fetch(cursor, into).map_err(statement_error)?,
            Action::Close(name) => {
                if let Some(Variable::Cursor(cursor)) = self.find_mut(name) {
                    cursor.rows = None;
                }
            }
            Action::Sql { text, into } => self.sql(text, into).map_err(statement_error)?,
            Action::Nothing => {}
        }
        Ok(Flow::Next)
    }

    fn raise(&self, name: Option<&str>) -> Raised {
        let Some(name) = name else {
            return self.handling.clone().unwrap_or_else(|| {
                statement_error(SnowflakeError::compilation(
                    "RAISE without an exception to raise again",
                ))
            });
        };
        match self.find(name) {
            Some(Variable::Exception { code, message }) => Raised {
                name: name.to_owned(),
                code: *code,
                error: SnowflakeError::new("100183", "P0001", message.clone()),
                is_placed: false,
            },
            _ => statement_error(SnowflakeError::invalid_identifier(name)),
        }
    }

    fn find(&self, name: &str) -> Option<&Variable> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    fn find_mut(&mut self, name: &str) -> Option<&mut Variable> {
        self.scopes
            .iter_mut()
            .rev()
            .find_map(|scope| scope.get_mut(name))
    }

    fn put(&mut self, name: &str, variable: Variable) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), variable);
        }
    }

    /// The variables that SQL reaches, fields of records included.
    fn variables(&self) -> Variables {
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

    fn evaluate(&mut self, text: &str) -> Result<Typed> {
        let variables = self.variables();
        let text = with_colons(text, &variables)?;
        execute::evaluate(self.session, &text, &Binds::default(), &variables)
    }

    fn is_true(&mut self, condition: &str) -> Step1<bool> {
        Ok(self.evaluate(condition).map_err(expression_error)?.value == Value::Boolean(true))
    }

    fn converted(&mut self, text: &str, kind: Option<&SnowflakeType>) -> Result<Typed> {
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

    fn declare(&mut self, declaration: &Declaration) -> Result<()> {
        match declaration {
            Declaration::Variable { name, kind, value } => {
                let typed = match value {
                    Some(value) => self.converted(value, kind.as_ref())?,
                    None => Typed {
                        kind: kind.clone().unwrap_or(SnowflakeType::TEXT),
                        value: Value::Null,
                    },
                };
                let kind = kind.clone().or_else(|| Some(typed.kind.clone()));
                self.put(name, Variable::Value { typed, kind });
            }
            Declaration::ResultSet { name, query } => {
                let rows = query.as_ref().map(|q| self.statement(q)).transpose()?;
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

    fn assign(&mut self, name: &str, value: &str) -> Result<()> {
        match self.find(name).cloned() {
            Some(Variable::ResultSet(_)) => {
                let inner = value
                    .trim()
                    .strip_prefix('(')
                    .and_then(|v| v.strip_suffix(')'))
                    .unwrap_or(value);
                let rows = self.statement(inner)?;
                if let Some(variable) = self.find_mut(name) {
                    *variable = Variable::ResultSet(Some(rows));
                }
                Ok(())
            }
            Some(Variable::Value { kind, .. }) => {
                let typed = self.converted(value, kind.as_ref())?;
                self.set(name, typed)
            }
            _ => Err(SnowflakeError::invalid_identifier(name)),
        }
    }

    fn set(&mut self, name: &str, new: Typed) -> Result<()> {
        match self.find_mut(name) {
            Some(Variable::Value { typed, .. }) => {
                *typed = new;
                Ok(())
            }
            _ => Err(SnowflakeError::invalid_identifier(name)),
        }
    }

    /// Runs a statement and notes what `SQLROWCOUNT` and its kin say of it.
    fn statement(&mut self, text: &str) -> Result<Arc<Rows>> {
        let variables = self.variables();
        let result = self.session.run(text, &Binds::default(), &variables)?;
        let is_dml = result.stats != super::super::value::RowStats::default()
            || matches!(
                result.kind,
                super::super::value::StatementKind::Insert
                    | super::super::value::StatementKind::Update
                    | super::super::value::StatementKind::Delete
                    | super::super::value::StatementKind::Merge
                    | super::super::value::StatementKind::Copy
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
            value: Value::Text(uuid::Uuid::new_v4().to_string()),
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

    fn sql(&mut self, text: &str, into: &[String]) -> Result<()> {
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

    fn set_converted(&mut self, name: &str, typed: Typed) -> Result<()> {
        let kind = match self.find(name) {
            Some(Variable::Value { kind, .. }) => kind.clone(),
            _ => return Err(SnowflakeError::invalid_identifier(name)),
        };
        if kind.as_ref().is_none_or(|k| *k == typed.kind) {
            return self.set(name, typed);
        }
        let text = super::super::compile::literal_of(&typed);
        let typed = self.converted(&text, kind.as_ref())?;
        self.set(name, typed)
    }

    fn rows_of(&mut self, what: &str) -> Result<Arc<Rows>> {
        let name = what.trim().to_uppercase();
        match self.find(&name).cloned() {
            Some(Variable::ResultSet(Some(rows))) => Ok(rows),
            Some(Variable::ResultSet(None)) => Err(SnowflakeError::compilation(format!(
                "result set {name} holds nothing"
            ))),
            _ => self.statement(what),
        }
    }

    fn open(&mut self, name: &str, using: &[String]) -> Result<()> {
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

    fn fetch(&mut self, name: &str, into: &[String]) -> Result<()> {
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

    fn case(
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

    fn whole(&mut self, text: &str) -> Step1<i64> {
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

    fn for_range(
        &mut self,
        name: &str,
        reverse: bool,
        bounds: (&str, &str),
        body: &[Step],
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
            let flow = self.steps(body);
            self.scopes.pop();
            match flow? {
                Flow::Break => break,
                Flow::Next | Flow::Continue => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn for_cursor(&mut self, name: &str, cursor: &str, body: &[Step]) -> Step1<Flow> {
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
            let flow = self.steps(body);
            self.scopes.pop();
            match flow? {
                Flow::Break => break,
                Flow::Next | Flow::Continue => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }
}

fn statement_error(error: SnowflakeError) -> Raised {
    let is_placed = error.message.starts_with("Uncaught exception");
    Raised {
        name: "STATEMENT_ERROR".to_owned(),
        code: error.code.parse().unwrap_or(0),
        error,
        is_placed,
    }
}

fn expression_error(error: SnowflakeError) -> Raised {
    Raised {
        name: "EXPRESSION_ERROR".to_owned(),
        ..statement_error(error)
    }
}

/// An expression of a script, whose variables need no colon, as SQL, where they do. Subqueries keep their names.
pub(super) fn with_colons(text: &str, variables: &Variables) -> Result<String> {
    let lexemes = lex(text)?;
    let mut out = String::new();
    let (mut done, mut at, mut subquery) = (0, 0, 0_i32);
    while at < lexemes.len() {
        let lexeme = &lexemes[at];
        let previous = at.checked_sub(1).map(|p| &lexemes[p].token);
        match &lexeme.token {
            Token::LParen
                if subquery > 0
                    || lexemes
                        .get(at + 1)
                        .is_some_and(|n| n.is_word("SELECT") || n.is_word("WITH")) =>
            {
                subquery += 1
            }
            Token::RParen if subquery > 0 => subquery -= 1,
            Token::Word(word)
                if subquery == 0
                    && !matches!(
                        previous,
                        Some(Token::Period | Token::Colon | Token::DoubleColon)
                    ) =>
            {
                let name = if word.quote_style.is_some() {
                    word.value.clone()
                } else {
                    word.value.to_uppercase()
                };
                let field = match (
                    lexemes.get(at + 1).map(|l| &l.token),
                    lexemes.get(at + 2).map(|l| &l.token),
                ) {
                    (Some(Token::Period), Some(Token::Word(w))) => Some(format!(
                        "{name}.{}",
                        if w.quote_style.is_some() {
                            w.value.clone()
                        } else {
                            w.value.to_uppercase()
                        }
                    )),
                    _ => None,
                };
                let is_call = lexemes
                    .get(at + 1)
                    .is_some_and(|n| n.token == Token::LParen);
                if let Some(typed) = field.as_ref().and_then(|f| variables.get(f)) {
                    out.push_str(&text[done..lexeme.start]);
                    out.push_str(&super::super::compile::literal_of(typed));
                    at += 2;
                    done = lexemes[at].end;
                } else if variables.contains_key(&name) && !is_call {
                    out.push_str(&text[done..lexeme.start]);
                    out.push_str(" (:");
                    out.push_str(&quoted_if_needed(&name));
                    out.push(')');
                    done = lexeme.end;
                }
            }
            _ => {}
        }
        at += 1;
    }
    out.push_str(&text[done..]);
    Ok(out)
}
