//! A process is killed at any of its HTTP calls, to Snowflake or to S3, and the next process repeats the whole load.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use firn::pipeline::LoadMode;
use snowglobe::faults::{Calls, Fault, FaultKind, Service};

use super::fixture::{Fixture, TIMEOUT, counts, put, row};

/// Loads the file until its call number `call`, and is killed at that moment; false if it ended before.
async fn dies_at(fixture: &Fixture, file: &Path, call: u32, how: &FaultKind) -> bool {
    let loader = fixture.loader().await;
    let faults = &fixture.running.faults;
    // From that call on every request is lost, including those that a dying process still sends.
    faults.arm(Fault::always(how.clone()).after(call));
    let files = [file.to_path_buf()];
    let mut life = tokio::spawn(async move { put(&loader, &files).await });
    let has_died = loop {
        let struck = faults.list().iter().any(|armed| armed.struck > 0);
        if struck {
            life.abort();
            let _ = (&mut life).await;
            break true;
        }
        if life.is_finished() {
            (&mut life)
                .await
                .expect("it ends")
                .expect("nothing was in its way");
            break false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    faults.clear();
    has_died
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_may_be_killed_at_any_call_and_the_next_one_finishes_the_load() {
    let fixture = Fixture::new().await;
    fixture
        .pipeline(None)
        .bootstrap(|_| {})
        .await
        .expect("the objects are made");
    let mut files = 0_u32;
    // Before the call is received, and after it has been processed.
    for how in [FaultKind::LoseCall, FaultKind::LoseAnswer] {
        let mut call = 0;
        loop {
            let id = files;
            files += 1;
            let first = row("I", id, "Rome", "2026-01-01T00:00:00Z");
            let second = row("U", id, "Oslo", "2026-01-02T00:00:00Z");
            let broken = format!("X,{id},,,,,,,,,,2026-01-01T00:00:00Z,1");
            let file = fixture.file(&format!("{id}.csv"), &[&first, &second, &first, &broken]);
            let has_died = dies_at(&fixture, &file, call, &how).await;
            let results = put(&fixture.loader().await, &[file])
                .await
                .unwrap_or_else(|error| panic!("after {how:?} at call {call}: {error}"));
            assert_eq!(
                counts(&results[0]),
                [4, 2, 1, 1],
                "after {how:?} at call {call}"
            );
            if !has_died {
                break;
            }
            call += 1;
        }
        // To S3: check and upload; to Snowflake: load, merge, report.
        assert!(call >= 5, "only {call} calls were seen");
    }
    let owner = fixture.pipeline(Some("FIRN_OWNER"));
    let status = owner.status(1).await.expect("a status");
    let files = i64::from(files);
    assert_eq!(
        (status.target, status.history, status.sum.rows_in),
        (files, 2 * files, 4 * files)
    );
    assert!(status.sum.holds() && status.waiting == 0, "{status:?}");
    for promise in owner.verify().await.expect("the promises are checked") {
        assert_eq!(promise.violations, 0, "{}", promise.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn snowpipe_loads_a_file_once_despite_any_fault_in_its_notification() {
    let fixture = Fixture::new().await;
    let admin = fixture.pipeline(None);
    admin.bootstrap(|_| {}).await.expect("the objects are made");
    let loader = fixture.loader().await;
    let pipe = format!("FIRN.PUBLIC.{}", loader.pipeline().names().pipe);
    let faults = &fixture.running.faults;
    // The bucket's events would load the files without a notification.
    let events = Calls {
        service: Some(Service::Events),
        ..Calls::default()
    };
    let troubles = [
        FaultKind::LoseCall,
        FaultKind::LoseAnswer,
        FaultKind::CutCall { after_bytes: None },
        FaultKind::CutAnswer { after_bytes: None },
        FaultKind::Refuse {
            status: 503,
            retry_after_seconds: None,
        },
    ];
    for (id, trouble) in (0..).zip(troubles) {
        faults.arm(Fault::always(FaultKind::NotifyLate { millis: None }).on(events.clone()));
        let reported = Calls {
            path_contains: Some("insertFiles".to_owned()),
            ..Calls::default()
        };
        let armed = faults.arm(Fault::once(trouble.clone()).on(reported));
        let first = row("I", id, "Rome", "2026-01-01T00:00:00Z");
        let file = fixture.file(&format!("{id}.csv"), &[&first]);
        let staged = loader
            .upload(&file, LoadMode::Snowpipe, Arc::new(()))
            .await
            .expect("it is uploaded");
        let client = loader.pipeline().client();
        let name = staged[0].object.name.clone();
        client
            .insert_files(&pipe, std::slice::from_ref(&name))
            .await
            .unwrap_or_else(|error| panic!("{trouble:?}: {error}"));
        assert!(
            faults
                .list()
                .iter()
                .all(|fault| fault.id != armed || fault.struck == 1)
        );
        let results = loader
            .pipeline()
            .wait_for_task(&staged, TIMEOUT)
            .await
            .unwrap_or_else(|error| panic!("{trouble:?}: {error}"));
        assert_eq!(counts(&results[0]), [1, 1, 0, 0], "{trouble:?}");
        // The delayed event loads nothing again.
        faults.clear();
        let report = client.insert_report(&pipe).await.expect("a report");
        assert!(
            report
                .iter()
                .any(|one| one.path.ends_with(&name) && one.rows_inserted == 1)
        );
    }
    let status = fixture.pipeline(Some("FIRN_OWNER")).status(1).await;
    let status = status.expect("a status");
    assert_eq!((status.target, status.sum.rows_in), (5, 5), "{status:?}");
}
