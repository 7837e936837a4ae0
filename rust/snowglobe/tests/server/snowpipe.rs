//! Snowpipe REST, as far as it does not need a pipe: what it refuses.
//! The expectations are those of Snowflake's page "Snowpipe REST API".

use crate::client::Client;
use serde_json::json;

#[tokio::test]
async fn calls_that_are_wrong_in_themselves_are_told_so() {
    let client = Client::start().await;
    let many: Vec<_> = (0..5001)
        .map(|number| json!({"path": number.to_string()}))
        .collect();
    let answer = client
        .post("/v1/data/pipes/P/insertFiles", &json!({"files": many}))
        .await;
    assert_eq!(answer.status, 413);
    let answer = client
        .post("/v1/data/pipes/P/insertFiles", &json!({"paths": []}))
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        client.get("/v1/data/pipes/P/loadHistoryScan").await.status,
        400
    );
    assert_eq!(
        client
            .get("/v1/data/pipes/P/loadHistoryScan?startTimeInclusive=yesterday")
            .await
            .status,
        400
    );
}
