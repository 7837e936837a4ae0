//! SYSTEM$VALIDATE_STORAGE_INTEGRATION: does with a test file what a stage of the integration would do.

use serde_json::{Value, json};

use super::location::{check_integration, location_of};
use crate::engine::catalog::Stage;
use crate::engine::compile::Context;
use crate::sql::cursor::quoted;
use crate::types::error::{Result, SnowflakeError};

const ACTIONS: [&str; 4] = ["READ", "DELETE", "LIST", "WRITE"];

/// What the function answers: whether each action succeeded.
///
/// # Errors
/// If the integration is not there or not for this address, and for an unknown action.
pub(crate) fn validate_integration(
    context: &Context<'_>,
    [name, url, file, action]: [String; 4],
) -> Result<String> {
    let action = action.to_uppercase();
    let chosen = |one: &str| action == "ALL" || action == one;
    if !ACTIONS.iter().any(|one| chosen(one)) {
        return Err(SnowflakeError::compilation(format!(
            "invalid validate_action '{action}': expected read, write, list, delete or all"
        )));
    }
    // The argument is a name as it is kept, not one that is folded.
    let role = check_integration(context, &quoted(&name), &url)?;
    let stage = Stage {
        url: Some(url),
        file_format: String::new(),
        integration: None,
    };
    let location = location_of(0, "", &stage)?;
    let store = &context.environment.shared.options.object_store;
    let (bucket, key) = (&location.bucket, location.key(&file));
    let act = |action: &str| match action {
        "WRITE" => store.put(bucket, &key, b"").map(drop),
        "READ" => store.get(bucket, &key).map(drop),
        "LIST" => store.list(bucket, &location.key("")).map(drop),
        _ => store.delete(bucket, &key),
    };
    let run = |action: &str| {
        let trusted = context
            .environment
            .shared
            .trust
            .assume(&role)
            .map_err(|e| e.message);
        trusted.and_then(|()| act(action).map_err(|e| e.to_string()))
    };
    // The file has to be there before it is read, and is taken away at the end.
    let order = ["WRITE", "READ", "LIST", "DELETE"];
    let outcomes = order
        .iter()
        .filter(|one| chosen(one))
        .map(|one| (*one, run(one)));
    let outcomes: Vec<_> = outcomes.collect();
    let is_well = outcomes.iter().all(|(_, outcome)| outcome.is_ok());
    let answer = |(name, outcome): &(&str, std::result::Result<(), String>)| {
        let said = match outcome {
            Ok(()) => json!({"status": "success"}),
            Err(message) => json!({"message": message, "status": "failure"}),
        };
        ((*name).to_owned(), said)
    };
    let actions: serde_json::Map<String, Value> = outcomes.iter().map(answer).collect();
    let mut said = json!({"status": "success", "actions": actions});
    if !is_well {
        said["status"] = "failure".into();
        said["message"] = "Some of the integration checks failed. Check the Snowflake documentation for more information.".into();
    }
    Ok(said.to_string())
}
