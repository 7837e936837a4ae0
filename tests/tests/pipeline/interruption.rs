//! A process that dies at any of its HTTP calls, to Snowflake or to S3, and one that comes after it and does the whole again.

use std::path::Path;
use std::time::Duration;

use snowglobe::faults::{Fault, Mischief};

use super::ground::{Ground, PATIENCE, counts, row};

/// Puts the file until its call number `call` is struck, and dies at that moment; false if it ended before.
async fn dies_at(ground: &Ground, file: &Path, call: u32, how: &Mischief) -> bool {
    let intake = ground.intake().await;
    let faults = &ground.running.faults;
    // From that call on nothing gets through: what a dying process still sends is lost too.
    faults.arm(Fault::always(how.clone()).after(call));
    let files = [file.to_path_buf()];
    let mut life = tokio::spawn(async move { intake.put(&files, PATIENCE, |_, _| {}).await });
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
async fn a_process_may_die_at_any_call_and_the_next_one_ends_the_work() {
    let ground = Ground::new().await;
    ground
        .pipeline(None)
        .bootstrap(|_| {})
        .await
        .expect("the objects are made");
    let mut files = 0_u32;
    // Before the call is heard, and after it has done its work.
    for how in [Mischief::LoseCall, Mischief::LoseAnswer] {
        let mut call = 0;
        loop {
            let id = files;
            files += 1;
            let first = row("I", id, "Rome", "2026-01-01T00:00:00Z");
            let second = row("U", id, "Oslo", "2026-01-02T00:00:00Z");
            let broken = format!("X,{id},,,,,,,,,,2026-01-01T00:00:00Z,1");
            let file = ground.file(&format!("{id}.csv"), &[&first, &second, &first, &broken]);
            let has_died = dies_at(&ground, &file, call, &how).await;
            let results = ground
                .intake()
                .await
                .put(&[file], PATIENCE, |_, _| {})
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
        // To S3: is it there, put it; to Snowflake: refresh, merge, what became of it.
        assert!(call >= 5, "only {call} calls were seen");
    }
    let owner = ground.pipeline(Some("FIRN_OWNER"));
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
