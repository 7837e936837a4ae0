//! Which AWS roles trust Snowflake, as their trust policies say: a storage integration can only assume a role that does.
//!
//! By default every role trusts. With strict trust, a role trusts once the admin call has said whom.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::engine::storage;
use crate::sql::cursor::literal;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::Value;

/// The user whose keys Snowflake assumes roles with: `STORAGE_AWS_IAM_USER_ARN`.
pub const USER_ARN: &str = "arn:aws:iam::000000000000:user/snowglobe";

/// A role's trust policy: who may assume it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustPolicy {
    /// The role, as `STORAGE_AWS_ROLE_ARN` has it.
    pub role_arn: String,
    /// `STORAGE_AWS_IAM_USER_ARN` of `DESC INTEGRATION`: the policy's principal.
    pub user_arn: String,
    /// `STORAGE_AWS_EXTERNAL_ID` of `DESC INTEGRATION`: the policy's condition.
    pub external_id: String,
}

/// The trust policies that are known, by role.
#[derive(Default)]
pub struct Trust {
    is_strict: AtomicBool,
    policies: RwLock<BTreeMap<String, TrustPolicy>>,
}

impl Trust {
    /// The policies that were kept.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn open(connection: &duckdb::Connection, is_strict: bool) -> Result<Self> {
        let kept = storage::query(
            connection,
            "select role, principal, external_id from sys_trust",
        )?;
        let policy = |row: Vec<Value>| match <[Value; 3]>::try_from(row) {
            Ok(
                [
                    Value::Text(role_arn),
                    Value::Text(user_arn),
                    Value::Text(external_id),
                ],
            ) => Some(TrustPolicy {
                role_arn,
                user_arn,
                external_id,
            }),
            _ => None,
        };
        let policies = kept.rows.into_iter().filter_map(policy);
        Ok(Self {
            is_strict: AtomicBool::new(is_strict),
            policies: RwLock::new(policies.map(|p| (p.role_arn.clone(), p)).collect()),
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, TrustPolicy>> {
        self.policies
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, TrustPolicy>> {
        self.policies
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// From now on, roles trust only whom their policies name.
    pub fn be_strict(&self) {
        self.is_strict.store(true, Ordering::SeqCst);
    }

    /// The policies.
    pub fn list(&self) -> Vec<TrustPolicy> {
        self.read().values().cloned().collect()
    }

    /// Sets a role's policy.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub fn set(&self, connection: &duckdb::Connection, policy: TrustPolicy) -> Result<()> {
        storage::run(
            connection,
            &format!(
                "insert or replace into sys_trust values ({}, {}, {})",
                literal(&policy.role_arn),
                literal(&policy.user_arn),
                literal(&policy.external_id)
            ),
        )?;
        self.write().insert(policy.role_arn.clone(), policy);
        Ok(())
    }

    /// Takes all policies away: no role trusts anyone.
    ///
    /// # Errors
    /// If that cannot be kept.
    pub fn clear(&self, connection: &duckdb::Connection) -> Result<()> {
        storage::run(connection, "delete from sys_trust")?;
        self.write().clear();
        Ok(())
    }

    /// Assumes the role.
    ///
    /// # Errors
    /// 003167, if the role does not trust this user with this external id.
    pub fn assume(&self, role: &AwsRole) -> Result<()> {
        if !self.is_strict.load(Ordering::SeqCst) {
            return Ok(());
        }
        let trusts = self.read().get(&role.arn).is_some_and(|policy| {
            policy.user_arn == USER_ARN && policy.external_id == role.external_id
        });
        if trusts {
            return Ok(());
        }
        Err(SnowflakeError::new(
            "003167",
            "42601",
            format!(
                "Error assuming AWS_ROLE:\nUser: {USER_ARN} is not authorized to perform: sts:AssumeRole on resource: {}",
                role.arn
            ),
        ))
    }
}

/// The role that a storage integration assumes.
#[derive(Clone, Debug)]
pub struct AwsRole {
    pub arn: String,
    pub external_id: String,
}
