//! The whole pipeline over HTTP: bootstrap, a file to S3, the pipe, the merge, the tables; with privileges checked, the file loaded
//! again, and every kind of HTTP fault injected.

#![expect(
    clippy::expect_used,
    reason = "what surrounds a test fails as the test does"
)]

mod fixture;
mod interruption;
mod loading;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use firn::pipeline::{FileReport, LoadListener, LoadMode, READS_PER_FILE};
use firn::reader::RejectedRow;
use firn::snowflake::Statement;
use snowglobe::faults::{Calls, Fault, FaultKind, Service};

use fixture::{Fixture, OnRejected, counts, put, put_heard, row};

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one story, read from top to bottom")]
async fn a_file_is_loaded_and_merged_and_each_row_is_reported() {
    let fixture = Fixture::new().await;
    let admin = fixture.pipeline(None);
    admin.bootstrap(|_| {}).await.expect("the objects are made");
    admin
        .bootstrap(|_| {})
        .await
        .expect("making them again does no harm");
    let loader = fixture.loader().await;

    let first = row("I", 1, "\"Rome, \"\"old\"\"\"", "2026-01-01T00:00:00Z");
    let file = fixture.file(
        "day 1.csv",
        &[
            &first,
            &first,
            "X,2,,,,,,,,,,2026-01-01T00:00:00Z,1",
            &row("I", 3, "Oslo", "2026-01-01T00:00:00.5Z"),
            "I,4,\"open",
        ],
    );
    let results = put(&loader, std::slice::from_ref(&file))
        .await
        .expect("the file is put");
    assert_eq!(counts(&results[0]), [5, 2, 1, 2]);
    let target = |result: &FileReport| {
        [
            result.counts.inserted,
            result.counts.updated,
            result.counts.deleted,
        ]
    };
    assert_eq!(target(&results[0]), [2, 0, 0]);
    // An earlier call may have been interrupted, so this one reports the malformed rows again.
    let reported = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reported);
    let count = move |_: &RejectedRow| _ = counter.fetch_add(1, Ordering::Relaxed);
    let again = put_heard(
        &loader,
        std::slice::from_ref(&file),
        Arc::new(OnRejected(count)),
    )
    .await
    .expect("the file is put again");
    assert_eq!(again, results);
    assert_eq!(reported.load(Ordering::Relaxed), 2);
    let twice = put(&loader, &[file.clone(), file.clone()]).await;
    let twice = twice.expect("the file is named twice in one call");
    assert_eq!(twice, [results[0].clone(), results[0].clone()]);
    let change = fixture.file(
        "day 2.csv",
        &[
            &row("U", 1, "\"Rome, \"\"old\"\"\"", "2026-01-02T00:00:00Z"),
            &row("D", 3, "Oslo", "2026-01-02T00:00:00Z"),
            &row("I", 5, "Bern", "2026-01-02T00:00:00Z"),
        ],
    );
    let results = put(&loader, &[change]).await.expect("a change is put");
    assert_eq!(target(&results[0]), [1, 1, 1]);

    let owner = fixture.pipeline(Some("FIRN_OWNER"));
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

    let loader = fixture.pipeline(Some("FIRN_LOADER"));
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

#[derive(Default)]
struct Progress {
    read: AtomicUsize,
    uploads: AtomicUsize,
}

impl LoadListener for Progress {
    fn bytes_read(&self, bytes: usize) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }

    fn all_uploaded(&self) {
        self.uploads.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_reports_the_progress_of_its_files() {
    let fixture = Fixture::new().await;
    let admin = fixture.pipeline(None);
    admin.bootstrap(|_| {}).await.expect("the objects are made");
    let file = |name, key| fixture.file(name, &[&row("I", key, "Oslo", "2026-01-01T00:00:00Z")]);
    let files = [file("a.csv", 1), file("b.csv", 22)];
    let size = |path: &PathBuf| std::fs::metadata(path).expect("it is there").len();
    let all: u64 = files.iter().map(size).sum();
    let progress = Arc::new(Progress::default());
    let listener = Arc::clone(&progress) as Arc<dyn LoadListener>;
    put_heard(&fixture.loader().await, &files, listener)
        .await
        .expect("the files are put");
    assert_eq!(
        progress.read.load(Ordering::Relaxed) as u64,
        READS_PER_FILE * all,
        "of {all} bytes"
    );
    assert_eq!(progress.uploads.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_loses_and_duplicates_nothing() {
    let fixture = Fixture::new().await;
    fixture
        .pipeline(None)
        .bootstrap(|_| {})
        .await
        .expect("the objects are made");
    let loader = fixture.loader().await;
    let mut total = 0;
    let troubles = [
        FaultKind::LoseAnswer,
        FaultKind::LoseCall,
        FaultKind::CutAnswer { after_bytes: None },
        FaultKind::Refuse {
            status: 503,
            retry_after_seconds: None,
        },
        FaultKind::Refuse {
            status: 429,
            retry_after_seconds: Some(0),
        },
    ];
    for (kind, trouble) in troubles.into_iter().enumerate() {
        for call in 0..4 {
            total += 1;
            let id = u32::try_from(kind * 100 + call).expect("small");
            let file = fixture.file(
                &format!("{id}.csv"),
                &[&row("I", id, "Rome", "2026-01-01T00:00:00Z")],
            );
            let calls = Calls {
                service: Some(Service::Snowflake),
                ..Calls::default()
            };
            fixture.running.faults.arm(
                Fault::once(trouble.clone())
                    .on(calls)
                    .after(u32::try_from(call).expect("small")),
            );
            let results = put(&loader, &[file])
                .await
                .unwrap_or_else(|error| panic!("{trouble:?} at {call}: {error}"));
            assert_eq!(
                counts(&results[0]),
                [1, 1, 0, 0],
                "{trouble:?} at call {call}"
            );
            fixture.running.faults.clear();
        }
    }
    let owner = fixture.pipeline(Some("FIRN_OWNER"));
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
async fn invalid_input_has_its_message_and_nothing_is_uploaded() {
    let fixture = Fixture::new().await;
    let admin = fixture.pipeline(None);
    admin.bootstrap(|_| {}).await.expect("the objects are made");
    let loader = fixture.loader().await;
    let wrong = fixture.folder.path().join("wrong.csv");
    std::fs::write(&wrong, "id,name\n1,x\n").expect("a file");
    let failure = async |path: PathBuf| {
        put(&loader, &[path])
            .await
            .expect_err("it is refused")
            .to_string()
    };
    assert!(
        failure(wrong)
            .await
            .contains("the header has none of the contract's columns")
    );
    assert!(
        failure(fixture.folder.path().to_path_buf())
            .await
            .contains("directory")
    );
    assert!(
        failure(fixture.folder.path().join("none.csv"))
            .await
            .contains("none.csv")
    );
    let empty = fixture.folder.path().join("empty.csv");
    std::fs::write(&empty, "").expect("a file");
    assert!(
        failure(empty)
            .await
            .contains("file is empty: expected a header row")
    );
    admin.drop_objects(|_| {}).await.expect("they are dropped");
    let findings = loader.pipeline().doctor(Some(loader.store())).await;
    assert!(
        findings.iter().any(|finding| finding
            .problem
            .as_ref()
            .is_some_and(|text| text.contains("firn bootstrap") || text.contains("role"))),
        "{findings:?}"
    );
}

/// A file that is split into several objects: `rows` customers, with one malformed row.
fn large(fixture: &Fixture, rows: u32) -> PathBuf {
    let mut all: Vec<String> = (1..=rows)
        .map(|id| row("I", id, "Oslo", "2026-01-01T00:00:00Z"))
        .collect();
    all[6] = "X,7,,,,,,,,,,2026-01-01T00:00:00Z,1".to_owned();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    fixture.file("large.csv", &all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_becomes_several_objects_each_loaded_once() {
    let fixture = Fixture::new().await;
    let admin = fixture.pipeline(None);
    admin.bootstrap(|_| {}).await.expect("the objects are made");
    let file = large(&fixture, 20);
    let loader = fixture.loader().await.with_object_bytes(400);
    // The third object is rejected until the store gives up: the first two are loaded and merged.
    let faults = &fixture.running.faults;
    let third = Calls {
        path_contains: Some("-row-13.".to_owned()),
        ..Calls::default()
    };
    let refusal = FaultKind::Refuse {
        status: 403,
        retry_after_seconds: None,
    };
    faults.arm(Fault::always(refusal).on(third));
    let error = put(&loader, std::slice::from_ref(&file))
        .await
        .expect_err("the third object is refused");
    assert!(
        error.to_string().contains("is denied: grant s3:PutObject"),
        "{error}"
    );
    // The second object may have been staged in time for the first one's merge.
    let status = fixture.pipeline(Some("FIRN_OWNER")).status(1).await;
    let rows_in = status.expect("a status").sum.rows_in;
    assert!(matches!(rows_in, 6 | 12), "{rows_in} rows are merged");
    faults.clear();

    let (sender, receiver) = std::sync::mpsc::channel();
    let send = move |row: &RejectedRow| sender.send((row.row, row.line)).expect("it is received");
    let listener = Arc::new(OnRejected(send));
    let results = put_heard(&loader, std::slice::from_ref(&file), listener)
        .await
        .expect("the file is put");
    let names: Vec<&str> = results
        .iter()
        .filter_map(|one| one.source_file.split_once("-row-").map(|(_, end)| end))
        .collect();
    assert_eq!(names, ["1.csv.gz", "7.csv.gz", "13.csv.gz", "18.csv.gz"]);
    let counts: Vec<_> = results.iter().map(counts).collect();
    assert_eq!(
        counts,
        [[6, 6, 0, 0], [6, 5, 0, 1], [5, 5, 0, 0], [3, 3, 0, 0]]
    );
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [(7, 8)]);
    let again = put(&loader, &[file]).await;
    assert_eq!(again.expect("it is there"), results);
    let owner = fixture.pipeline(Some("FIRN_OWNER"));
    let status = owner.status(1).await.expect("a status");
    assert_eq!((status.target, status.sum.rows_in), (19, 20), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_damaged_large_file_is_uploaded() {
    let fixture = Fixture::new().await;
    let loader = fixture.loader().await.with_object_bytes(400);
    let plain = std::fs::read(large(&fixture, 20_000)).expect("it is there");
    let packed = zstd::encode_all(plain.as_slice(), 1).expect("it is packed");
    let cut = fixture.folder.path().join("cut.csv.zst");
    std::fs::write(&cut, &packed[..packed.len() - 10]).expect("a file");
    let faults = &fixture.running.faults;
    faults.arm(Fault::always(FaultKind::LoseCall).on(Calls {
        service: Some(Service::S3),
        ..Calls::default()
    }));
    let error = loader.upload(&cut, LoadMode::Snowpipe, Arc::new(())).await;
    let error = error.expect_err("it is refused").to_string();
    assert!(error.contains("the zstd data is incomplete"), "{error}");
    assert!(faults.list().iter().all(|armed| armed.struck == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_read_is_not_uploaded() {
    let fixture = Fixture::new().await;
    let loader = fixture.loader().await;
    let file = large(&fixture, 20);
    let grown = file.clone();
    let grow = move |_: &RejectedRow| {
        let mut text = std::fs::read(&grown).expect("it is there");
        text.extend_from_slice(b"I,21\n");
        std::fs::write(&grown, text).expect("it is ours");
    };
    let error = loader
        .upload(&file, LoadMode::Snowpipe, Arc::new(OnRejected(grow)))
        .await
        .expect_err("it changed");
    assert!(error.is_transient(), "{error}");
    assert!(
        error.to_string().contains("changed while it was read"),
        "{error}"
    );
    let staged = loader
        .upload(&file, LoadMode::Snowpipe, Arc::new(()))
        .await
        .expect("it rests");
    assert!(staged[0].object.bytes.is_some());
    assert_eq!((staged[0].rows.rows, staged[0].rows.malformed), (21, 2));
}
