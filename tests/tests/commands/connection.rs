//! The sources of connections, in the order of Snowflake's own tools, and the error of each one that fails.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use snowglobe::server::Options;

use super::fixture::{Fixture, Said, firn, said};

const TEST_KEYS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../rust/core/src/snowflake/testdata"
);

/// `firn` without Snowglobe's address in its environment.
fn plain(fixture: &Fixture, words: &str) -> Command {
    let mut command = firn();
    command
        .args(words.split_whitespace())
        .current_dir(fixture.folder.path())
        .env("HOME", fixture.folder.path());
    command
}

fn run(command: &mut Command) -> Said {
    said(command.output().expect("firn runs"))
}

fn write_private(fixture: &Fixture, name: &str, text: &str) {
    let path = fixture.path(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its own");
}

/// A connection's settings in TOML.
fn settings(fixture: &Fixture, role: &str) -> String {
    let (address, token) = (fixture.server.address, &fixture.server.credentials.token);
    format!(
        "account = \"FIRN\"\nhost = \"{}\"\nport = {}\nprotocol = \"http\"\nauthenticator = \"PROGRAMMATIC_ACCESS_TOKEN\"\ntoken = \"{token}\"\nrole = \"{role}\"\n",
        address.ip(),
        address.port()
    )
}

/// The role that `firn doctor` reports.
fn role(said: &Said) -> &str {
    let line = said
        .out
        .lines()
        .find_map(|line| line.strip_prefix("ok    role: "));
    line.unwrap_or_else(|| panic!("no role: {}{}", said.out, said.err))
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, read from top to bottom")]
fn files_and_variables_are_read_as_by_snowflakes_tools() {
    let fixture = Fixture::new();
    let (loader, owner) = (
        settings(&fixture, "FIRN_LOADER"),
        settings(&fixture, "FIRN_OWNER"),
    );
    // First config.toml, under `connections`, which names the default connection.
    write_private(
        &fixture,
        ".snowflake/config.toml",
        &format!(
            "default_connection_name = \"mine\"\n[connections.mine]\n{loader}\n[connections.other]\n{owner}\n"
        ),
    );
    assert_eq!(role(&run(&mut plain(&fixture, "doctor"))), "FIRN_LOADER");
    assert_eq!(
        role(&run(&mut plain(&fixture, "doctor -c other"))),
        "FIRN_OWNER"
    );
    // connections.toml takes precedence over it.
    write_private(
        &fixture,
        ".snowflake/connections.toml",
        &format!("[mine]\n{owner}\n"),
    );
    assert_eq!(role(&run(&mut plain(&fixture, "doctor"))), "FIRN_OWNER");
    // The argument takes precedence over the connection's own variable, that over the file, and the file over the general variable.
    let named = |words: &str, general: &str, own: &str| {
        let mut command = plain(&fixture, words);
        command
            .env("SNOWFLAKE_DEFAULT_CONNECTION_NAME", "other")
            .env("SNOWFLAKE_ROLE", general)
            .env("SNOWFLAKE_CONNECTIONS_OTHER_ROLE", own);
        role(&run(&mut command)).to_owned()
    };
    assert_eq!(named("doctor", "PUBLIC", ""), "FIRN_OWNER");
    assert_eq!(named("doctor", "PUBLIC", "FIRN_LOADER"), "FIRN_LOADER");
    assert_eq!(
        named("doctor --role ACCOUNTADMIN", "PUBLIC", "FIRN_LOADER"),
        "ACCOUNTADMIN"
    );
    let without = format!("[mine]\n{}", owner.replace("role = \"FIRN_OWNER\"\n", ""));
    write_private(&fixture, ".snowflake/connections.toml", &without);
    assert_eq!(
        role(&run(
            plain(&fixture, "doctor").env("SNOWFLAKE_ROLE", "PUBLIC")
        )),
        "PUBLIC"
    );
    // SNOWFLAKE_HOME takes precedence over the home folder.
    write_private(
        &fixture,
        "elsewhere/connections.toml",
        &format!("[mine]\n{loader}\n"),
    );
    assert_eq!(
        role(&run(
            plain(&fixture, "doctor").env("SNOWFLAKE_HOME", fixture.path("elsewhere"))
        )),
        "FIRN_LOADER"
    );

    let unknown = run(&mut plain(&fixture, "status -c prod"));
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown
            .err
            .contains("connection `prod` not found in connections.toml")
            && unknown.err.contains(".snowflake"),
        "{}",
        unknown.err
    );
    write_private(
        &fixture,
        ".snowflake/connections.toml",
        "[mine\ntoken = 'very-secret'\n",
    );
    let broken = run(&mut plain(&fixture, "status"));
    assert!(
        broken.err.contains("connections.toml is not valid TOML")
            && !broken.err.contains("very-secret"),
        "{}",
        broken.err
    );
    let path = fixture.path(".snowflake/connections.toml");
    fs::write(&path, format!("[mine]\n{owner}\n")).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("for all");
    assert!(
        run(&mut plain(&fixture, "status"))
            .err
            .contains("other users can read")
    );
}

#[test]
fn a_key_pair_logs_in_or_reports_why_not() {
    let home = tempfile::tempdir().expect("a folder");
    let fixture = Fixture::with(Options {
        data: Some(home.path().to_owned()),
        ..Options::default()
    });
    let key = fixture
        .server
        .credentials
        .private_key_file
        .clone()
        .expect("a key with --data");
    let keyed = |key: &str, more: &[(&str, &str)]| {
        let mut command = fixture.firn("bootstrap --role ACCOUNTADMIN");
        command
            .env_remove("SNOWFLAKE_TOKEN")
            .env("SNOWFLAKE_USER", &fixture.server.credentials.user)
            .env("SNOWFLAKE_PRIVATE_KEY_FILE", key)
            .envs(more.iter().copied());
        run(&mut command)
    };
    let own = key.display().to_string();
    let well = keyed(&own, &[("SNOWFLAKE_AUTHENTICATOR", "SNOWFLAKE_JWT")]);
    assert_eq!(well.code, Some(0), "{}", well.err);
    for (what, key, more, wanted) in [
        (
            "a key that the account does not know",
            "plain.p8",
            &[][..],
            "login failed",
        ),
        (
            "a passphrase that is missing",
            "aes.p8",
            &[],
            "private key is encrypted: set `Private Key Passphrase` (PRIVATE_KEY_PASSPHRASE)",
        ),
        (
            "a wrong passphrase",
            "aes.p8",
            &[("PRIVATE_KEY_PASSPHRASE", "very-wrong")],
            "wrong passphrase",
        ),
        ("no key", "none.p8", &[], "none.p8"),
    ] {
        let said = keyed(&format!("{TEST_KEYS}/{key}"), more);
        assert_eq!(said.code, Some(1), "{what}: {}", said.err);
        assert!(said.err.contains(wanted), "{what}: {}", said.err);
        assert!(
            !said.err.contains("very-wrong") && said.err.lines().count() == 1,
            "{what}: {}",
            said.err
        );
    }
    let refused = keyed(&format!("{TEST_KEYS}/plain.p8"), &[]);
    assert!(
        refused.err.contains(
            "check RSA_PUBLIC_KEY of the user, the account identifier and the clock of this machine"
        ),
        "{}",
        refused.err
    );
    // If the clock is an hour ahead, every token is expired.
    let expired = fixture.fails_with(&[("SNOWFLAKE_TOKEN", "expired")], "status");
    assert!(
        expired.err.contains("create a new token"),
        "{}",
        expired.err
    );
}

#[test]
fn an_unreachable_host_is_reported_and_a_proxy_is_used() {
    let fixture = Fixture::new();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("a port").port().to_string();
    drop(closed);
    fixture.file(
        "a.csv",
        &["I,1,Ann,Lee,,,,,,,,2026-01-01T00:00:00Z,1".to_owned()],
    );
    let gone = fixture.fails_with(
        &[("SNOWFLAKE_PORT", &port)],
        "put a.csv --wait 1 --role FIRN_LOADER",
    );
    assert_eq!(gone.code, Some(75), "{}", gone.err);
    assert!(
        gone.err.contains("cannot be reached: ") && gone.err.contains("refused"),
        "{}",
        gone.err
    );
    // The next run uses the object that was uploaded before the failure.
    let put = fixture.json("put a.csv --role FIRN_LOADER --json");
    assert_eq!(
        (&put[0]["rows_in"], &put[0]["history"]),
        (&1.into(), &1.into())
    );

    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", proxy.local_addr().expect("an address"));
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = proxy.accept().expect("a call");
        let mut head = [0; 512];
        let read = stream.read(&mut head).expect("a request");
        stream
            .write_all(
                b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            )
            .expect("an answer");
        String::from_utf8_lossy(&head[..read]).into_owned()
    });
    let through = fixture.fails_with(
        &[
            ("SNOWFLAKE_HOST", "snowflake.invalid-name"),
            ("SNOWFLAKE_PROTOCOL", "https"),
            ("SNOWFLAKE_PORT", "443"),
            ("HTTPS_PROXY", &address),
        ],
        "doctor",
    );
    let asked = asked.join().expect("the proxy was asked");
    assert!(
        asked.starts_with("CONNECT snowflake.invalid-name:443"),
        "{asked}"
    );
    assert!(through.out.contains("FAIL  connection"), "{}", through.out);
}
