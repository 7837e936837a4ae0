//! SHOW and DESCRIBE.

mod columns;
mod describe;
mod grants;
mod layout;
mod rows;
mod transactions;

use crate::engine::catalog::retention::is_kept;
use crate::engine::catalog::{Body, Kind, Object};
use crate::engine::compile::Context;
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::sql::cursor::Cursor;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};
use describe::describe;
use grants::{future_grants, grants};
use rows::row;

/// A text, or null.
fn text(value: impl Into<Option<String>>) -> Value {
    value.into().map_or(Value::Null, Value::Text)
}

fn yes(flag: bool) -> Value {
    Value::Text(flag.to_string())
}

type Cells = Vec<(&'static str, Value)>;

fn table(rows: Vec<Cells>, names: &[&'static str]) -> QueryResult {
    let names: Vec<&str> = rows.first().map_or_else(
        || names.to_vec(),
        |row| row.iter().map(|(n, _)| *n).collect(),
    );
    let kind = |(at, name): (usize, &&str)| {
        let found = rows
            .iter()
            .map(|row| &row[at].1)
            .find(|v| **v != Value::Null);
        match found {
            Some(Value::TimestampLtz(_)) => SnowflakeType::LTZ,
            Some(Value::TimestampTz { .. }) => SnowflakeType::TZ,
            Some(Value::Number(_)) => SnowflakeType::INTEGER,
            Some(_) => SnowflakeType::TEXT,
            None => layout::kind(name),
        }
    };
    let columns = names
        .iter()
        .enumerate()
        .map(|(at, name)| ColumnMeta::new(*name, kind((at, name))))
        .collect();
    let rows = rows
        .into_iter()
        .map(|row| row.into_iter().map(|(_, v)| v).collect())
        .collect();
    QueryResult {
        columns,
        rows,
        kind: StatementKind::Show,
        ..QueryResult::default()
    }
}

/// Rows with the documented columns.
fn arranged(rows: Vec<Cells>, layout: &'static str, history: bool) -> QueryResult {
    let names: Vec<&'static str> = layout
        .split(' ')
        .filter(|name| history || *name != "dropped_on")
        .collect();
    let rows = rows.into_iter().map(|row| layout::arranged(row, &names));
    table(rows.collect(), &names)
}

/// Runs the statement.
pub(crate) fn run(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    if cursor.identifier()? != "SHOW" {
        return describe(session, cursor);
    }
    let is_terse = cursor.accept("TERSE");
    let (binds, variables) = (Binds::default(), Variables::new());
    if cursor.accept("PARAMETERS") {
        return parameters(session, &mut cursor);
    }
    let context = session.context(&binds, &variables);
    if cursor.accept("GRANTS") {
        return grants(&context, cursor);
    }
    if cursor.accept("TRANSACTIONS") {
        return transactions::transactions(&context, cursor);
    }
    if cursor.accept("LOCKS") {
        return transactions::locks(&context, cursor);
    }
    if cursor.accept("VARIABLES") {
        return Err(SnowflakeError::unsupported("SHOW VARIABLES"));
    }
    if cursor.accept("FUTURE GRANTS") {
        return future_grants(&context, cursor);
    }
    if cursor.accept("PRIMARY KEYS") {
        return columns::primary_keys(&context, cursor);
    }
    if cursor.accept("UNIQUE KEYS") {
        return columns::no_keys(&context, cursor, layout::PRIMARY_KEYS);
    }
    if cursor.accept("IMPORTED KEYS") || cursor.accept("EXPORTED KEYS") {
        return columns::no_keys(&context, cursor, layout::FOREIGN_KEYS);
    }
    if cursor.accept("COLUMNS") {
        return columns::columns(&context, cursor);
    }
    if cursor.accept("USER FUNCTIONS") {
        // There are none: `CREATE FUNCTION` is not supported.
        Filter::parse(&context, &mut cursor, Kind::Procedure)?;
        return Ok(arranged(Vec::new(), layout::FUNCTIONS, false));
    }
    cursor.accept("USER");
    let word = cursor.identifier()?;
    let kind = match word.as_str() {
        "FILE" => {
            cursor.expect("FORMATS")?;
            Kind::FileFormat
        }
        "OBJECTS" => Kind::Table,
        "STORAGE" => {
            cursor.expect("INTEGRATIONS")?;
            Kind::Integration
        }
        "USER" => return Err(SnowflakeError::unsupported("SHOW USER")),
        _ => Kind::of_words(word.strip_suffix('S').unwrap_or(&word))
            .ok_or_else(|| SnowflakeError::unsupported(format!("SHOW {word}")))?,
    };
    objects(&context, cursor, kind, &word, is_terse)
}

/// SHOW of a kind of objects; SHOW OBJECTS is of tables and views.
fn objects(
    context: &Context<'_>,
    mut cursor: Cursor<'_>,
    kind: Kind,
    word: &str,
    is_terse: bool,
) -> Result<QueryResult> {
    let history = cursor.accept("HISTORY");
    let filter = Filter::parse(context, &mut cursor, kind)?;
    let views = (word == "OBJECTS").then_some(Kind::View);
    let mut found: Vec<&std::sync::Arc<Object>> = [Some(kind), views]
        .into_iter()
        .flatten()
        .flat_map(|kind| context.snapshot.catalog.all(kind))
        .filter(|o| filter.takes(o) && context.find(o.kind, &o.name()).is_ok())
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(limit) = filter.limit {
        found.truncate(limit);
    }
    let mut rows = Vec::new();
    for object in found {
        let mut cells = row(context, object)?;
        // SHOW OBJECTS says no more of a table's kind.
        if word == "OBJECTS" && matches!(&object.body, Body::Table(table) if table.transient) {
            cells.retain(|(name, _)| *name != "kind");
            cells.push(("kind", text("TABLE".to_owned())));
        }
        rows.push(cells);
    }
    if history {
        rows.extend(dropped(context, kind, &filter)?);
    }
    if kind == Kind::Schema && !history {
        rows.extend(information_schemas(context, &filter));
    }
    if let Some(limit) = filter.limit {
        rows.truncate(limit);
    }
    let layout = match (is_terse, word) {
        (true, _) => layout::TERSE,
        (false, "OBJECTS") => layout::OBJECTS,
        (false, _) => layout::of(kind),
    };
    Ok(arranged(rows, layout, history))
}

/// What was dropped and may come back.
fn dropped(context: &Context<'_>, kind: Kind, filter: &Filter) -> Result<Vec<Cells>> {
    let mine = context.snapshot.catalog.dropped().filter(|o| {
        o.kind == kind
            && is_kept(o, context.snapshot.now)
            && filter.takes(o)
            && context.names.roles.contains(&o.owner)
    });
    mine.map(|object| {
        let mut cells = row(context, object)?;
        let at = object.dropped.map_or(0, |d| d.micros);
        cells.push(("dropped_on", Value::TimestampLtz(at)));
        Ok(cells)
    })
    .collect()
}

/// The schema that every database has by itself.
fn information_schemas(context: &Context<'_>, filter: &Filter) -> Vec<Cells> {
    let databases = context.snapshot.catalog.all(Kind::Database);
    let visible = databases.filter(|o| context.find(Kind::Database, &o.name()).is_ok());
    let row = |database: &std::sync::Arc<Object>| {
        let mut schema = Object::clone(database);
        schema.path.push("INFORMATION_SCHEMA".to_owned());
        filter.takes(&schema).then(|| {
            vec![
                ("created_on", Value::TimestampLtz(context.snapshot.now)),
                ("name", text(schema.short().to_owned())),
                ("database_name", text(database.short().to_owned())),
                ("owner", text(String::new())),
                ("retention_time", text("1".to_owned())),
                (
                    "comment",
                    text("Views describing the contents of schemas in this database".to_owned()),
                ),
            ]
        })
    };
    visible.filter_map(row).collect()
}

/// `LIKE 'pattern' IN … STARTS WITH … LIMIT …`
struct Filter {
    like: Option<String>,
    starts: Option<String>,
    within: Vec<String>,
    limit: Option<usize>,
    /// `LIMIT … FROM 'name'`: only what comes after it.
    after: Option<String>,
}

impl Filter {
    fn parse(context: &Context<'_>, cursor: &mut Cursor<'_>, kind: Kind) -> Result<Self> {
        let mut filter = Self {
            like: None,
            starts: None,
            within: Vec::new(),
            limit: None,
            after: None,
        };
        let mut is_in = false;
        loop {
            if cursor.accept("LIKE") {
                filter.like = Some(cursor.text()?.to_uppercase());
            } else if cursor.accept("STARTS WITH") {
                filter.starts = Some(cursor.text()?);
            } else if cursor.accept("LIMIT") {
                filter.limit = usize::try_from(cursor.integer()?).ok();
                if cursor.accept("FROM") {
                    filter.after = Some(cursor.text()?);
                }
            } else if cursor.accept("IN") {
                is_in = true;
                if cursor.accept("ACCOUNT") {
                    continue;
                }
                let container = if cursor.accept("DATABASE") {
                    Kind::Database
                } else {
                    Kind::Schema
                };
                cursor.accept("SCHEMA");
                if cursor.is_done() {
                    filter.within.extend(context.names.database.clone());
                    if container == Kind::Schema {
                        filter.within.extend(context.names.schema.clone());
                    }
                } else {
                    let name = cursor.name()?;
                    let found = context
                        .find(container, &name)
                        .or_else(|e| context.find(Kind::Database, &name).map_err(|_| e))?;
                    filter.within.clone_from(&found.path);
                }
            } else {
                break;
            }
        }
        cursor.end()?;
        // Without IN, SHOW looks where the session is.
        if !is_in && kind.name_parts() > 1 {
            filter.within.extend(context.names.database.clone());
            if kind.name_parts() == 3 && context.names.database.is_some() {
                filter.within.extend(context.names.schema.clone());
            }
        }
        Ok(filter)
    }

    fn takes(&self, object: &Object) -> bool {
        let name = object.short();
        // A procedure's own name ends before its argument types.
        let name = name.split('(').next().unwrap_or_default();
        object.path.starts_with(&self.within)
            && self.starts.as_ref().is_none_or(|s| name.starts_with(s))
            && self
                .after
                .as_ref()
                .is_none_or(|after| name > after.as_str())
            && self
                .like
                .as_ref()
                .is_none_or(|pattern| like(&name.to_uppercase(), pattern))
    }
}

/// SQL's LIKE.
fn like(text: &str, pattern: &str) -> bool {
    let mut chars = pattern.chars();
    match chars.next() {
        None => text.is_empty(),
        Some('%') => (0..=text.len())
            .filter(|at| text.is_char_boundary(*at))
            .any(|at| like(&text[at..], chars.as_str())),
        Some('_') => text
            .chars()
            .next()
            .is_some_and(|c| like(&text[c.len_utf8()..], chars.as_str())),
        Some(c) => text
            .strip_prefix(c)
            .is_some_and(|rest| like(rest, chars.as_str())),
    }
}

fn parameters(session: &Session, cursor: &mut Cursor<'_>) -> Result<QueryResult> {
    let like_pattern = if cursor.accept("LIKE") {
        Some(cursor.text()?.to_uppercase())
    } else {
        None
    };
    if cursor.accept("IN") || cursor.accept("FOR") {
        let _ = cursor.accept("SESSION") || cursor.accept("ACCOUNT");
    }
    cursor.end()?;
    let rows = session
        .parameters
        .all()
        .filter(|(name, _, _)| like_pattern.as_ref().is_none_or(|p| like(name, p)));
    let row = |(key, value, default): (&str, String, &str)| {
        vec![
            ("key", text(key.to_owned())),
            ("value", text(value)),
            ("default", text(default.to_owned())),
            ("level", text(String::new())),
            ("description", text(String::new())),
            ("type", text(parameter_type(default).to_owned())),
        ]
    };
    let names = ["key", "value", "default", "level", "description", "type"];
    Ok(table(rows.map(row).collect(), &names))
}

fn parameter_type(default: &str) -> &'static str {
    match default {
        "TRUE" | "FALSE" => "BOOLEAN",
        number if number.parse::<u64>().is_ok() => "NUMBER",
        _ => "STRING",
    }
}
