//! CREATE STAGE and CREATE STORAGE INTEGRATION.

use crate::engine::catalog::{Body, Stage};
use crate::engine::files::formats;
use crate::sql::properties::Properties;
use crate::types::error::{Result, SnowflakeError};

/// What a stage may not say: Snowglobe reads its own S3 as it is, and keeps no directory tables.
pub(crate) const STAGE_REFUSED: &[&str] = &["CREDENTIALS", "ENDPOINT", "ENCRYPTION", "DIRECTORY"];

pub(super) fn stage(properties: &mut Properties) -> Result<Body> {
    let url = properties.take_text("URL")?;
    if let Some(url) = &url
        && !url.starts_with("s3://")
        && !url.starts_with("s3compat://")
    {
        return Err(SnowflakeError::unsupported(format!(
            "stage at '{url}': only s3:// is known here"
        )));
    }
    let integration = properties.take_text("STORAGE_INTEGRATION")?;
    properties.refuse(STAGE_REFUSED)?;
    let options = properties
        .take("FILE_FORMAT")
        .map(formats::option_text)
        .transpose()?
        .unwrap_or_default();
    Ok(Body::Stage(Stage {
        url,
        file_format: options,
        integration,
    }))
}

pub(super) fn integration(properties: &mut Properties) -> Result<Body> {
    let kind = properties.take_text("TYPE")?.unwrap_or_default();
    if !kind.eq_ignore_ascii_case("EXTERNAL_STAGE") {
        return Err(SnowflakeError::unsupported(format!(
            "integration of type {kind}"
        )));
    }
    let provider = properties
        .take_text("STORAGE_PROVIDER")?
        .unwrap_or_default();
    if !["S3", "S3GOV", "S3CHINA"].contains(&provider.to_uppercase().as_str()) {
        return Err(SnowflakeError::unsupported(format!(
            "STORAGE_PROVIDER {provider}"
        )));
    }
    let enabled = properties.take_bool("ENABLED")?.unwrap_or(false);
    let locations = properties
        .take_list("STORAGE_ALLOWED_LOCATIONS")?
        .unwrap_or_default();
    let role = properties
        .take_text("STORAGE_AWS_ROLE_ARN")?
        .unwrap_or_default();
    let blocked = properties
        .take_list("STORAGE_BLOCKED_LOCATIONS")?
        .unwrap_or_default();
    let external_id = properties.take_text("STORAGE_AWS_EXTERNAL_ID")?;
    properties.refuse(&["STORAGE_AWS_OBJECT_ACL"])?;
    Ok(Body::Integration {
        options: role,
        enabled,
        locations,
        blocked,
        external_id,
    })
}
