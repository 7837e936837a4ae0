//! The main job over the real wire: bootstrap, a file to S3, the pipe, the merge, the tables; with rights checked, the file put
//! again, and every kind of HTTP trouble on the way.

#![expect(
    clippy::expect_used,
    reason = "what surrounds a test fails as the test does"
)]

mod ground;
mod interruption;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use firn::pipeline::{Advance, FileResult};
use firn::snowflake::Statement;
use snowglobe::faults::{Calls, Fault, Mischief, Service};

use ground::{Ground, PATIENCE, counts, row};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_all_the_way_and_each_row_is_accounted_for() {
    let ground = Ground::new().await;
    let admin = ground.pipeline(None);
    admin.bootstrap(|_| {}).await.expect("the objects are made");
    admin
        .bootstrap(|_| {})
        .await
        .expect("making them again does no harm");
    let intake = ground.intake().await;

    let first = row("I", 1, "\"Rome, \"\"old\"\"\"", "2026-01-01T00:00:00Z");
    let file = ground.file(
        "day 1.csv",
        &[
            &first,
            &first,
            "X,2,,,,,,,,,,2026-01-01T00:00:00Z,1",
            &row("I", 3, "Oslo", "2026-01-01T00:00:00.5Z"),
            "I,4,\"open",
        ],
    );
    let results = intake
        .put(std::slice::from_ref(&file), PATIENCE, |_, _| {})
        .await
        .expect("the file is put");
    assert_eq!(counts(&results[0]), [5, 2, 1, 2]);
    let target = |result: &FileResult| [result.inserted, result.updated, result.deleted];
    assert_eq!(target(&results[0]), [2, 0, 0]);
    // A call before it may have been cut short, so this one tells the broken rows again.
    let told = Arc::new(AtomicUsize::new(0));
    let tell = Arc::clone(&told);
    let again = intake
        .put(std::slice::from_ref(&file), PATIENCE, move |_, _| {
            tell.fetch_add(1, Ordering::Relaxed);
        })
        .await
        .expect("the file is put again");
    assert_eq!(again, results);
    assert_eq!(told.load(Ordering::Relaxed), 2);
    let change = ground.file(
        "day 2.csv",
        &[
            &row("U", 1, "\"Rome, \"\"old\"\"\"", "2026-01-02T00:00:00Z"),
            &row("D", 3, "Oslo", "2026-01-02T00:00:00Z"),
            &row("I", 5, "Bern", "2026-01-02T00:00:00Z"),
        ],
    );
    let results = intake
        .put(&[change], PATIENCE, |_, _| {})
        .await
        .expect("a change is put");
    assert_eq!(target(&results[0]), [1, 1, 1]);

    let owner = ground.pipeline(Some("FIRN_OWNER"));
    let status = owner.status(5).await.expect("a status");
    assert!(
        status.sum.holds() && status.target == 2 && status.waiting == 0,
        "{status:?}"
    );
    for promise in owner.verify().await.expect("the promises are checked") {
        assert_eq!(promise.violations, 0, "{}", promise.text);
    }
    let versions = owner.history(&["1".to_owned()]).await.expect("a history");
    let city = versions[0]
        .values
        .iter()
        .find(|(name, _)| name == "city")
        .and_then(|(_, value)| value.clone());
    assert_eq!(city.as_deref(), Some("Rome, \"old\""));
    assert_eq!(
        owner
            .as_of("2026-01-01T00:00:00.2Z", 10)
            .await
            .expect("the past")
            .rows
            .len(),
        1
    );

    let loader = ground.pipeline(Some("FIRN_LOADER"));
    for sql in [
        "select * from CUSTOMER",
        "select * from CUSTOMER_HISTORY",
        "delete from CUSTOMER",
        "drop table CUSTOMER",
    ] {
        let error = loader
            .client()
            .run(Statement::new(sql))
            .await
            .expect_err(sql);
        assert_eq!(error.kind(), firn::ErrorKind::Config, "{sql}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_tells_how_far_its_files_are() {
    let ground = Ground::new().await;
    let admin = ground.pipeline(None);
    admin.bootstrap(|_| {}).await.expect("the objects are made");
    let file = |name, key| ground.file(name, &[&row("I", key, "Oslo", "2026-01-01T00:00:00Z")]);
    let files = [file("a.csv", 1), file("b.csv", 22)];
    let size = |path: &PathBuf| std::fs::metadata(path).expect("it is there").len();
    let all: u64 = files.iter().map(size).sum();
    let (read, uploads) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (reads, ends) = (Arc::clone(&read), Arc::clone(&uploads));
    let intake = ground
        .intake()
        .await
        .with_progress(move |advance| match advance {
            Advance::Read(bytes) => _ = reads.fetch_add(bytes, Ordering::Relaxed),
            Advance::Uploaded => _ = ends.fetch_add(1, Ordering::Relaxed),
        });
    intake
        .put(&files, PATIENCE, |_, _| {})
        .await
        .expect("the files are put");
    assert_eq!(
        read.load(Ordering::Relaxed) as u64,
        Advance::PASSES * all,
        "of {all} bytes"
    );
    assert_eq!(uploads.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_at_any_call_loses_nothing_and_doubles_nothing() {
    let ground = Ground::new().await;
    ground
        .pipeline(None)
        .bootstrap(|_| {})
        .await
        .expect("the objects are made");
    let intake = ground.intake().await;
    let mut total = 0;
    let troubles = [
        Mischief::LoseAnswer,
        Mischief::LoseCall,
        Mischief::CutAnswer { after_bytes: None },
        Mischief::Refuse {
            status: 503,
            retry_after_seconds: None,
        },
        Mischief::Refuse {
            status: 429,
            retry_after_seconds: Some(0),
        },
    ];
    for (kind, trouble) in troubles.into_iter().enumerate() {
        for call in 0..4 {
            total += 1;
            let id = u32::try_from(kind * 100 + call).expect("small");
            let file = ground.file(
                &format!("{id}.csv"),
                &[&row("I", id, "Rome", "2026-01-01T00:00:00Z")],
            );
            let calls = Calls {
                service: Some(Service::Snowflake),
                ..Calls::default()
            };
            ground.running.faults.arm(
                Fault::once(trouble.clone())
                    .on(calls)
                    .after(u32::try_from(call).expect("small")),
            );
            let results = intake
                .put(&[file], PATIENCE, |_, _| {})
                .await
                .unwrap_or_else(|error| panic!("{trouble:?} at {call}: {error}"));
            assert_eq!(
                counts(&results[0]),
                [1, 1, 0, 0],
                "{trouble:?} at call {call}"
            );
            ground.running.faults.clear();
        }
    }
    let owner = ground.pipeline(Some("FIRN_OWNER"));
    let status = owner.status(1).await.expect("a status");
    assert_eq!(
        (status.target, status.history, status.sum.rows_in),
        (total, total, total)
    );
    for promise in owner.verify().await.expect("the promises are checked") {
        assert_eq!(promise.violations, 0, "{}", promise.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_has_its_message_and_nothing_is_uploaded() {
    let ground = Ground::new().await;
    let intake = ground.intake().await;
    let wrong = ground.folder.path().join("wrong.csv");
    std::fs::write(&wrong, "id,name\n1,x\n").expect("a file");
    let put = async |path: PathBuf| {
        intake
            .put(&[path], PATIENCE, |_, _| {})
            .await
            .expect_err("it is refused")
            .to_string()
    };
    assert!(
        put(wrong)
            .await
            .contains("the header is not the contract's, it lacks op")
    );
    assert!(
        put(ground.folder.path().to_path_buf())
            .await
            .contains("directory")
    );
    assert!(
        put(ground.folder.path().join("none.csv"))
            .await
            .contains("none.csv")
    );
    let empty = ground.folder.path().join("empty.csv");
    std::fs::write(&empty, "").expect("a file");
    assert!(put(empty).await.contains("is empty: not even a header"));
    let findings = intake.pipeline().doctor(Some(intake.store())).await;
    assert!(
        findings.iter().any(|finding| finding
            .trouble
            .as_ref()
            .is_some_and(|text| text.contains("firn bootstrap") || text.contains("role"))),
        "{findings:?}"
    );
}
