//! Loads files in which nothing is wrong, as most are: each goes from its bytes into the table in one statement, on all cores.
//!
//! If anything is out of the ordinary, nothing of it stays, and the careful way has the last word, with its row numbers and errors.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::by_name::{self, MatchBy};
use super::record::note;
use super::{Column, Copy, Loaded, OnError};
use crate::engine::compile::Context;
use crate::engine::compile::Variables;
use crate::engine::files::pieces::Skip;
use crate::engine::files::scan::{ROW, Registered, Scan};
use crate::engine::files::split::Splitter;
use crate::engine::session::Session;
use crate::engine::statements::dml;
use crate::engine::statements::stages;
use crate::engine::storage;
use crate::object_store::ObjectMeta;
use crate::sql::cursor::{literal, quoted};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::Binds;

/// Longer headers are for the exact reader.
const HEADER_BYTES: u64 = 64 * 1024;
/// The rows of longer files may come in any order, as Snowflake's do, which is what makes more than one core possible.
const IN_ORDER_BYTES: u64 = 4 * 1024 * 1024;

/// Loads all of them, or none: then it is for the careful way to say why.
///
/// # Errors
/// If the statement was cancelled.
pub(super) fn load(
    session: &mut Session,
    copy: &Copy,
    files: &[ObjectMeta],
    pipe: u64,
    on_error: OnError,
    received: Option<&BTreeMap<String, i64>>,
) -> Result<Option<Vec<Loaded>>> {
    let is_star = copy.select.as_ref().is_some_and(|text| text.contains('*'));
    let is_by_name = copy.match_by != MatchBy::None;
    if is_star || (is_by_name && copy.format.is_json) || Splitter::of(&copy.format).is_none() {
        return Ok(None);
    }
    let order = |is_kept: bool| format!("set session preserve_insertion_order = {is_kept}");
    let is_long = files.iter().any(|file| file.size > IN_ORDER_BYTES);
    if is_long {
        storage::run(&session.connection, &order(false))?;
    }
    let now = session.shared.options.clock.now_micros();
    let (binds, variables) = (Binds::default(), Variables::new());
    let loads = session.write(&[], &binds, &variables, |context, stamp, effects| {
        effects.tables.insert(copy.target.id);
        let mut loads = Vec::with_capacity(files.len());
        for file in files {
            let loaded = insert(context, copy, file, on_error, stamp)?;
            note(effects, copy, &loaded, file, (pipe, now, received));
            loads.push(loaded);
        }
        Ok(loads)
    });
    if is_long {
        storage::run(&session.connection, &order(true))?;
    }
    match loads {
        Ok(loads) => Ok(Some(loads)),
        Err(error) if error.code == SnowflakeError::cancelled().code || session.is_cancelled() => {
            Err(SnowflakeError::cancelled())
        }
        Err(error) => {
            log::debug!("COPY goes the careful way: {error}");
            Ok(None)
        }
    }
}

fn insert(
    context: &mut Context<'_>,
    copy: &Copy,
    file: &ObjectMeta,
    on_error: OnError,
    stamp: i64,
) -> Result<Loaded> {
    let (copy, skip) = &with_names(context, copy, file)?;
    let columns = copy.targets()?;
    let registered = scan(context, copy, file, columns.len(), *skip)?.register();
    let source = copy.source(
        context,
        relation(
            &registered,
            file,
            copy.location.file_name(&file.key),
            context.snapshot.now,
        ),
    )?;
    let mut names: Vec<String> = columns.iter().map(|c| quoted(&c.name)).collect();
    let (mut values, aliases) = copy.values(&columns);
    let is_given = |c: &Column| columns.iter().any(|t| t.name == c.name);
    for (name, value) in dml::defaults(context, &copy.target, is_given)? {
        names.push(quoted(&name));
        values.push(value);
    }
    let loaded = storage::change(
        context.connection,
        &format!(
            "insert into \"T{}\" ({}, _begin) select {}, {stamp} from ({source}) as s({aliases})",
            copy.target.id,
            names.join(", "),
            values.join(", ")
        ),
    )?;
    let parsed = registered.scan.parsed.load(Ordering::Relaxed);
    Ok(Loaded {
        key: file.key.clone(),
        shown: copy.location.show(&file.key),
        size: file.size,
        parsed,
        loaded,
        error_limit: on_error.limit(parsed),
        errors: Vec::new(),
        status: "LOADED",
    })
}

/// The COPY with what each column takes of this file, and where its rows begin.
fn with_names<'c>(
    context: &Context<'_>,
    copy: &'c Copy,
    file: &ObjectMeta,
) -> Result<(Cow<'c, Copy>, Skip)> {
    if copy.match_by == MatchBy::None {
        return Ok((Cow::Borrowed(copy), Skip::Lines(copy.format.skip_header)));
    }
    let opened = stages::open(
        &context.environment.shared,
        &copy.location,
        &file.key,
        &copy.format,
    );
    let mut beginning = Vec::new();
    let read = opened.and_then(|file| file.take(HEADER_BYTES).read_to_end(&mut beginning));
    let is_whole = (read.map_err(SnowflakeError::internal)? as u64) < HEADER_BYTES;
    match by_name::header(&beginning, is_whole, &copy.format)? {
        Some(header) => {
            let copy = by_name::with_header(copy, &header.names)?;
            Ok((Cow::Owned(copy), Skip::Bytes(header.bytes)))
        }
        None => Err(SnowflakeError::internal(
            "this header is for the exact reader",
        )),
    }
}

fn scan(
    context: &Context<'_>,
    copy: &Copy,
    file: &ObjectMeta,
    columns: usize,
    skip: Skip,
) -> Result<Scan> {
    let splitter = Splitter::of(&copy.format)
        .ok_or_else(|| SnowflakeError::internal("this format is for the exact reader"))?;
    let (shared, location) = (
        Arc::clone(&context.environment.shared),
        copy.location.clone(),
    );
    let (key, format) = (file.key.clone(), copy.format.clone());
    Ok(Scan {
        splitter,
        skip,
        width: copy.width(columns).max(1),
        expected: copy.expected_fields(columns),
        open: Box::new(move || stages::open(&shared, &location, &key, &format)),
        parsed: AtomicU64::new(0),
    })
}

/// What a transformation finds in the stage, as [`stages::create_table`] has it.
fn relation(scan: &Registered, file: &ObjectMeta, name: &str, now: i64) -> String {
    format!(
        "(select {} as \"METADATA$FILENAME\", cast({ROW} as decimal(38, 0)) as \"METADATA$FILE_ROW_NUMBER\", {} as \"METADATA$FILE_CONTENT_KEY\", \
         make_timestamp({}) as \"METADATA$FILE_LAST_MODIFIED\", make_timestamptz({now}) as \"METADATA$START_SCAN_TIME\", * exclude ({ROW}) from {})",
        literal(name),
        literal(&file.etag),
        file.modified_micros,
        scan.call()
    )
}
