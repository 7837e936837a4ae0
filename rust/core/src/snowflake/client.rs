//! Runs statements over the SQL API: submit, poll, read every partition, and cancel a statement whose caller stops waiting.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Rows, sort};
use super::connection::Connection;
use super::transport::{Call, Transport};
use crate::error::{Context, Error, Result};

/// Default timeout of a call, including its retries.
const TIMEOUT: Duration = Duration::from_secs(120);
/// The shortest and the longest interval between polls of a running statement.
const SHORTEST_LOOK: Duration = Duration::from_millis(20);
const LONGEST_LOOK: Duration = Duration::from_secs(2);

/// A client for one account. Clones share it.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) transport: Transport,
}

/// One statement to run.
#[derive(Clone, Debug, Default)]
pub struct Statement {
    sql: String,
    role: Option<String>,
    in_account: bool,
    without_warehouse: bool,
    binds: Vec<String>,
    parameters: Map<String, Value>,
    timeout: Option<Duration>,
    is_long: bool,
}

impl Statement {
    /// One statement, without a semicolon at its end.
    pub fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            ..Self::default()
        }
    }

    /// Runs it as `role`.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Runs it without database and schema, which may not exist yet.
    #[must_use]
    pub fn in_account(mut self) -> Self {
        self.in_account = true;
        self
    }

    /// Runs it on no warehouse, which may not exist yet.
    #[must_use]
    pub fn without_warehouse(mut self) -> Self {
        self.without_warehouse = true;
        self
    }

    /// Binds the next `?` to a text.
    #[must_use]
    pub fn bind(mut self, text: impl Into<String>) -> Self {
        self.binds.push(text.into());
        self
    }

    /// Sets a session parameter for this statement.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the statement's timeout on the server.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Runs it asynchronously, so that the handle is known at once and the statement can be cancelled from its start.
    #[must_use]
    pub fn long(mut self) -> Self {
        self.is_long = true;
        self
    }
}

/// Cancels a statement that is dropped before it has finished.
struct InFlight {
    transport: Transport,
    handle: Option<String>,
}

impl Client {
    /// A client of `connection`; nothing is sent yet.
    ///
    /// # Errors
    /// `Config` if secrets would be sent without TLS, or TLS or a proxy cannot be set up.
    pub fn new(connection: Connection) -> Result<Self> {
        connection.check_tls()?;
        Ok(Self {
            transport: Transport::new(connection, TIMEOUT)?,
        })
    }

    /// The same client with another timeout.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.transport.timeout = timeout;
        self
    }

    /// The connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.transport.connection
    }

    /// Runs one statement and reads its whole result.
    ///
    /// # Errors
    /// `Config` for missing objects, rights or credentials, `Rejected` for a statement that fails, `Transient` if trying
    /// again later may help. Dropping the future cancels the statement.
    pub async fn run(&self, statement: Statement) -> Result<Rows> {
        let body = self.body(&statement);
        let is_long = [("async", "true")];
        let call = Call {
            method: Method::POST,
            path: "/api/v2/statements",
            query: if statement.is_long { &is_long } else { &[] },
            body: Some(&body),
        };
        let mut answer =
            sort(self.transport.send(&call).await?).context(|| first_line(&statement.sql))?;
        let mut in_flight = InFlight {
            transport: self.transport.clone(),
            handle: None,
        };
        let started = Instant::now();
        let (handle, mut rows, partitions) = loop {
            match answer {
                Answer::Done {
                    handle,
                    rows,
                    partitions,
                } => break (handle, rows, partitions),
                Answer::Running { handle } => {
                    // The longer a statement runs, the less often it is polled; its end is noticed at most a sixteenth of its run time late.
                    let wait = started.elapsed() / 16;
                    tokio::time::sleep(wait.clamp(SHORTEST_LOOK, LONGEST_LOOK)).await;
                    let path = format!("/api/v2/statements/{handle}");
                    in_flight.handle = Some(handle);
                    let call = Call {
                        method: Method::GET,
                        path: &path,
                        query: &[],
                        body: None,
                    };
                    let reply = self.transport.send(&call).await?;
                    answer = sort(reply)
                        .context(|| first_line(&statement.sql))
                        .inspect_err(|_| in_flight.handle = None)?;
                }
            }
        };
        in_flight.handle = None;
        for partition in 1..partitions {
            rows.rows
                .append(&mut self.partition(&handle, partition).await?);
        }
        Ok(rows)
    }

    /// Runs one statement for its result.
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn query(&self, sql: &str) -> Result<Rows> {
        self.run(Statement::new(sql)).await
    }

    async fn partition(&self, handle: &str, partition: usize) -> Result<Vec<Vec<Option<String>>>> {
        let path = format!("/api/v2/statements/{handle}");
        let number = partition.to_string();
        let query = [("partition", number.as_str())];
        let reply = self
            .transport
            .send(&Call {
                method: Method::GET,
                path: &path,
                query: &query,
                body: None,
            })
            .await?;
        match sort(reply).context(|| format!("partition {partition} of a result"))? {
            Answer::Done { rows, .. } => Ok(rows.rows),
            Answer::Running { .. } => Err(Error::transient(
                "the SQL API reports a finished statement as running",
            )),
        }
    }

    fn body(&self, statement: &Statement) -> Value {
        let connection = &self.transport.connection;
        let mut body = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            value.map(|value| body.insert(name.to_owned(), value))
        };
        set("statement", Some(json!(statement.sql)));
        set(
            "timeout",
            statement.timeout.map(|timeout| json!(timeout.as_secs())),
        );
        set(
            "role",
            statement
                .role
                .as_ref()
                .or(connection.role.as_ref())
                .map(|role| json!(role)),
        );
        set(
            "warehouse",
            connection
                .warehouse
                .as_ref()
                .filter(|_| !statement.without_warehouse)
                .map(|warehouse| json!(warehouse)),
        );
        if !statement.in_account {
            set(
                "database",
                connection.database.as_ref().map(|database| json!(database)),
            );
            set(
                "schema",
                connection.schema.as_ref().map(|schema| json!(schema)),
            );
        }
        if !statement.binds.is_empty() {
            let binds = statement.binds.iter().enumerate();
            let binds: Map<_, _> = binds
                .map(|(index, text)| {
                    (
                        (index + 1).to_string(),
                        json!({"type": "TEXT", "value": text}),
                    )
                })
                .collect();
            set("bindings", Some(Value::Object(binds)));
        }
        if !statement.parameters.is_empty() {
            set(
                "parameters",
                Some(Value::Object(statement.parameters.clone())),
            );
        }
        Value::Object(body)
    }
}

/// The start of a statement, to identify it in messages; its values are binds and not included.
fn first_line(sql: &str) -> String {
    let line = sql
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim();
    let short: String = line.chars().take(80).collect();
    if short.len() < sql.trim().len() {
        format!("`{short} …`")
    } else {
        format!("`{short}`")
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let (Some(handle), Ok(runtime)) =
            (self.handle.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let mut transport = self.transport.clone();
        transport.timeout = Duration::from_secs(10);
        runtime.spawn(async move {
            let path = format!("/api/v2/statements/{handle}/cancel");
            let call = Call {
                method: Method::POST,
                path: &path,
                query: &[],
                body: None,
            };
            if let Err(error) = transport.send(&call).await {
                log::warn!("cannot cancel statement {handle}: {error}");
            }
        });
    }
}
