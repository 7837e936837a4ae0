//! Where a stage leads: names and addresses resolved, rights and integrations checked.

use crate::engine::catalog::{Body, Kind, Object, Stage};
use crate::engine::compile::Context;
use crate::engine::state::shared::Shared;
use crate::engine::state::trust::AwsRole;
use crate::object_store::{INTERNAL_BUCKET, ObjectMeta};
use crate::sql::cursor::Name;
use crate::types::error::{Result, SnowflakeError};

/// A place in a stage.
#[derive(Clone, Debug)]
pub struct Location {
    /// The stage's id, or its table's; none for a bare `s3://` address and for the stage of a user, which pipes do not take.
    pub stage: Option<u64>,
    pub bucket: String,
    /// What the stage's own address adds to every key, with its closing slash.
    pub base: String,
    /// The path below it.
    pub path: String,
    /// How results show it: `s3://bucket/` or the stage's name; empty for the stages of tables and users.
    pub shown: String,
    /// The stage's file format.
    pub format: String,
    /// The role that the stage's integration assumes.
    pub role: Option<AwsRole>,
}

impl Location {
    /// The key of a file named relative to the path.
    pub fn key(&self, file: &str) -> String {
        format!("{}{}{file}", self.base, self.path)
    }

    /// A key as results show it.
    pub fn show(&self, key: &str) -> String {
        if self.bucket != INTERNAL_BUCKET {
            return format!("s3://{}/{key}", self.bucket);
        }
        let name = self.file_name(key);
        match self.shown.as_str() {
            "" => name.to_owned(),
            stage => format!("{stage}/{name}"),
        }
    }

    /// A key as `METADATA$FILENAME` has it.
    pub fn file_name<'a>(&self, key: &'a str) -> &'a str {
        match self.bucket.as_str() {
            INTERNAL_BUCKET => key.strip_prefix(&self.base).unwrap_or(key),
            _ => key,
        }
    }

    /// Assumes the role that leads to the files.
    ///
    /// # Errors
    /// If the role does not trust the integration.
    pub fn assume(&self, shared: &Shared) -> Result<()> {
        self.role
            .as_ref()
            .map_or(Ok(()), |role| shared.trust.assume(role))
    }

    /// The files there, by key.
    ///
    /// # Errors
    /// If the bucket is not there, or out of reach.
    pub fn list(&self, shared: &Shared) -> Result<Vec<ObjectMeta>> {
        self.assume(shared)?;
        let store = &shared.options.object_store;
        if self.bucket != INTERNAL_BUCKET && !store.bucket_exists(&self.bucket) {
            return Err(SnowflakeError::new(
                "100178",
                "22000",
                format!(
                    "Failure using stage area. Cause: [The specified bucket does not exist: {} (Status Code: 404; Error Code: NoSuchBucket)]",
                    self.bucket
                ),
            ));
        }
        let prefix = format!("{}{}", self.base, self.path);
        store
            .list(&self.bucket, &prefix)
            .map_err(SnowflakeError::internal)
    }
}

/// Resolves `@stage/path`, `@%table/path`, `@~/path` or `'s3://…'`.
///
/// # Errors
/// If there is no such stage, or the role may not use it.
pub fn locate(context: &Context<'_>, text: &str) -> Result<Location> {
    if let Some(rest) = text.strip_prefix("s3://") {
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        return Ok(Location {
            stage: None,
            bucket: bucket.to_owned(),
            base: String::new(),
            path: path.to_owned(),
            shown: format!("s3://{bucket}"),
            format: String::new(),
            role: None,
        });
    }
    let rest = text
        .strip_prefix('@')
        .ok_or_else(|| SnowflakeError::compilation(format!("invalid stage '{text}'")))?;
    if let Some(own) = own_stage(context, rest)? {
        return Ok(own);
    }
    let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
    let object = context.find(Kind::Stage, &Name::parse(name)?)?;
    let Body::Stage(stage) = &object.body else {
        return Err(SnowflakeError::missing("Stage", name));
    };
    let privilege = if stage.url.is_some() { "USAGE" } else { "READ" };
    context.require(&object, privilege)?;
    let mut location = location_of(object.id, object.short(), stage)?;
    path.clone_into(&mut location.path);
    if let Some(integration) = &stage.integration {
        let url = stage.url.as_deref().unwrap_or_default();
        location.role = Some(check_integration(context, integration, url)?);
    }
    Ok(location)
}

/// The stage that each user and each table has: a user's is out of reach of all others, a table's is its owner's.
fn own_stage(context: &Context<'_>, text: &str) -> Result<Option<Location>> {
    let (name, path) = text.split_once('/').unwrap_or((text, ""));
    let location = |id: u64, stage| Location {
        stage,
        bucket: INTERNAL_BUCKET.to_owned(),
        base: format!("{id}/"),
        path: path.to_owned(),
        shown: String::new(),
        format: String::new(),
        role: None,
    };
    if name == "~" {
        let user = std::slice::from_ref(&context.names.user);
        let user = context.snapshot.catalog.find(Kind::User, user);
        let user = user.ok_or_else(|| SnowflakeError::missing("User", &context.names.user))?;
        return Ok(Some(location(user.id, None)));
    }
    let Some((namespace, table)) = name.split_once('%') else {
        return Ok(None);
    };
    if !(namespace.is_empty() || namespace.ends_with('.')) {
        return Ok(None);
    }
    let table = Name::parse(&format!("{namespace}{table}"))?;
    let table = context.find(Kind::Table, &table)?;
    if !matches!(table.body, Body::Table(_)) {
        return Err(SnowflakeError::missing("Table", table.name()));
    }
    context.require(&table, "OWNERSHIP")?;
    Ok(Some(location(table.id, Some(table.id))))
}

/// Resolves the place that a statement writes to, as [`locate`] does.
///
/// # Errors
/// As [`locate`], and if the role may not write there.
pub fn locate_to_write(context: &Context<'_>, text: &str) -> Result<Location> {
    let location = locate(context, text)?;
    location.assume(&context.environment.shared)?;
    if location.bucket == INTERNAL_BUCKET
        && let Some(stage) = location
            .stage
            .and_then(|id| context.snapshot.catalog.by_id(id))
        && stage.kind == Kind::Stage
    {
        context.require(stage, "WRITE")?;
    }
    Ok(location)
}

impl Location {
    /// A bare address with the statement's integration: without one, no role may write there.
    ///
    /// # Errors
    /// If there is none, or the role may not use it for this address.
    pub fn through(mut self, context: &Context<'_>, integration: Option<&str>) -> Result<Self> {
        let is_bare = self.stage.is_none() && self.bucket != INTERNAL_BUCKET;
        match integration {
            None if is_bare => Err(SnowflakeError::new(
                "100178",
                "22000",
                "Failure using stage area. Cause: [Access Denied (Status Code: 403; Error Code: AccessDenied)]",
            )),
            None => Ok(self),
            Some(_) if !is_bare => Err(SnowflakeError::unsupported(
                "STORAGE_INTEGRATION beside a stage, which has its own",
            )),
            Some(name) => {
                let url = format!("s3://{}/{}", self.bucket, self.path);
                self.role = Some(check_integration(context, name, &url)?);
                let object = context.find(Kind::Integration, &Name::parse(name)?)?;
                context.require(&object, "USAGE")?;
                self.assume(&context.environment.shared)?;
                Ok(self)
            }
        }
    }
}

/// Where a stage leads.
///
/// # Errors
/// If its address is none.
pub fn location_of(id: u64, short: &str, stage: &Stage) -> Result<Location> {
    let format = stage.file_format.clone();
    let shown = short.to_lowercase();
    let Some(url) = &stage.url else {
        let base = format!("{id}/");
        return Ok(Location {
            stage: Some(id),
            bucket: INTERNAL_BUCKET.to_owned(),
            base,
            path: String::new(),
            shown,
            format,
            role: None,
        });
    };
    let rest = url
        .split_once("://")
        .map(|(_, rest)| rest)
        .unwrap_or_default();
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(SnowflakeError::compilation(format!(
            "invalid stage URL '{url}': it has no bucket"
        )));
    }
    let base = if prefix.is_empty() || prefix.ends_with('/') {
        prefix.to_owned()
    } else {
        format!("{prefix}/")
    };
    Ok(Location {
        stage: Some(id),
        bucket: bucket.to_owned(),
        base,
        path: String::new(),
        shown,
        format,
        role: None,
    })
}

/// The role of the integration, if it is one for this address.
pub(crate) fn check_integration(context: &Context<'_>, name: &str, url: &str) -> Result<AwsRole> {
    let name = Name::parse(name)?;
    let found = context.snapshot.catalog.find(Kind::Integration, &name.0);
    let Some((
        object,
        Body::Integration {
            enabled,
            locations,
            blocked,
            ..
        },
    )) = found.map(|o| (o, &o.body))
    else {
        return Err(SnowflakeError::missing("Integration", name));
    };
    let is_in = |location: &String| {
        let folder = format!("{}/", location.trim_end_matches('/'));
        location == "*" || format!("{url}/").starts_with(&folder)
    };
    let allowed = locations.iter().any(is_in) && !blocked.iter().any(is_in);
    if !enabled || !allowed {
        return Err(SnowflakeError::new(
            "003167",
            "42601",
            format!(
                "Location '{url}' is not allowed by integration '{name}'. Please use DESC INTEGRATION to check out allowed and blocked locations."
            ),
        ));
    }
    Ok(aws_role(object))
}

/// The role that a storage integration assumes. A new integration has a new external id, unless the statement gives one.
pub(crate) fn aws_role(integration: &Object) -> AwsRole {
    let (arn, external_id) = match &integration.body {
        Body::Integration {
            options,
            external_id,
            ..
        } => (options.clone(), external_id.clone()),
        _ => (String::new(), None),
    };
    AwsRole {
        arn,
        external_id: external_id.unwrap_or_else(|| format!("SNOWGLOBE_{}", integration.id)),
    }
}
