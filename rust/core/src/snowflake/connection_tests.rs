//! Tests of connections from files and variables.

use super::connection::*;
use super::credential::Credential;

fn source(pairs: &[(&str, &str)]) -> ConnectionSource {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ConnectionSource::of(pairs, Vec::new())
}

#[test]
fn variables_alone_define_a_connection() {
    let source = source(&[
        ("SNOWFLAKE_ACCOUNT", "my_org-acc"),
        ("SNOWFLAKE_TOKEN", "very-secret"),
        ("SNOWFLAKE_ROLE", "R"),
    ]);
    let connection = source.connection(None).unwrap();
    assert_eq!(connection.url, "https://my-org-acc.snowflakecomputing.com");
    assert_eq!(connection.role.as_deref(), Some("R"));
    assert!(!format!("{connection:?}").contains("very-secret"));
}

#[test]
fn names_are_folded_and_a_token_may_be_given_as_the_password() {
    let source = source(&[
        ("SNOWFLAKE_ACCOUNT", "https://app.snowflake.com/my_org/acc"),
        ("SNOWFLAKE_PASSWORD", "a-programmatic-access-token"),
        ("SNOWFLAKE_ROLE", "accountadmin"),
        ("SNOWFLAKE_WAREHOUSE", "\"My \"\"wh\"\"\""),
        ("SNOWFLAKE_HOST", "https://proxy.example.com/"),
    ]);
    let connection = source.connection(None).unwrap();
    assert_eq!(connection.account, "my_org-acc");
    assert_eq!(connection.url, "https://proxy.example.com");
    assert_eq!(connection.role.as_deref(), Some("ACCOUNTADMIN"));
    assert_eq!(connection.warehouse.as_deref(), Some("My \"wh\""));
    assert!(matches!(connection.credential, Credential::AccessToken(_)));
}

#[test]
fn a_named_connection_comes_from_the_file_and_its_own_variables_win() {
    let folder = std::env::temp_dir().join(format!("firn-connection-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = "[dev]\naccount = \"a\"\ntoken = \"t\"\nauthenticator = \"oauth\"\nhost = \"localhost\"\nport = 8085\nprotocol = \"http\"\nrole = \"FILE\"\n";
    std::fs::write(folder.join("connections.toml"), file).unwrap();
    let variables = [
        ("SNOWFLAKE_CONNECTIONS_DEV_ROLE", "OWN"),
        ("SNOWFLAKE_ROLE", "ANY"),
        ("SNOWFLAKE_HOST", "elsewhere"),
        ("SNOWFLAKE_SCHEMA", "ANY"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let source = ConnectionSource::of(variables, vec![folder.clone()]);
    let connection = source.connection(Some("dev")).unwrap();
    assert_eq!(
        (connection.url.as_str(), connection.role.as_deref()),
        ("http://localhost:8085", Some("OWN"))
    );
    assert_eq!(connection.schema.as_deref(), Some("ANY"));
    assert!(matches!(connection.credential, Credential::OAuth(_)));
    assert!(
        source
            .connection(Some("prod"))
            .unwrap_err()
            .to_string()
            .contains("connection `prod` not found in connections.toml")
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_missing_setting_is_named() {
    assert!(
        source(&[])
            .connection(None)
            .unwrap_err()
            .to_string()
            .contains("set SNOWFLAKE_ACCOUNT")
    );
    let with_password = source(&[("SNOWFLAKE_ACCOUNT", "a"), ("SNOWFLAKE_PASSWORD", "x")]);
    assert!(
        with_password
            .connection(None)
            .unwrap_err()
            .to_string()
            .contains("the SQL API does not accept passwords")
    );
}
