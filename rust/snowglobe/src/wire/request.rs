//! A submission as SQL API v2 documents it, checked: what is not understood is refused, never passed over.

use super::error::ApiError;
use crate::engine::{Bind, Binds, Login, SnowflakeError, split_statements};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::time::Duration;

/// The query string of a submission.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameters {
    pub request_id: Option<String>,
    pub retry: bool,
    pub r#async: bool,
    pub nullable: Option<bool>,
}

/// The body of a submission.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    statement: String,
    timeout: Option<u64>,
    database: Option<String>,
    schema: Option<String>,
    warehouse: Option<String>,
    role: Option<String>,
    bindings: Option<HashMap<String, Binding>>,
    parameters: Option<Map<String, Value>>,
}

/// A bound value; several of one type only from the drivers.
#[derive(Debug, Deserialize)]
pub struct Binding {
    r#type: String,
    value: BindingValue,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum BindingValue {
    One(Option<String>),
    Several(Vec<Option<String>>),
}

impl BindingValue {
    /// Whether it holds nulls alone.
    fn is_empty(&self) -> bool {
        match self {
            Self::One(value) => value.is_none(),
            Self::Several(values) => values.iter().all(Option::is_none),
        }
    }
}

/// What is to be run.
#[derive(Debug)]
pub struct Job {
    pub login: Login,
    /// One statement, or those of a multi-statement request.
    pub statements: Vec<String>,
    /// Whether it is a multi-statement request, even of one.
    pub multiple: bool,
    pub binds: Binds,
    /// Session parameters to set first.
    pub parameters: Vec<(String, String)>,
    pub timeout: Option<Duration>,
}

const BIND_TYPES: [&str; 10] = [
    "FIXED",
    "REAL",
    "TEXT",
    "BINARY",
    "BOOLEAN",
    "DATE",
    "TIME",
    "TIMESTAMP_NTZ",
    "TIMESTAMP_LTZ",
    "TIMESTAMP_TZ",
];

/// Statements whose effect would end with the request.
const ONLY_IN_MULTIPLE: [&str; 6] = ["BEGIN", "COMMIT", "ROLLBACK", "USE", "SET", "UNSET"];

impl Submission {
    /// Checks the submission of `user`.
    pub fn into_job(self, user: String) -> Result<Job, ApiError> {
        let Settings {
            parameters,
            expected,
        } = settings(self.parameters.unwrap_or_default())?;
        if let Some((name, value)) = parameters.iter().find(|(name, _)| name == "AUTOCOMMIT")
            && !value.eq_ignore_ascii_case("true")
        {
            // "Introduction to the SQL API": it must be TRUE, whatever the account's or the user's value is.
            let message =
                format!("{name} = {value} is not allowed: the SQL API needs AUTOCOMMIT = TRUE");
            return Err(ApiError::new(400, message));
        }
        let multiple = expected != 1;
        let binds = binds(self.bindings.unwrap_or_default(), false)?;
        let statements =
            split_statements(&self.statement).map_err(|error| ApiError::statement(&error))?;
        check_count(statements.len(), expected).map_err(|error| ApiError::statement(&error))?;
        if multiple && !binds.0.is_empty() {
            let error = SnowflakeError::unsupported("bind variables in a multi-statement request");
            return Err(ApiError::statement(&error));
        }
        if !multiple && let Some(kind) = statements.first().and_then(|sql| only_in_multiple(sql)) {
            let message = format!(
                "Unsupported statement type '{kind}': it works only in a multi-statement request."
            );
            return Err(ApiError::statement(&SnowflakeError::new(
                "391911", "0A000", message,
            )));
        }
        let login = Login {
            user,
            role: self.role.map(exact),
            warehouse: self.warehouse.map(exact),
            database: self.database.map(exact),
            schema: self.schema.map(exact),
        };
        // Zero means the longest that there is.
        let timeout = self
            .timeout
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs);
        Ok(Job {
            login,
            statements,
            multiple,
            binds,
            parameters,
            timeout,
        })
    }
}

/// These fields are case-sensitive, as Snowflake documents: `firn` is not `FIRN`.
fn exact(name: String) -> String {
    if name.starts_with('"') {
        name
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// What `parameters` says.
pub struct Settings {
    /// Session parameters, without those of the request itself.
    pub parameters: Vec<(String, String)>,
    /// `MULTI_STATEMENT_COUNT`: 0 means any.
    pub expected: usize,
}

/// Takes `parameters` apart.
pub fn settings(given: Map<String, Value>) -> Result<Settings, ApiError> {
    let mut settings = Settings {
        parameters: Vec::new(),
        expected: 1,
    };
    for (name, value) in given {
        let text = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => {
                let message = format!("the parameter {name} is neither text, number nor boolean");
                return Err(ApiError::new(400, message));
            }
        };
        if name.eq_ignore_ascii_case("MULTI_STATEMENT_COUNT") {
            let count = text.parse::<usize>();
            settings.expected = count.map_err(|_| {
                ApiError::new(
                    400,
                    "invalid MULTI_STATEMENT_COUNT: expected a whole number; 0 means any",
                )
            })?;
        } else {
            settings.parameters.push((name.to_ascii_uppercase(), text));
        }
    }
    Ok(settings)
}

/// Holds the number of statements against what the request says.
pub fn check_count(actual: usize, expected: usize) -> Result<(), SnowflakeError> {
    if actual == 0 {
        let message = "SQL compilation error:\nEmpty SQL statement.";
        return Err(SnowflakeError::new("000900", "42601", message));
    }
    if expected == 0 || actual == expected {
        return Ok(());
    }
    let message = format!(
        "Actual statement count {actual} did not match the desired statement count {expected}."
    );
    Err(SnowflakeError::new("000008", "0A000", message))
}

/// `{"1": …, "2": …}` in order, without a gap.
pub fn binds(mut given: HashMap<String, Binding>, several: bool) -> Result<Binds, ApiError> {
    let mut binds = Vec::with_capacity(given.len());
    for number in 1..=given.len() {
        let Some(Binding { r#type, value }) = given.remove(&number.to_string()) else {
            return Err(ApiError::new(
                400,
                format!("bindings must be numbered from 1 without a gap: \"{number}\" is missing"),
            ));
        };
        let mut kind = r#type.to_ascii_uppercase();
        // The Python connector gives this to None.
        if kind == "ANY" && value.is_empty() {
            "TEXT".clone_into(&mut kind);
        }
        if !BIND_TYPES.contains(&kind.as_str()) {
            return Err(ApiError::new(
                400,
                format!(
                    "binding {number} has the type {kind}, expected one of {}",
                    BIND_TYPES.join(", ")
                ),
            ));
        }
        let values = match value {
            BindingValue::One(value) => vec![value],
            BindingValue::Several(values) if several => values,
            BindingValue::Several(_) => {
                let message = format!("binding {number} is a list: the SQL API takes one value");
                return Err(ApiError::new(400, message));
            }
        };
        binds.push(Bind { kind, values });
    }
    Ok(Binds(binds))
}

fn only_in_multiple(sql: &str) -> Option<&'static str> {
    let words = leading_words(sql);
    let first = words.first()?;
    // A block of Snowflake Scripting also begins with BEGIN, but goes on.
    let block = first == "BEGIN"
        && words
            .get(1)
            .is_some_and(|next| !["TRANSACTION", "WORK", "NAME"].contains(&next.as_str()));
    if first == "ALTER" && words.get(1).is_some_and(|next| next == "SESSION") {
        return Some("ALTER_SESSION");
    }
    if is_temporary(&words) {
        return Some("CREATE_TEMPORARY");
    }
    ONLY_IN_MULTIPLE
        .into_iter()
        .find(|kind| kind == first && !block)
}

/// Whether it makes a table or stage that ends with the session.
fn is_temporary(words: &[String]) -> bool {
    let is_one = |word: &String| ["TEMP", "TEMPORARY", "VOLATILE"].contains(&word.as_str());
    words.first().is_some_and(|first| first == "CREATE")
        && words
            .iter()
            .skip(1)
            .take_while(|word| !["TABLE", "STAGE"].contains(&word.as_str()))
            .any(is_one)
}

/// The first words, in capitals, behind comments.
fn leading_words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = sql.trim_start();
    while words.len() < 6 && !rest.is_empty() {
        if let Some(comment) = rest.strip_prefix("--").or_else(|| rest.strip_prefix("//")) {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else {
            let end = rest
                .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                .unwrap_or(rest.len());
            if end == 0 {
                break;
            }
            words.push(rest[..end].to_ascii_uppercase());
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    fn job(text: &str) -> Result<Job, u16> {
        let submission: Submission = serde_json::from_str(text).map_err(|_| 400_u16)?;
        submission
            .into_job("ADA".into())
            .map_err(|error| error.into_response().status().as_u16())
    }

    #[test]
    fn a_plain_submission_is_one_statement_with_its_place() {
        let job = job(r#"{"statement":"select 1","database":"FIRN","timeout":0}"#).unwrap();
        assert_eq!(job.statements.len(), 1);
        assert_eq!(job.login.database.as_deref(), Some("\"FIRN\""));
        assert_eq!(job.timeout, None);
    }

    #[test]
    fn statements_are_counted_against_what_the_request_says() {
        assert_eq!(
            job(r#"{"statement":"select 1; select 2"}"#).unwrap_err(),
            422
        );
        let three =
            r#"{"statement":"select 1; select 2","parameters":{"MULTI_STATEMENT_COUNT":"3"}}"#;
        assert_eq!(job(three).unwrap_err(), 422);
        let any = r#"{"statement":"select 1; select 2","parameters":{"MULTI_STATEMENT_COUNT":0}}"#;
        assert_eq!(job(any).unwrap().statements.len(), 2);
        assert_eq!(job(r#"{"statement":" "}"#).unwrap_err(), 422);
    }

    #[test]
    fn bindings_come_in_the_order_of_their_numbers() {
        let job = job(
            r#"{"statement":"select ?, ?","bindings":{"2":{"type":"TEXT","value":null},"1":{"type":"fixed","value":"7"}}}"#,
        );
        let binds = job.unwrap().binds.0;
        assert_eq!(
            binds[0],
            Bind {
                kind: "FIXED".into(),
                values: vec![Some("7".into())]
            }
        );
        assert_eq!(
            binds[1],
            Bind {
                kind: "TEXT".into(),
                values: vec![None]
            }
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            r#"{"statement":"select 1","describe":true}"#,
            r#"{"statement":"select ?","bindings":{"2":{"type":"TEXT","value":"x"}}}"#,
            r#"{"statement":"select ?","bindings":{"1":{"type":"BLOB","value":"x"}}}"#,
            r#"{"statement":"select 1","parameters":{"TIMEZONE":["UTC"]}}"#,
            r#"{"statement":"select 1","parameters":{"MULTI_STATEMENT_COUNT":"two"}}"#,
            r#"{"statements":"select 1"}"#,
        ] {
            assert_eq!(job(text).unwrap_err(), 400, "{text}");
        }
    }

    #[test]
    fn what_would_end_with_its_request_works_only_in_a_multi_statement_request() {
        for sql in [
            "begin",
            "-- why\nbegin transaction",
            "/* x */ use role r",
            "commit",
            "set a = 1",
            "alter session set x = 1",
            "create temp table t (i int)",
            "create or replace local temporary table t as select 1 as i",
            "create temporary stage s",
        ] {
            assert!(only_in_multiple(sql).is_some(), "{sql}");
        }
        for sql in [
            "begin let x := 1; return x; end",
            "select 1",
            "alter table t add c int",
            "create table temporary_things (temp int)",
            "create table temp (i int)",
            "",
            "(select 1)",
        ] {
            assert!(only_in_multiple(sql).is_none(), "{sql}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_statement_is_too_strange_to_be_taken_apart(sql in "[\\PC\n]{0,80}", comment in "(--|//|/\\*|)") {
            let text = serde_json::json!({"statement": format!("{comment}{sql}")}).to_string();
            match job(&text) {
                Ok(job) => proptest::prop_assert_eq!(job.statements.len(), 1),
                Err(status) => proptest::prop_assert!(status == 400 || status == 422),
            }
        }
    }
}
