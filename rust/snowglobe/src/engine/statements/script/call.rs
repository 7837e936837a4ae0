//! CALL: finding the procedure, its arguments, its rights and the scope of its transactions.

use std::sync::Arc;

use sqlparser::tokenizer::Token;

use super::procedure::procedure_body;
use super::run::{Flow, Runner};
use super::{answer, block_of};
use crate::engine::catalog::signature;
use crate::engine::catalog::{Body, Kind, Object, Parameter, Procedure};
use crate::engine::compile::Variables;
use crate::engine::compile::{Typed, literal_of};
use crate::engine::session::{Frame, Session};
use crate::engine::statements::query;
use crate::sql::cursor::{Cursor, Name};
use crate::sql::lexeme::Lexeme;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Bind, Binds, QueryResult, SnowflakeType, Value};

/// Procedures may call each other this deep.
const MAX_DEPTH: usize = 16;

/// A value as a bind.
pub(super) fn bind_of(typed: &Typed) -> Bind {
    let text = match &typed.value {
        Value::Null => None,
        Value::Text(text) | Value::Json(text) => Some(text.clone()),
        Value::Number(digits) => Some(match typed.kind {
            SnowflakeType::Number { scale, .. } => crate::engine::compile::decimal(*digits, scale),
            _ => digits.to_string(),
        }),
        Value::Float(n) => Some(n.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Date(days) => Some((i64::from(*days) * 86_400_000).to_string()),
        Value::Time(micros) | Value::TimestampNtz(micros) | Value::TimestampLtz(micros) => {
            Some((i128::from(*micros) * 1000).to_string())
        }
        Value::TimestampTz {
            micros,
            offset_minutes,
        } => Some(format!(
            "{} {}",
            i128::from(*micros) * 1000,
            offset_minutes + 1440
        )),
        Value::Binary(bytes) => Some(bytes.iter().map(|b| format!("{b:02x}")).collect()),
    };
    let kind = match typed.kind {
        SnowflakeType::Number { .. } => "FIXED",
        SnowflakeType::Float => "REAL",
        SnowflakeType::Boolean => "BOOLEAN",
        SnowflakeType::Date => "DATE",
        SnowflakeType::Time { .. } => "TIME",
        SnowflakeType::TimestampNtz { .. } => "TIMESTAMP_NTZ",
        SnowflakeType::TimestampLtz { .. } => "TIMESTAMP_LTZ",
        SnowflakeType::TimestampTz { .. } => "TIMESTAMP_TZ",
        SnowflakeType::Binary { .. } => "BINARY",
        _ => "TEXT",
    };
    Bind {
        kind: kind.to_owned(),
        values: vec![text],
    }
}

/// An argument, by name or by its place.
struct Argument {
    name: Option<String>,
    value: Typed,
}

/// Runs `CALL name(arguments)`.
pub(crate) fn call(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.expect("CALL")?;
    if cursor
        .peek()
        .and_then(Lexeme::word)
        .is_some_and(|w| w.starts_with("SYSTEM$"))
    {
        let text = format!("select {}", cursor.rest_text());
        return query::query(session, &text, binds, variables);
    }
    let name = cursor.name()?;
    let given = given(session, &mut cursor, binds, variables)?;
    cursor.end()?;
    let object = find(session, &name, &given)?;
    let Body::Procedure(procedure) = &object.body else {
        return Err(SnowflakeError::missing("Procedure", name));
    };
    let arguments = arguments(session, procedure, &given)?;
    let result = invoke(session, &object, procedure, arguments)?;
    Ok(answer(result, name.last()))
}

/// Runs `WITH name AS PROCEDURE (…) … AS '…' CALL name(…)`: a procedure for this call alone, with its caller's rights.
pub(crate) fn call_anonymous(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.expect("WITH")?;
    let name = cursor.identifier()?;
    cursor.expect("AS PROCEDURE")?;
    let parameters = signature::parameters(&mut cursor)?;
    let (mut procedure, _) = procedure_body(&mut cursor, parameters)?;
    procedure.callers_rights = true;
    cursor.expect("CALL")?;
    if cursor.identifier()? != name {
        return Err(SnowflakeError::compilation(format!(
            "WITH … AS PROCEDURE can only call {name}"
        )));
    }
    let given = given(session, &mut cursor, binds, variables)?;
    cursor.end()?;
    if !fits(&procedure, &given) {
        return Err(unknown(&[name]));
    }
    let arguments = arguments(session, &procedure, &given)?;
    let result = run_body(session, &procedure, None, arguments)?;
    Ok(answer(result, &name))
}

/// Reads and evaluates `(argument, name => argument, …)`.
fn given(
    session: &mut Session,
    cursor: &mut Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<Vec<Argument>> {
    cursor.expect_token(&Token::LParen)?;
    let mut found = Vec::new();
    while !cursor.accept_token(&Token::RParen) {
        let start = cursor.position();
        let name = cursor
            .identifier()
            .ok()
            .filter(|_| cursor.accept_token(&Token::RArrow));
        if name.is_none() {
            cursor.reset(start);
        }
        let text = cursor.text_until(&[",", ")"])?;
        let text = super::expressions::with_colons(text, variables)?;
        let value = query::evaluate(session, &text, binds, variables)?;
        found.push(Argument { name, value });
        cursor.accept_token(&Token::Comma);
    }
    Ok(found)
}

fn unknown(path: &[String]) -> SnowflakeError {
    SnowflakeError::new(
        "002141",
        "42601",
        format!(
            "SQL compilation error:\nUnknown user-defined function {}",
            Name(path.to_vec())
        ),
    )
}

/// Whether the procedure takes so many arguments, of those names.
fn fits(procedure: &Procedure, given: &[Argument]) -> bool {
    let parameters = &procedure.parameters;
    let required = parameters.iter().filter(|p| p.default.is_none()).count();
    let is_known = |name: &String| parameters.iter().any(|p| p.name == *name);
    (required..=parameters.len()).contains(&given.len())
        && given.iter().filter_map(|a| a.name.as_ref()).all(is_known)
}

/// How many arguments are of their parameter's type as they are.
fn likeness(procedure: &Procedure, given: &[Argument]) -> usize {
    let parameters = procedure.parameters.iter().enumerate();
    parameters
        .filter(|(at, parameter)| {
            argument_of(given, *at, parameter).is_some_and(|a| {
                signature::type_word(&a.value.kind) == signature::type_word(&parameter.kind)
            })
        })
        .count()
}

fn argument_of<'g>(
    given: &'g [Argument],
    at: usize,
    parameter: &Parameter,
) -> Option<&'g Argument> {
    let is_it = |(n, argument): &(usize, &Argument)| match &argument.name {
        Some(name) => *name == parameter.name,
        None => *n == at,
    };
    given.iter().enumerate().find(is_it).map(|(_, a)| a)
}

/// The procedure of that name that fits the arguments best.
fn find(session: &Session, name: &Name, given: &[Argument]) -> Result<Arc<Object>> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let path = context.full_path(Kind::Procedure, name)?;
    let prefix = format!("{}(", path[2]);
    let likeness = |object: &Arc<Object>| match &object.body {
        Body::Procedure(p)
            if object.path[..2] == path[..2]
                && object.short().starts_with(&prefix)
                && fits(p, given) =>
        {
            Some((likeness(p, given), Arc::clone(object)))
        }
        _ => None,
    };
    let object = context
        .snapshot
        .catalog
        .all(Kind::Procedure)
        .filter_map(likeness)
        .max_by_key(|(likeness, _)| *likeness)
        .map(|(_, object)| object)
        .ok_or_else(|| unknown(&path))?;
    // A procedure that the role may not see is unknown to it.
    context
        .find(Kind::Procedure, &object.name())
        .map_err(|_| unknown(&path))?;
    context.require(&object, "USAGE")?;
    Ok(object)
}

fn arguments(
    session: &mut Session,
    procedure: &Procedure,
    given: &[Argument],
) -> Result<Variables> {
    let mut found = Variables::new();
    for (at, parameter) in procedure.parameters.iter().enumerate() {
        let none = (Binds::default(), Variables::new());
        let value = match (argument_of(given, at, parameter), &parameter.default) {
            (Some(argument), _) => argument.value.clone(),
            (None, Some(default)) => query::evaluate(session, default, &none.0, &none.1)?,
            (None, None) => {
                return Err(SnowflakeError::compilation(format!(
                    "argument {} is missing",
                    parameter.name
                )));
            }
        };
        let cast = format!("({})::{}", literal_of(&value), parameter.kind);
        let value = query::evaluate(session, &cast, &none.0, &none.1)?.value;
        let kind = parameter.kind.clone();
        found.insert(parameter.name.clone(), Typed { kind, value });
    }
    Ok(found)
}

/// Runs a procedure with its owner's rights, or its caller's.
fn invoke(
    session: &mut Session,
    object: &Object,
    procedure: &Procedure,
    arguments: Variables,
) -> Result<Flow> {
    let owners = (!procedure.callers_rights).then(|| Frame {
        role: object.owner.clone(),
        database: Some(object.path[0].clone()),
        schema: Some(object.path[1].clone()),
        is_owners: true,
    });
    run_body(session, procedure, owners, arguments)
}

/// Runs the body; a transaction that it leaves open is rolled back.
fn run_body(
    session: &mut Session,
    procedure: &Procedure,
    frame: Option<Frame>,
    arguments: Variables,
) -> Result<Flow> {
    if session.depth >= MAX_DEPTH {
        return Err(SnowflakeError::new(
            "090057",
            "54001",
            "Stored procedure recursion is too deep.",
        ));
    }
    let block = block_of(&procedure.body)?;
    let has_own_rights = frame.is_some();
    session.frames.extend(frame);
    session.depth += 1;
    let outcome = Runner::new(session, arguments).run(&block);
    let left = session.transactions.pop_if(|t| t.depth == session.depth);
    let undone = left
        .as_ref()
        .map(|transaction| session.abandon(transaction));
    session.depth -= 1;
    if has_own_rights {
        session.frames.pop();
    }
    let flow = outcome?;
    if let Some(undone) = undone {
        undone?;
        return Err(SnowflakeError::new(
            "090232",
            "22000",
            "Stored procedure execution error: Scoped transaction started in stored procedure is incomplete and it was rolled back.",
        ));
    }
    match (&procedure.returns, flow) {
        (Some(kind), Flow::Return(Some(typed))) => {
            let cast = format!("({})::{kind}", literal_of(&typed));
            let value =
                query::evaluate(session, &cast, &Binds::default(), &Variables::new())?.value;
            Ok(Flow::Return(Some(Typed {
                kind: kind.clone(),
                value,
            })))
        }
        (_, flow) => Ok(flow),
    }
}
