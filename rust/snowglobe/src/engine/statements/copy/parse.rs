//! Reads the statement COPY INTO a table.

use sqlparser::tokenizer::Token;

use super::by_name::{self, MatchBy};
use super::validate::Validation;
use super::{Copy, OnError, transform};
use crate::engine::catalog::Object;
use crate::engine::compile::{Context, stage_marker, take_stage};
use crate::engine::files::formats;
use crate::engine::statements::dml;
use crate::engine::statements::stages;
use crate::engine::statements::stages::Location;
use crate::sql::cursor::{Cursor, quoted};
use crate::sql::properties::Properties;
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};

impl Copy {
    /// The place that what follows `COPY INTO` reads from, whatever else may be wrong with it.
    ///
    /// # Errors
    /// If there is no such stage.
    pub fn location(context: &Context<'_>, cursor: &mut Cursor<'_>) -> Result<Location> {
        let target = cursor.name()?;
        if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
            cursor.parenthesized()?;
        }
        let marker = match cursor.accept("FROM") {
            true => source(cursor)?.0,
            false => table_stage(&*dml::find(context, &target)?),
        };
        stages::locate(context, &marker)
    }

    /// Whether the statement loads the rows of a query on the stage.
    ///
    /// # Errors
    /// If it is no COPY INTO.
    pub fn is_transformation(text: &str) -> Result<bool> {
        let lexemes = lex(text)?;
        let mut cursor = Cursor::new(text, &lexemes);
        cursor.expect("COPY INTO")?;
        cursor.name()?;
        if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
            cursor.parenthesized()?;
        }
        Ok(cursor.accept("FROM") && cursor.accept_token(&Token::LParen))
    }

    /// Reads what follows `COPY INTO`.
    ///
    /// # Errors
    /// What Snowflake says of unknown names, missing rights and unsupported options.
    pub fn parse(context: &Context<'_>, cursor: &mut Cursor<'_>) -> Result<Self> {
        let target = dml::find(context, &cursor.name()?)?;
        context.require(&target, "INSERT")?;
        let mut columns = Vec::new();
        if cursor.accept_token(&Token::LParen) {
            loop {
                columns.push(dml::column(&target, &cursor.identifier()?)?.name.clone());
                if !cursor.accept_token(&Token::Comma) {
                    break;
                }
            }
            cursor.expect_token(&Token::RParen)?;
        }
        // "COPY INTO <table>": files in the table's own stage are found without FROM.
        let (marker, select) = match cursor.accept("FROM") {
            true => source(cursor)?,
            false => (table_stage(&target), None),
        };
        let location = stages::locate(context, &marker)?;
        let mut p = Properties::parse(cursor)?;
        cursor.end()?;
        let options = p
            .take("FILE_FORMAT")
            .map(formats::option_text)
            .transpose()?
            .unwrap_or_default();
        let format = stages::format_for(context, &location, &options)?;
        let copy = Self {
            target,
            columns,
            location,
            marker,
            select,
            files: p.take_list("FILES")?,
            pattern: p.take_text("PATTERN")?,
            format,
            on_error: p
                .take_text("ON_ERROR")?
                .map(|text| on_error(&text))
                .transpose()?,
            purge: p.take_bool("PURGE")?.unwrap_or(false),
            force: p.take_bool("FORCE")?.unwrap_or(false),
            load_uncertain: p.take_bool("LOAD_UNCERTAIN_FILES")?.unwrap_or(false),
            size_limit: p.take_integer("SIZE_LIMIT")?.map(i64::unsigned_abs),
            truncate_columns: p.take_bool("TRUNCATECOLUMNS")?.unwrap_or(false)
                || !p.take_bool("ENFORCE_LENGTH")?.unwrap_or(true),
            return_failed_only: p.take_bool("RETURN_FAILED_ONLY")?.unwrap_or(false),
            match_by: match p.take_text("MATCH_BY_COLUMN_NAME")? {
                Some(text) => MatchBy::parse(&text)?,
                None => MatchBy::None,
            },
            metadata: by_name::take_metadata(&mut p)?,
            fields: Vec::new(),
            validation: match p.take_text("VALIDATION_MODE")? {
                Some(text) => Some(Validation::parse(&text)?),
                None => None,
            },
        };
        p.refuse(&["FILE_PROCESSOR", "LOAD_MODE"])?;
        p.end()?;
        copy.check()?;
        Ok(copy)
    }

    /// Fails on what does not go together.
    fn check(&self) -> Result<()> {
        by_name::check(self)?;
        if self.validation.is_some() && self.select.is_some() {
            return Err(SnowflakeError::compilation(
                "VALIDATION_MODE does not go with a transformation",
            ));
        }
        let is_positional = self.select.is_none() && self.match_by == MatchBy::None;
        if self.format.is_json && is_positional && self.target.table()?.columns.len() != 1 {
            return Err(SnowflakeError::new(
                "002019",
                "0A000",
                "SQL compilation error:\nJSON file format can produce one and only one column of variant, object, or array type. Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with transformation.",
            ));
        }
        Ok(())
    }

    /// Fails on what a pipe's COPY may not say.
    ///
    /// # Errors
    /// Names the option.
    pub fn check_for_pipe(&self) -> Result<()> {
        let refused = [
            ("FILES", self.files.is_some()),
            ("FORCE", self.force),
            ("PURGE", self.purge),
            ("SIZE_LIMIT", self.size_limit.is_some()),
            ("RETURN_FAILED_ONLY", self.return_failed_only),
            ("VALIDATION_MODE", self.validation.is_some()),
            (
                "ON_ERROR = ABORT_STATEMENT",
                self.on_error == Some(OnError::Abort),
            ),
        ];
        match refused.iter().find(|(_, is_there)| *is_there) {
            Some((option, _)) => Err(SnowflakeError::compilation(format!(
                "invalid copy option for a pipe: {option}"
            ))),
            None => Ok(()),
        }
    }
}

/// The stage's marker, and the transformation if there is one.
fn source(cursor: &mut Cursor<'_>) -> Result<(String, Option<String>)> {
    if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
        let (text, _) = cursor.parenthesized()?;
        let lexemes = lex(text)?;
        let start = lexemes
            .iter()
            .position(|l| l.token == Token::AtSign)
            .ok_or_else(|| SnowflakeError::unsupported("COPY from a query that reads no stage"))?;
        let (marker, _) = stage_marker(text, &lexemes[start..]);
        transform::check(text)?;
        return Ok((marker, Some(text.to_owned())));
    }
    if let Ok(text) = cursor.text() {
        return Ok((text, None));
    }
    Ok((take_stage(cursor)?, None))
}

fn table_stage(table: &Object) -> String {
    let path: Vec<String> = table.path.iter().map(|part| quoted(part)).collect();
    let (namespace, name) = path.split_at(path.len() - 1);
    format!("@{}.%{}", namespace.join("."), name.concat())
}

fn on_error(text: &str) -> Result<OnError> {
    let upper = text.to_uppercase();
    let number = |t: &str| t.parse::<u64>().ok();
    match upper.as_str() {
        "CONTINUE" => Ok(OnError::Continue),
        "SKIP_FILE" => Ok(OnError::SkipFile(1)),
        "ABORT_STATEMENT" => Ok(OnError::Abort),
        other => {
            let rest = other.strip_prefix("SKIP_FILE_").unwrap_or_default();
            let parsed = match rest.strip_suffix('%') {
                Some(percent) => number(percent).map(OnError::SkipPercent),
                None => number(rest).map(OnError::SkipFile),
            };
            parsed.ok_or_else(|| {
                SnowflakeError::new(
                    "001008",
                    "22023",
                    format!(
                        "SQL compilation error:\ninvalid value [{text}] for parameter 'ON_ERROR'"
                    ),
                )
            })
        }
    }
}
