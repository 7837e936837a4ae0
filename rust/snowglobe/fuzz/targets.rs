//! What each target does with its bytes, apart from libFuzzer: `tests/tests/snowglobe_fuzz.rs` does the same with the corpus.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use snowglobe::engine::{
    Binds, Engine, EngineOptions, Login, MemoryStore, ObjectStore, Session, split_statements,
};
use snowglobe::server::{Options, Running, serve};

type Account = (Engine, Session, Arc<MemoryStore>);

thread_local! {
    static SQL: RefCell<Option<Account>> = const { RefCell::new(None) };
    static CSV: RefCell<Option<Account>> = const { RefCell::new(None) };
}

fn open(setup: &[&str]) -> Account {
    let store = Arc::new(MemoryStore::default());
    let engine = Engine::open(EngineOptions {
        object_store: Arc::clone(&store) as Arc<dyn ObjectStore>,
        ..EngineOptions::default()
    })
    .expect("an engine opens");
    let login = Login {
        user: "SNOWGLOBE".to_owned(),
        ..Login::default()
    };
    let mut session = engine.session(login).expect("a session opens");
    for sql in setup {
        session.execute(sql, &Binds::default()).expect(sql);
    }
    (engine, session, store)
}

/// Closes the accounts of this thread when it goes out of scope, whatever ends it. At the thread's end it would be too late: what DuckDB
/// keeps for the thread may be gone before them.
pub struct Closing;

impl Drop for Closing {
    fn drop(&mut self) {
        drop(SQL.take());
        drop(CSV.take());
    }
}

/// Any text as statements: each is answered or refused, and the engine lives on.
pub fn sql(text: &str) {
    // What waits or writes without end says nothing new.
    let lower = text.to_lowercase();
    if ["wait", "generator", "repeat", "loop", "while", "recursive"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return;
    }
    let setup = [
        "create or replace database d",
        "create table t (id number, v varchar(20), at timestamp_ntz, o variant)",
        "insert into t (id, v) values (1, 'a'), (2, null)",
        "create stream s on table t",
        "create stage st",
        "alter session set statement_timeout_in_seconds = 5",
    ];
    SQL.with_borrow_mut(|opened| {
        let (engine, session, _) = opened.get_or_insert_with(|| open(&setup));
        for statement in split_statements(text).into_iter().flatten() {
            let _ = session.execute(&statement, &Binds::default());
        }
        // Whatever was said, another session is answered.
        let login = Login {
            user: "SNOWGLOBE".to_owned(),
            ..Login::default()
        };
        if let Ok(mut other) = engine.session(login) {
            let one = other.execute("select 1", &Binds::default());
            assert!(one.is_ok(), "{one:?}");
        }
    });
}

const FORMATS: [&str; 8] = [
    "field_optionally_enclosed_by = '\"' skip_header = 1",
    "field_delimiter = '|' escape = '\\\\'",
    "record_delimiter = '\\r\\n' trim_space = true null_if = ('NULL', '')",
    "field_optionally_enclosed_by = '\\'' error_on_column_count_mismatch = false skip_blank_lines = true",
    "compression = gzip",
    "compression = zstd field_optionally_enclosed_by = '\"' replace_invalid_characters = true",
    "encoding = 'UTF16' timestamp_format = 'DD.MM.YYYY HH24:MI'",
    "encoding = 'ISO-8859-1' record_delimiter = '~' empty_field_as_null = false",
];

/// Any bytes as a staged file, in a format that the first byte chooses: rows are loaded or told, and nothing else happens.
pub fn csv(bytes: &[u8]) {
    let Some((first, content)) = bytes.split_first() else {
        return;
    };
    let setup = [
        "create database d",
        "create table t (a number(5,2), b varchar(10), c timestamp_ntz) data_retention_time_in_days = 0",
        "create stage st url = 's3://lake/'",
    ];
    CSV.with_borrow_mut(|opened| {
        let (_, session, store) = opened.get_or_insert_with(|| open(&setup));
        store.put("lake", "f", content).expect("it is put");
        let format = FORMATS[usize::from(*first) % FORMATS.len()];
        let copy = format!(
            "copy into t from @st file_format = (type = csv {format}) on_error = continue force = true"
        );
        let _ = session.execute(&copy, &Binds::default());
        let emptied = session.execute("delete from t", &Binds::default());
        assert!(emptied.is_ok(), "{emptied:?}");
    });
}

static SERVER: OnceLock<(tokio::runtime::Runtime, Running)> = OnceLock::new();

fn server() -> &'static Running {
    let (_, running) = SERVER.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let options = Options {
            admin_token: Some("fuzzing-fuzzing-fuzzing-fuzzing".to_owned()),
            ..Options::default()
        };
        let running = runtime.block_on(serve(options)).expect("it serves");
        (runtime, running)
    });
    running
}

/// What comes back within `timeout`; `ends` says that nothing more will be sent.
fn send(address: SocketAddr, bytes: &[u8], timeout: Duration, ends: bool) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(timeout)).expect("a timeout");
    let _ = stream.write_all(bytes);
    if ends {
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _ = stream.take(1 << 16).read_to_end(&mut answer);
    answer
}

/// A whole request with the body.
fn request(path: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer fuzzing-fuzzing-fuzzing-fuzzing\r\n\
         x-snowflake-authorization-token-type: PROGRAMMATIC_ACCESS_TOKEN\r\ncontent-type: application/json\r\naccept: application/json\r\nuser-agent: rough/1\r\n{more}content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Any bytes on both sockets, behind a head that is right or not: the server lives on. The first byte chooses how they are sent.
pub fn http(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let server = server();
    let rough = match first % 6 {
        0 | 1 => rest.to_vec(),
        2 => request("/api/v2/statements", "", rest),
        3 => request("/api/v2/statements", "content-encoding: gzip\r\n", rest),
        4 => request("/queries/v1/query-request", "", rest),
        _ => request("/session/v1/login-request", "", rest),
    };
    let address = if first % 6 == 1 {
        server.s3_address
    } else {
        server.address
    };
    send(address, &rough, Duration::from_millis(200), true);
    let plain = request("/api/v2/statements", "", b"{\"statement\":\"select 1\"}");
    let answer = send(server.address, &plain, Duration::from_secs(30), false);
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}
