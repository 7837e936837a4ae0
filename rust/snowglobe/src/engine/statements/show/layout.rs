//! The columns of SHOW, as "SHOW <objects>" documents them: by name and place, also in a result of no rows.

use super::{Cells, text};
use crate::engine::catalog::Kind;
use crate::types::value::{SnowflakeType, Value};

/// What SHOW TERSE returns of every kind.
pub(super) const TERSE: &str = "created_on name kind database_name schema_name";
pub(super) const COLUMNS: &str = "table_name schema_name column_name data_type null? default kind expression comment database_name autoincrement schema_evolution_record";
pub(super) const PRIMARY_KEYS: &str = "created_on database_name schema_name table_name column_name key_sequence constraint_name rely comment";
pub(super) const FOREIGN_KEYS: &str = "created_on pk_database_name pk_schema_name pk_table_name pk_column_name fk_database_name fk_schema_name fk_table_name fk_column_name key_sequence update_rule delete_rule fk_name pk_name deferrability rely comment";
pub(super) const OBJECTS: &str = "created_on name database_name schema_name kind comment cluster_by rows bytes owner retention_time owner_role_type budget is_hybrid is_iceberg is_dynamic";
pub(super) const FUNCTIONS: &str = "created_on name schema_name is_builtin is_aggregate is_ansi min_num_arguments max_num_arguments arguments description catalog_name is_table_function valid_for_clustering is_secure secrets external_access_integrations is_external_function language is_memoizable is_data_metric";
const TABLES: &str = "created_on name database_name schema_name kind comment cluster_by rows bytes owner retention_time dropped_on automatic_clustering change_tracking search_optimization search_optimization_progress search_optimization_bytes is_external enable_schema_evolution owner_role_type is_event budget is_hybrid is_iceberg is_dynamic is_immutable";
const VIEWS: &str = "created_on name reserved database_name schema_name owner comment text is_secure is_materialized owner_role_type change_tracking";
const SCHEMAS: &str = "created_on name is_default is_current database_name owner comment options retention_time dropped_on owner_role_type budget";
const DATABASES: &str = "created_on name is_default is_current origin owner comment options retention_time dropped_on kind budget owner_role_type";
const STREAMS: &str = "created_on name database_name schema_name owner comment table_name source_type base_tables type stale mode stale_after invalid_reason owner_role_type";
const STAGES: &str = "created_on name database_name schema_name url has_credentials has_encryption_key owner comment region type cloud notification_channel storage_integration endpoint owner_role_type directory_enabled";
const FILE_FORMATS: &str =
    "created_on name database_name schema_name type owner comment format_options owner_role_type";
const SEQUENCES: &str = "name database_name schema_name next_value interval created_on owner comment owner_role_type ordered";
const PIPES: &str = "created_on name database_name schema_name definition owner notification_channel comment integration pattern error_integration owner_role_type invalid_reason kind";
const TASKS: &str = "created_on name id database_name schema_name owner comment warehouse schedule predecessors state definition condition allow_overlapping_execution error_integration last_committed_on last_suspended_on owner_role_type config budget task_relations last_suspended_reason success_integration scheduling_mode target_completion_interval execute_as_user";
const PROCEDURES: &str = "created_on name schema_name is_builtin is_aggregate is_ansi min_num_arguments max_num_arguments arguments description catalog_name is_table_function valid_for_clustering is_secure secrets external_access_integrations";
const USERS: &str = "name created_on login_name display_name first_name last_name email mins_to_unlock days_to_expiry comment disabled must_change_password snowflake_lock default_warehouse default_namespace default_role default_secondary_roles ext_authn_duo ext_authn_uid mins_to_bypass_mfa owner last_success_login expires_at_time locked_until_time has_password has_rsa_public_key type has_mfa has_pat has_workload_identity";
const ROLES: &str = "created_on name is_default is_current is_inherited assigned_to_users granted_to_roles granted_roles owner comment";
const WAREHOUSES: &str = "name state type size min_cluster_count max_cluster_count started_clusters running queued is_default is_current auto_suspend auto_resume available provisioning quiescing other created_on resumed_on updated_on owner comment enable_query_acceleration query_acceleration_max_scale_factor resource_monitor actives pendings failed suspended uuid scaling_policy budget owner_role_type resource_constraint";
const INTEGRATIONS: &str = "name type category enabled comment created_on";

/// The columns of a kind; those of dropped objects end with HISTORY alone.
pub(super) fn of(kind: Kind) -> &'static str {
    match kind {
        Kind::Table => TABLES,
        Kind::View => VIEWS,
        Kind::Schema => SCHEMAS,
        Kind::Database => DATABASES,
        Kind::Stream => STREAMS,
        Kind::Stage => STAGES,
        Kind::FileFormat => FILE_FORMATS,
        Kind::Sequence => SEQUENCES,
        Kind::Pipe => PIPES,
        Kind::Task => TASKS,
        Kind::Procedure => PROCEDURES,
        Kind::User => USERS,
        Kind::Role => ROLES,
        Kind::Warehouse => WAREHOUSES,
        Kind::Integration => INTEGRATIONS,
    }
}

/// The row's cells in the order of the columns; what Snowglobe does not keep has Snowflake's default.
pub(super) fn arranged(mut cells: Cells, names: &[&'static str]) -> Cells {
    let owned = cells
        .iter()
        .any(|(name, value)| *name == "owner" && *value != text(String::new()));
    let mut take = |name: &'static str| {
        let at = cells.iter().position(|(n, _)| *n == name);
        let value = match at {
            Some(at) => cells.swap_remove(at).1,
            None => absent(name, owned),
        };
        (name, value)
    };
    names.iter().map(|name| take(name)).collect()
}

fn absent(name: &str, owned: bool) -> Value {
    let known = match name {
        "owner_role_type" if owned => "ROLE",
        "owner_role_type"
        | "options"
        | "origin"
        | "reserved"
        | "cluster_by"
        | "secrets"
        | "external_access_integrations"
        | "has_credentials_kind" => "",
        "automatic_clustering" | "search_optimization" | "change_tracking" => "OFF",
        "is_secure" | "is_materialized" | "enable_query_acceleration" => "false",
        "is_external"
        | "is_event"
        | "is_hybrid"
        | "is_iceberg"
        | "is_dynamic"
        | "is_immutable"
        | "enable_schema_evolution"
        | "is_builtin"
        | "is_aggregate"
        | "is_ansi"
        | "is_table_function"
        | "valid_for_clustering"
        | "is_default"
        | "is_current"
        | "is_inherited"
        | "has_credentials"
        | "has_encryption_key"
        | "directory_enabled"
        | "ordered" => "N",
        "rely"
        | "must_change_password"
        | "snowflake_lock"
        | "has_password"
        | "has_mfa"
        | "has_pat"
        | "has_workload_identity"
        | "ext_authn_duo" => "false",
        "scaling_policy" => "STANDARD",
        "resource_monitor" | "resource_constraint" => "null",
        "update_rule" | "delete_rule" => "NO ACTION",
        "deferrability" => "NOT DEFERRABLE",
        "bytes"
        | "rows"
        | "search_optimization_bytes"
        | "running"
        | "queued"
        | "actives"
        | "pendings"
        | "failed"
        | "suspended" => return Value::Null,
        "min_cluster_count" | "max_cluster_count" => return Value::Number(1),
        "query_acceleration_max_scale_factor" => return Value::Number(8),
        "assigned_to_users" | "granted_to_roles" | "granted_roles" => return Value::Number(0),
        _ => return Value::Null,
    };
    text(known.to_owned())
}

/// The type of a column by its name, also in a result of no rows.
pub(super) fn kind(name: &str) -> SnowflakeType {
    match name {
        "created_on" | "dropped_on" | "resumed_on" | "updated_on" | "stale_after"
        | "last_committed_on" | "last_suspended_on" | "last_success_login" | "expires_at_time"
        | "locked_until_time" => SnowflakeType::LTZ,
        "rows"
        | "bytes"
        | "search_optimization_bytes"
        | "next_value"
        | "key_sequence"
        | "auto_suspend"
        | "min_cluster_count"
        | "max_cluster_count"
        | "started_clusters"
        | "running"
        | "queued"
        | "min_num_arguments"
        | "max_num_arguments"
        | "assigned_to_users"
        | "granted_to_roles"
        | "granted_roles"
        | "actives"
        | "pendings"
        | "failed"
        | "suspended"
        | "query_acceleration_max_scale_factor" => SnowflakeType::INTEGER,
        _ => SnowflakeType::TEXT,
    }
}
