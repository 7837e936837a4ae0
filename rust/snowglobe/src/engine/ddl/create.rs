//! CREATE of everything but tables.

use super::{New, kind, make, table};
use crate::engine::catalog::{
    Body, Kind, Parameter, Pipe, Procedure, Stage, Stream, Task, User, Warehouse,
};
use crate::engine::dml::Variables;
use crate::engine::error::{Result, SnowflakeError};
use crate::engine::session::Session;
use crate::engine::value::{Binds, QueryResult};
use crate::engine::{dml, formats, script, stages, storage, tasks, timetravel, warehouses};
use crate::sql::cursor::{Cursor, Name};
use crate::sql::properties::{Properties, Property};

/// Runs what follows `CREATE`.
pub(super) fn run(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    text: &str,
    variables: &Variables,
) -> Result<QueryResult> {
    let or_replace = cursor.accept("OR REPLACE");
    if cursor.at_words("OR ALTER") {
        return Err(SnowflakeError::unsupported("CREATE OR ALTER"));
    }
    let mut flags = table::Flags {
        or_replace,
        transient: false,
        temporary: false,
    };
    loop {
        if cursor.accept("TRANSIENT") {
            flags.transient = true;
        } else if cursor.accept("TEMPORARY") || cursor.accept("TEMP") || cursor.accept("VOLATILE") {
            flags.temporary = true;
        } else if !(cursor.accept("SECURE")
            || cursor.accept("LOCAL")
            || cursor.accept("GLOBAL")
            || cursor.accept("RECURSIVE"))
        {
            break;
        }
    }
    let kind = kind(&mut cursor)?;
    if kind == Kind::Table {
        let binds = Binds::default();
        return stages::with_staged(session, cursor.rest_text(), &binds, variables, |session| {
            table::run(session, cursor, &flags, variables)
        });
    }
    if flags.temporary && kind != Kind::Stage {
        return Err(SnowflakeError::unsupported(format!(
            "TEMPORARY {}",
            kind.noun().to_uppercase()
        )));
    }
    if kind == Kind::Procedure {
        return procedure(session, cursor, or_replace);
    }
    let if_not_exists = cursor.accept("IF NOT EXISTS");
    let name = cursor.name()?;
    let mut new = New {
        kind,
        name,
        or_replace,
        if_not_exists,
        comment: None,
        body: Body::Role,
    };
    match kind {
        Kind::View => view(session, cursor, &mut new, (text, variables))?,
        Kind::Stream => return stream(session, cursor, new, variables),
        Kind::Task => task(session, cursor, &mut new)?,
        Kind::Pipe => pipe(session, cursor, &mut new)?,
        Kind::Sequence => return sequence(session, cursor, new),
        _ => {
            let mut properties = Properties::parse(&mut cursor)?;
            let _ = cursor.accept("COPY GRANTS");
            cursor.end()?;
            new.comment = properties.take_text("COMMENT")?;
            new.body = simple(kind, &mut properties, flags.transient)?;
            properties.end()?;
        }
    }
    let name = new.name.last().to_owned();
    let is_warehouse = kind == Kind::Warehouse;
    let starts = matches!(&new.body, Body::Warehouse(w) if !w.suspended);
    let made = make(session, new, |_, _| Ok(()))?;
    if is_warehouse {
        // A new warehouse is the session's from now on, and runs, unless it is to wait.
        let shared = std::sync::Arc::clone(&session.shared);
        if starts {
            shared.warehouses.use_one(&shared, Some(&name), None)?;
        }
        session.warehouse = Some(name);
    }
    Ok(made)
}

/// Objects that are nothing but properties.
fn simple(kind: Kind, properties: &mut Properties, transient: bool) -> Result<Body> {
    Ok(match kind {
        Kind::Database | Kind::Schema => {
            properties.take_integer("DATA_RETENTION_TIME_IN_DAYS")?;
            if kind == Kind::Database {
                Body::Database { transient }
            } else {
                Body::Schema { transient }
            }
        }
        Kind::Stage => stage(properties)?,
        Kind::FileFormat => {
            let options = formats::take_options(properties)?;
            formats::Format::parse(&options)?;
            Body::FileFormat { options }
        }
        Kind::Role => Body::Role,
        Kind::User => {
            let mut user = User::default();
            user_properties(&mut user, properties)?;
            Body::User(user)
        }
        Kind::Warehouse => {
            let suspended = properties
                .take_bool("INITIALLY_SUSPENDED")?
                .unwrap_or(false);
            let mut warehouse = Warehouse {
                size: "X-Small".to_owned(),
                auto_suspend_seconds: 600,
                auto_resume: true,
                suspended,
            };
            warehouse_properties(&mut warehouse, properties)?;
            Body::Warehouse(warehouse)
        }
        Kind::Integration => integration(properties)?,
        _ => {
            return Err(SnowflakeError::unsupported(format!(
                "CREATE {}",
                kind.noun().to_uppercase()
            )));
        }
    })
}

pub(super) fn user_properties(user: &mut User, properties: &mut Properties) -> Result<()> {
    for (at, key) in ["RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"]
        .into_iter()
        .enumerate()
    {
        if let Some(text) = properties.take_text(key)? {
            let body: String = text
                .lines()
                .filter(|l| !l.starts_with("-----"))
                .flat_map(|l| l.chars().filter(|c| !c.is_whitespace()))
                .collect();
            user.public_keys[at] = Some(body);
        }
    }
    let fold = |text: Option<String>| text.map(|t| t.to_uppercase());
    if let Some(role) = fold(properties.take_text("DEFAULT_ROLE")?) {
        user.default_role = Some(role);
    }
    if let Some(warehouse) = fold(properties.take_text("DEFAULT_WAREHOUSE")?) {
        user.default_warehouse = Some(warehouse);
    }
    if let Some(namespace) = properties.take_text("DEFAULT_NAMESPACE")? {
        user.default_namespace = Some(namespace);
    }
    if let Some(password) = properties.take_text("PASSWORD")? {
        user.password = Some(password);
    }
    if let Some(kind) = fold(properties.take_text("TYPE")?) {
        user.service = kind == "SERVICE";
    }
    if let Some(disabled) = properties.take_bool("DISABLED")? {
        user.disabled = disabled;
    }
    // What only a person's profile shows.
    for key in ["DISPLAY_NAME", "EMAIL", "FIRST_NAME", "LAST_NAME"] {
        properties.take(key);
    }
    properties.take_default("MUST_CHANGE_PASSWORD", "FALSE")?;
    properties.refuse(&["LOGIN_NAME", "DEFAULT_SECONDARY_ROLES"])
}

pub(super) fn warehouse_properties(
    warehouse: &mut Warehouse,
    properties: &mut Properties,
) -> Result<()> {
    if let Some(size) = properties.take_text("WAREHOUSE_SIZE")? {
        warehouse.size = warehouses::size(&size)?.to_owned();
    }
    let seconds = match properties.take("AUTO_SUSPEND") {
        None => None,
        Some(Property::Name(name)) if name.last() == "NULL" => Some(0),
        Some(Property::Number(digits)) => digits.parse().ok().filter(|n: &i64| *n >= 0),
        Some(_) => Some(-1),
    };
    match seconds {
        Some(-1) => {
            return Err(SnowflakeError::compilation(
                "AUTO_SUSPEND needs a number of seconds or NULL",
            ));
        }
        Some(seconds) => warehouse.auto_suspend_seconds = seconds,
        None => {}
    }
    if let Some(resume) = properties.take_bool("AUTO_RESUME")? {
        warehouse.auto_resume = resume;
    }
    properties.take_default("WAREHOUSE_TYPE", "STANDARD")?;
    properties.refuse(&[
        "STATEMENT_TIMEOUT_IN_SECONDS",
        "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS",
        "MAX_CLUSTER_COUNT",
        "MIN_CLUSTER_COUNT",
        "SCALING_POLICY",
        "RESOURCE_MONITOR",
        "ENABLE_QUERY_ACCELERATION",
        "MAX_CONCURRENCY_LEVEL",
    ])
}

/// What a stage may not say: Snowglobe reads its own S3 as it is, and keeps no directory tables.
pub(super) const STAGE_REFUSED: &[&str] = &["CREDENTIALS", "ENDPOINT", "ENCRYPTION", "DIRECTORY"];

fn stage(properties: &mut Properties) -> Result<Body> {
    let url = properties.take_text("URL")?;
    if let Some(url) = &url
        && !url.starts_with("s3://")
        && !url.starts_with("s3compat://")
    {
        return Err(SnowflakeError::unsupported(format!(
            "stage at '{url}': only s3:// is known here"
        )));
    }
    let integration = properties.take_text("STORAGE_INTEGRATION")?;
    properties.refuse(STAGE_REFUSED)?;
    let options = properties
        .take("FILE_FORMAT")
        .map(formats::option_text)
        .transpose()?
        .unwrap_or_default();
    Ok(Body::Stage(Stage {
        url,
        file_format: options,
        integration,
    }))
}

fn integration(properties: &mut Properties) -> Result<Body> {
    let kind = properties.take_text("TYPE")?.unwrap_or_default();
    if !kind.eq_ignore_ascii_case("EXTERNAL_STAGE") {
        return Err(SnowflakeError::unsupported(format!(
            "integration of type {kind}"
        )));
    }
    let provider = properties
        .take_text("STORAGE_PROVIDER")?
        .unwrap_or_default();
    if !["S3", "S3GOV", "S3CHINA"].contains(&provider.to_uppercase().as_str()) {
        return Err(SnowflakeError::unsupported(format!(
            "STORAGE_PROVIDER {provider}"
        )));
    }
    let enabled = properties.take_bool("ENABLED")?.unwrap_or(false);
    let locations = properties
        .take_list("STORAGE_ALLOWED_LOCATIONS")?
        .unwrap_or_default();
    let role = properties
        .take_text("STORAGE_AWS_ROLE_ARN")?
        .unwrap_or_default();
    let blocked = properties
        .take_list("STORAGE_BLOCKED_LOCATIONS")?
        .unwrap_or_default();
    properties.refuse(&["STORAGE_AWS_EXTERNAL_ID", "STORAGE_AWS_OBJECT_ACL"])?;
    Ok(Body::Integration {
        options: role,
        enabled,
        locations,
        blocked,
    })
}

fn view(
    session: &Session,
    mut cursor: Cursor<'_>,
    new: &mut New,
    (text, variables): (&str, &Variables),
) -> Result<()> {
    use sqlparser::tokenizer::Token;
    let mut columns = Vec::new();
    if cursor.accept_token(&Token::LParen) {
        loop {
            columns.push(cursor.identifier()?);
            if cursor.accept("COMMENT") {
                cursor.text()?;
            }
            if !cursor.accept_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    }
    let _ = cursor.accept("COPY GRANTS");
    let mut properties = Properties::parse(&mut cursor)?;
    new.comment = properties.take_text("COMMENT")?;
    properties.end()?;
    cursor.expect("AS")?;
    let query = cursor.rest_text().to_owned();
    let binds = Binds::default();
    let context = session.context(&binds, variables);
    let compiled = context.query(&query)?;
    let found = storage::query(
        &session.connection,
        &format!("select * from ({}) limit 0", compiled.sql),
    )?;
    if !columns.is_empty() && columns.len() != found.columns.len() {
        return Err(SnowflakeError::compilation(format!(
            "the view names {} columns, its query returns {}",
            columns.len(),
            found.columns.len()
        )));
    }
    new.body = Body::View {
        columns,
        text: text.to_owned(),
        query,
    };
    Ok(())
}

fn stream(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    new: New,
    variables: &Variables,
) -> Result<QueryResult> {
    if cursor.accept("COPY GRANTS") {
        return Err(SnowflakeError::unsupported("COPY GRANTS"));
    }
    cursor.expect("ON")?;
    if !cursor.accept("TABLE") {
        return Err(SnowflakeError::unsupported(
            "streams on anything but tables",
        ));
    }
    let binds = Binds::default();
    let context = session.context(&binds, variables);
    let base = dml::find(&context, &cursor.name()?)?;
    context.require(&base, "SELECT")?;
    let mut offset = context.snapshot;
    // Nothing that the stream is to show goes while it is being made.
    let _reading = std::sync::Arc::clone(&context.reading);
    if cursor.at_words("AT") || cursor.at_words("BEFORE") {
        let word = cursor.identifier()?;
        let (inside, _) = cursor.parenthesized()?;
        offset = timetravel::snapshot_of_text(&context, &base, &format!("{word}({inside})"))?;
    }
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.end()?;
    drop(context);
    let append_only = properties.take_bool("APPEND_ONLY")?.unwrap_or(false);
    let show_initial_rows = properties.take_bool("SHOW_INITIAL_ROWS")?.unwrap_or(false);
    let comment = properties.take_text("COMMENT")?;
    properties.refuse(&["INSERT_ONLY"])?;
    properties.end()?;
    if show_initial_rows {
        offset = -1;
    }
    let body = Body::Stream(Stream {
        table: base.id,
        table_name: base.name(),
        append_only,
        show_initial_rows,
    });
    let shared = std::sync::Arc::clone(&session.shared);
    make(
        session,
        New {
            comment,
            body,
            ..new
        },
        |connection, id| shared.set_offset(connection, id, offset),
    )
}

fn sequence(session: &mut Session, mut cursor: Cursor<'_>, mut new: New) -> Result<QueryResult> {
    let (mut start, mut step) = (1, 1);
    cursor.accept("WITH");
    loop {
        if cursor.accept("START") {
            let _ = cursor.accept("WITH") || cursor.accept_token(&sqlparser::tokenizer::Token::Eq);
            start = cursor.integer()?;
        } else if cursor.accept("INCREMENT") {
            let _ = cursor.accept("BY") || cursor.accept_token(&sqlparser::tokenizer::Token::Eq);
            step = cursor.integer()?;
        } else if !(cursor.accept("ORDER") || cursor.accept("NOORDER")) {
            break;
        }
    }
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.end()?;
    new.comment = properties.take_text("COMMENT")?;
    properties.end()?;
    new.body = Body::Sequence { start, step };
    make(session, new, |connection, id| {
        let least = if step < 0 {
            " minvalue -9223372036854775807"
        } else {
            ""
        };
        storage::run(
            connection,
            &format!("create sequence \"S{id}\" increment by {step}{least} start with {start}"),
        )
    })
}

fn home(session: &Session, new: &New) -> Result<(String, String)> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let path = session
        .context(&binds, &variables)
        .full_path(new.kind, &new.name)?;
    Ok((path[0].clone(), path[1].clone()))
}

fn task(session: &mut Session, mut cursor: Cursor<'_>, new: &mut New) -> Result<()> {
    cursor.accept("WITH");
    let mut properties = Properties::parse(&mut cursor)?;
    let mut after = Vec::new();
    if cursor.accept("AFTER") {
        loop {
            after.push(full_task_name(session, &cursor.name()?)?);
            if !cursor.accept_token(&sqlparser::tokenizer::Token::Comma) {
                break;
            }
        }
        properties.extend(Properties::parse(&mut cursor)?);
    }
    let when = if cursor.accept("WHEN") {
        Some(cursor.text_until(&["AS"])?.to_owned())
    } else {
        None
    };
    cursor.expect("AS")?;
    let body = cursor.rest_text().to_owned();
    if body.is_empty() {
        return Err(cursor.unexpected());
    }
    new.comment = properties.take_text("COMMENT")?;
    let finalizes = match properties.take_text("FINALIZE")? {
        Some(root) => Some(full_task_name(session, &Name::parse(&root)?)?),
        None => None,
    };
    check_graph(session, &after, finalizes.as_ref())?;
    let mut task = Task {
        warehouse: None,
        schedule: None,
        after,
        when,
        body,
        started: false,
        allow_overlap: false,
        suspend_after_failures: 10,
        failures: 0,
        timeout_millis: 3_600_000,
        config: None,
        trigger_interval_seconds: None,
        retry_attempts: 0,
        finalizes,
        home: home(session, new)?,
        resumed_micros: 0,
    };
    tasks::set_properties(&mut task, &mut properties)?;
    properties.end()?;
    tasks::check(&task)?;
    new.body = Body::Task(task);
    Ok(())
}

/// Fails if the graphs that the new task joins may not be changed now, or have a finalizer already.
fn check_graph(session: &Session, after: &[Name], finalizes: Option<&Name>) -> Result<()> {
    let catalog = session.shared.catalog();
    let mut before = after.to_vec();
    before.extend(finalizes.cloned());
    tasks::check_change(&catalog, None, &before)?;
    let Some(root) = finalizes else { return Ok(()) };
    let is_finalizer =
        |body: &Body| matches!(body, Body::Task(t) if t.finalizes.as_ref() == Some(root));
    if catalog.all(Kind::Task).any(|o| is_finalizer(&o.body)) {
        return Err(SnowflakeError::compilation(format!(
            "task {root} has a finalizer already"
        )));
    }
    if let Some(object) = catalog.find(Kind::Task, &root.0)
        && tasks::root_of(&catalog, object).id != object.id
    {
        return Err(SnowflakeError::compilation(format!(
            "FINALIZE needs a root task, which {root} is not"
        )));
    }
    Ok(())
}

/// The name of another task, which must be there.
pub(super) fn full_task_name(session: &Session, name: &Name) -> Result<Name> {
    let (binds, variables) = (Binds::default(), Variables::new());
    Ok(session
        .context(&binds, &variables)
        .find(Kind::Task, name)?
        .name())
}

fn pipe(session: &mut Session, mut cursor: Cursor<'_>, new: &mut New) -> Result<()> {
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.expect("AS")?;
    let copy = cursor.rest_text().to_owned();
    let auto_ingest = properties.take_bool("AUTO_INGEST")?.unwrap_or(false);
    new.comment = properties.take_text("COMMENT")?;
    properties.refuse(&["ERROR_INTEGRATION", "AWS_SNS_TOPIC", "INTEGRATION"])?;
    properties.end()?;
    let home = home(session, new)?;
    crate::engine::pipes::check(session, &copy)?;
    new.body = Body::Pipe(Pipe {
        copy,
        auto_ingest,
        paused: false,
        home,
    });
    Ok(())
}

fn procedure(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    or_replace: bool,
) -> Result<QueryResult> {
    let if_not_exists = cursor.accept("IF NOT EXISTS");
    let mut name = cursor.name()?;
    let parameters = script::parameters(&mut cursor)?;
    script::sign(&mut name, &parameters);
    let _ = cursor.accept("COPY GRANTS");
    let (procedure, comment) = procedure_body(&mut cursor, parameters)?;
    cursor.end()?;
    let body = Body::Procedure(procedure);
    make(
        session,
        New {
            kind: Kind::Procedure,
            name,
            or_replace,
            if_not_exists,
            comment,
            body,
        },
        |_, _| Ok(()),
    )
}

/// Reads a procedure from `RETURNS` on, with its comment. A body without quotes takes the rest of the text.
pub(crate) fn procedure_body(
    cursor: &mut Cursor<'_>,
    parameters: Vec<Parameter>,
) -> Result<(Procedure, Option<String>)> {
    cursor.expect("RETURNS")?;
    let returns = if cursor.accept("TABLE") {
        cursor.parenthesized()?;
        None
    } else {
        Some(crate::sql::types::parse(cursor)?)
    };
    let _ = cursor.accept("NOT NULL");
    let mut callers_rights = false;
    let mut comment = None;
    loop {
        if cursor.accept("LANGUAGE") {
            let language = cursor.identifier()?;
            if language != "SQL" {
                return Err(SnowflakeError::unsupported(format!(
                    "procedures in {language}"
                )));
            }
        } else if cursor.accept("EXECUTE AS") {
            callers_rights = match cursor.identifier()?.as_str() {
                "CALLER" => true,
                "OWNER" => false,
                other => return Err(SnowflakeError::unsupported(format!("EXECUTE AS {other}"))),
            };
        } else if cursor.accept("COMMENT") {
            cursor.expect_token(&sqlparser::tokenizer::Token::Eq)?;
            comment = Some(cursor.text()?);
        } else if !(cursor.accept("CALLED ON NULL INPUT")
            || cursor.accept("VOLATILE")
            || cursor.accept("IMMUTABLE"))
        {
            break;
        }
    }
    cursor.expect("AS")?;
    let body = match cursor.text() {
        Ok(body) => body,
        Err(_) => {
            let body = cursor.rest_text().to_owned();
            while cursor.next().is_some() {}
            body
        }
    };
    script::check(&body)?;
    let procedure = Procedure {
        parameters,
        returns,
        body,
        callers_rights,
    };
    Ok((procedure, comment))
}
