//! `LOAD_CUSTOMER` loads any file of the stage by its path, once, and reports every row of it.

use firn::merge::literal;
use firn::snowflake::{Rows, Statement};

use super::fixture::{Fixture, row};

/// Uploads a file's text unchanged, as another tool does, to a folder that no pipe loads.
async fn upload(fixture: &Fixture, name: &str, text: &str) {
    let loader = fixture.loader().await;
    let bytes = text.to_owned().into_bytes();
    let write = move |output: &mut dyn std::io::Write| Ok(output.write_all(&bytes)?);
    let uploaded = loader.store().upload(name, write).await;
    uploaded.expect("it is uploaded");
}

async fn load(fixture: &Fixture, files: &[&str]) -> firn::Result<serde_json::Value> {
    let pipeline = fixture.pipeline(Some("FIRN_LOADER"));
    let files = serde_json::json!(files).to_string();
    let call = Statement::new("call LOAD_CUSTOMER(parse_json(?)::array)").bind(files);
    let rows = pipeline.client().run(call).await?;
    let text = rows.first().expect("a report");
    Ok(serde_json::from_str(text).expect("it is JSON"))
}

async fn query(fixture: &Fixture, sql: &str) -> Rows {
    let pipeline = fixture.pipeline(Some("FIRN_OWNER"));
    pipeline.client().query(sql).await.expect(sql)
}

fn csv(rows: &[String]) -> String {
    let header: Vec<String> = firn::contract::Contract::customer()
        .header()
        .map(str::to_owned)
        .collect();
    format!("{}\n{}\n", header.join(","), rows.join("\n"))
}

async fn bootstrapped() -> Fixture {
    let fixture = Fixture::new().await;
    let admin = fixture.pipeline(None);
    admin.bootstrap(|_| {}).await.expect("the objects are made");
    fixture
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_copy_cannot_parse_is_a_reject_with_its_position_and_text() {
    let fixture = bootstrapped().await;
    let rows = [
        row("I", 1, "Rome", "2026-01-01T00:00:00Z"),
        row("I", 2, "\"Oslo\" x", "2026-01-01T00:00:00Z"),
        row("I", 3, "Bern", "2026-01-01T00:00:00Z"),
    ];
    upload(&fixture, ".firn/export.csv.gz", &csv(&rows)).await;
    let report = load(&fixture, &[".firn/export.csv.gz"])
        .await
        .expect("a load");
    assert_eq!(
        report["files"][0]["source_file"],
        "customer/.firn/export.csv.gz"
    );
    assert_eq!(report["files"][0]["rows_in"], 3, "{report}");
    assert_eq!(report["files"][0]["rejects"], 1, "{report}");
    let rejects = query(
        &fixture,
        "select source_file, source_row, raw_line, reason from CUSTOMER_REJECTS",
    )
    .await;
    let reject: Vec<_> = rejects.rows[0].iter().flatten().collect();
    assert_eq!(reject[0], "customer/.firn/export.csv.gz");
    assert_eq!(reject[2], &rows[1]);
    assert!(reject[3].starts_with("not loaded: "), "{reject:?}");
    // Loading the same file again adds no rows.
    let again = load(&fixture, &[".firn/export.csv.gz"])
        .await
        .expect("a load");
    assert_eq!(again, report);
    for promise in fixture
        .pipeline(Some("FIRN_OWNER"))
        .verify()
        .await
        .expect("the promises are checked")
    {
        assert_eq!(promise.violations, 0, "{}", promise.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_pipe_failed_to_load_loads_by_its_name() {
    let fixture = bootstrapped().await;
    query(
        &fixture,
        "alter pipe CUSTOMER_PIPE set pipe_execution_paused = true",
    )
    .await;
    let rows = [row("I", 1, "Rome", "2026-01-01T00:00:00Z")];
    upload(&fixture, "2026/day-1.csv.gz", &csv(&rows)).await;
    let report = load(&fixture, &["2026/day-1.csv.gz"])
        .await
        .expect("a load");
    assert_eq!(report["files"][0]["history"], 1, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_cannot_inject_sql() {
    let fixture = bootstrapped().await;
    let hostile = [
        "x') from CUSTOMER --",
        "day 1.csv",
        "a\nb.csv",
        "naïve.csv",
        "",
        "$$",
    ];
    for path in hostile {
        let refused = load(&fixture, &[path]).await.expect_err(path).to_string();
        assert!(
            refused.contains("invalid path in FILES"),
            "{path:?}: {refused}"
        );
    }
    let harmless = load(&fixture, &[]).await.expect("nothing to load");
    assert_eq!(harmless["files"], serde_json::json!([]));
    let sql = format!(
        "call LOAD_CUSTOMER(parse_json({}))",
        literal("[null, \"a.csv\"]")
    );
    let pipeline = fixture.pipeline(Some("FIRN_LOADER"));
    let refused = pipeline.client().query(&sql).await.expect_err(&sql);
    assert!(
        refused.to_string().contains("invalid path in FILES"),
        "{refused}"
    );
}
