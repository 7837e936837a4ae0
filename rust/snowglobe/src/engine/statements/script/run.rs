//! Runs the statements of a block.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use crate::engine::compile::Typed;
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::storage::Rows;
use crate::sql::script::{Action, Block, Handler, Step};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{SnowflakeType, Value};

/// How a statement ended.
pub(super) enum Flow {
    Next,
    /// Out of the loop of that label, or the innermost.
    Break(Option<String>),
    Continue(Option<String>),
    Return(Option<Typed>),
    Table(Arc<Rows>),
}

#[derive(Clone)]
pub(super) struct Cursor {
    pub query: String,
    pub rows: Option<Arc<Rows>>,
    pub at: usize,
}

#[derive(Clone)]
pub(super) enum Variable {
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
pub(super) struct Raised {
    name: String,
    code: i64,
    error: SnowflakeError,
    /// The line (1-based) and position (0-based) of the statement that raised it.
    place: Option<(u64, u64)>,
    /// Whether a handler of the block raised it: then it is for the blocks around.
    is_handlers: bool,
}

impl Raised {
    /// As whoever runs the block sees it.
    fn uncaught(self) -> SnowflakeError {
        let Self { name, place, .. } = &self;
        let mut error = self.error.clone();
        // What a procedure that was called has not caught tells its own place.
        if let Some((line, position)) = place
            && !error.message.starts_with("Uncaught exception")
        {
            error.message = format!(
                "Uncaught exception of type '{name}' on line {line} at position {position} : {}",
                error.message
            );
        }
        error
    }
}

/// The handler that takes the exception. A cancelled statement is not the script's to catch.
fn handler_of<'h>(handlers: &'h [Handler], raised: &Raised) -> Option<&'h Handler> {
    let takes = |names: &[String]| names.iter().any(|n| *n == raised.name || n == "OTHER");
    handlers
        .iter()
        .filter(|_| raised.error.code != "000604")
        .find(|h| takes(&h.names))
}

pub(super) type Step1<T> = std::result::Result<T, Raised>;

/// Runs a block with its variables.
pub(super) struct Runner<'s> {
    pub(super) session: &'s mut Session,
    pub(super) scopes: Vec<BTreeMap<String, Variable>>,
    handling: Option<Raised>,
    /// The handlers of the blocks around, innermost last, and how many scopes each sees.
    handlers: Vec<(Rc<[Handler]>, usize)>,
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
            handlers: Vec::new(),
        }
    }

    /// Runs the block; an error that no handler takes says where it arose.
    pub(super) fn run(mut self, block: &Block) -> Result<Flow> {
        self.block(block).map_err(Raised::uncaught)
    }

    fn block(&mut self, block: &Block) -> Step1<Flow> {
        self.scopes.push(BTreeMap::new());
        let mut outcome = Ok(Flow::Next);
        for declaration in &block.declarations {
            outcome = self.declare(declaration).map(|()| Flow::Next);
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() {
            let handlers = block.handlers.clone().into();
            self.handlers.push((handlers, self.scopes.len()));
            // What the body declares with LET is its own: handlers do not see it.
            self.scopes.push(BTreeMap::new());
            outcome = self.steps(&block.body);
            self.scopes.pop();
            self.handlers.pop();
        }
        if let Err(raised) = outcome {
            outcome = self.handle(block, raised).map_err(|raised| Raised {
                is_handlers: false,
                ..raised
            });
        }
        self.scopes.pop();
        outcome
    }

    fn handle(&mut self, block: &Block, raised: Raised) -> Step1<Flow> {
        match handler_of(&block.handlers, &raised) {
            Some(handler) if !handler.continues && !raised.is_handlers => {
                self.run_handler(handler, raised, self.scopes.len())
            }
            _ => Err(raised),
        }
    }

    /// Runs a handler, which sees so many of the scopes.
    fn run_handler(&mut self, handler: &Handler, raised: Raised, seen: usize) -> Step1<Flow> {
        let unseen = self.scopes.split_off(seen);
        self.scopes.push(BTreeMap::new());
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
        self.handlers.push((Rc::from([]), self.scopes.len()));
        let outcome = self.steps(&handler.body);
        self.handlers.pop();
        self.handling = before;
        self.scopes.truncate(seen);
        self.scopes.extend(unseen);
        outcome.map_err(|raised| Raised {
            is_handlers: true,
            ..raised
        })
    }

    /// The handler of the innermost block, if it says to go on after the error.
    fn continuing(&self, raised: &Raised) -> Option<(Handler, usize)> {
        let (handlers, seen) = self.handlers.last()?;
        let handler = handler_of(handlers, raised);
        let handler = handler.filter(|h| h.continues && !raised.is_handlers)?;
        Some((handler.clone(), *seen))
    }

    pub(super) fn steps(&mut self, steps: &[Step]) -> Step1<Flow> {
        for step in steps {
            let mut done = self.step(&step.action);
            if let Err(raised) = &mut done {
                raised.place.get_or_insert((step.line, step.position));
                if let Some((handler, seen)) = self.continuing(raised) {
                    done = self.run_handler(&handler, raised.clone(), seen);
                }
            }
            let flow = done?;
            if !matches!(flow, Flow::Next) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn step(&mut self, action: &Action) -> Step1<Flow> {
        match action {
            Action::Declare(declaration) => self.declare(declaration)?,
            Action::Assign { name, value } => self.assign(name, value)?,
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
                label,
            } => return self.for_range(name, *reverse, (from, to), (body, label)),
            Action::ForCursor {
                name,
                cursor,
                body,
                label,
            } => return self.for_cursor(name, cursor, (body, label)),
            Action::While {
                condition,
                body,
                label,
            } => return self.while_loop(condition, (body, label)),
            Action::Repeat { body, until, label } => return self.repeat(until, (body, label)),
            Action::Loop { body, label } => return self.endless((body, label)),
            Action::Break(label) => return Ok(Flow::Break(label.clone())),
            Action::Continue(label) => return Ok(Flow::Continue(label.clone())),
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
                error: SnowflakeError::new(own_code(*code), "P0001", message.clone()),
                place: None,
                is_handlers: false,
            },
            _ => statement_error(SnowflakeError::invalid_identifier(name)),
        }
    }
}

/// The number of an exception that a script declares, as the code of an error.
fn own_code(code: i64) -> &'static str {
    static CODES: LazyLock<Vec<String>> =
        LazyLock::new(|| (0..1000).map(|n| format!("-{}", 20_000 + n)).collect());
    let at = usize::try_from(-20_000 - code);
    at.ok()
        .and_then(|at| CODES.get(at))
        .map_or("-20000", String::as_str)
}

pub(super) fn statement_error(error: SnowflakeError) -> Raised {
    Raised {
        name: "STATEMENT_ERROR".to_owned(),
        code: error.code.parse().unwrap_or(0),
        error,
        place: None,
        is_handlers: false,
    }
}

pub(super) fn expression_error(error: SnowflakeError) -> Raised {
    Raised {
        name: "EXPRESSION_ERROR".to_owned(),
        ..statement_error(error)
    }
}
