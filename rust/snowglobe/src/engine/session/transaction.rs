//! A session's transactions: DML inside and outside of them, COMMIT and ROLLBACK.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Session;
use crate::engine::catalog::{Body, Kind};
use crate::engine::compile::{Context, Typed};
use crate::engine::state::transaction::{LoadedFile, Open, Transaction};
use crate::engine::storage::{self};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::Binds;

/// What DML has done, for the transaction that it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub tables: BTreeSet<u64>,
    pub streams: BTreeSet<u64>,
    pub records: Vec<String>,
    pub loaded: Vec<LoadedFile>,
    pub forgotten: BTreeSet<u64>,
    pub purged: Vec<LoadedFile>,
}

impl Session {
    /// Runs DML as one DuckDB transaction: it happens wholly or not at all. `locks` are the tables that it changes and the streams that it consumes.
    pub(crate) fn write<T>(
        &mut self,
        locks: &[(u64, String)],
        binds: &Binds,
        variables: &BTreeMap<String, Typed>,
        change: impl FnOnce(&mut Context<'_>, i64, &mut Effects) -> Result<T>,
    ) -> Result<T> {
        // "AUTOCOMMIT": without it DML begins a transaction, unless one is open. Procedures have their own scope.
        if self.depth == 0 && !self.parameters.is_true("AUTOCOMMIT") {
            self.begin(None);
        }
        let open = self.transactions.last().cloned();
        let transaction = open
            .clone()
            .unwrap_or_else(|| self.shared.new_transaction(self.depth));
        let result = self.locked_write(
            locks,
            transaction.clone(),
            open.is_some(),
            binds,
            variables,
            change,
        );
        if open.is_none() {
            self.shared.locks.release(transaction.id);
        }
        result
    }

    fn locked_write<T>(
        &mut self,
        locks: &[(u64, String)],
        mut transaction: Transaction,
        is_open: bool,
        binds: &Binds,
        variables: &BTreeMap<String, Typed>,
        change: impl FnOnce(&mut Context<'_>, i64, &mut Effects) -> Result<T>,
    ) -> Result<T> {
        let timeout = Duration::from_secs(self.parameters.number("LOCK_TIMEOUT"));
        for (resource, name) in locks {
            self.shared.locks.take(
                *resource,
                name,
                transaction.id,
                timeout,
                || self.cancel.is_cancelled(),
                self.shared.options.clock.now_micros(),
            )?;
        }
        let shared = Arc::clone(&self.shared);
        let _writing = shared.start_writing();
        let seq = shared.committed() + 1;
        let stamp = if is_open { transaction.stamp() } else { seq };
        let mut effects = Effects::default();
        storage::run(&self.connection, "begin")?;
        let changed = {
            let mut context = self.context(binds, variables);
            context.environment.writes = true;
            if !is_open {
                transaction.reading = Arc::clone(&context.snapshot.reading);
            }
            change(&mut context, stamp, &mut effects)
        };
        let finished = changed.and_then(|value| {
            transaction.tables.extend(effects.tables);
            transaction.streams.extend(effects.streams);
            transaction.records.extend(effects.records);
            transaction
                .loaded
                .retain(|l| !effects.forgotten.contains(&l.target));
            transaction.forgotten.extend(effects.forgotten);
            transaction.loaded.extend(effects.loaded);
            transaction.purged.extend(effects.purged);
            if !is_open {
                storage::run(
                    &self.connection,
                    &shared.commit_sql(&transaction, seq, false),
                )?;
            }
            storage::run(&self.connection, "commit")?;
            Ok(value)
        });
        match finished {
            Ok(value) if is_open => {
                if let Some(last) = self.transactions.last_mut() {
                    *last = transaction;
                }
                Ok(value)
            }
            Ok(value) => {
                shared.publish(&transaction, seq);
                shared.purge(&transaction);
                Ok(value)
            }
            Err(error) => {
                let _ = storage::run(&self.connection, "rollback");
                Err(error)
            }
        }
    }

    /// `BEGIN`. Inside a transaction of the same scope it changes nothing.
    pub(crate) fn begin(&mut self, name: Option<String>) {
        if self
            .transactions
            .last()
            .is_none_or(|t| t.depth < self.depth)
        {
            let transaction = self.shared.new_transaction(self.depth);
            self.shared.locks.opens(Open {
                id: transaction.id,
                user: self.user.clone(),
                session: self.id,
                name: name.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
                started_micros: self.shared.options.clock.now_micros(),
            });
            self.transactions.push(transaction);
        }
    }

    fn take_transaction(&mut self) -> Result<Option<Transaction>> {
        if self
            .transactions
            .last()
            .is_some_and(|t| t.depth < self.depth)
        {
            return Err(SnowflakeError::new(
                "090231",
                "22000",
                "Modifying a transaction that has started at a different scope is not allowed.",
            ));
        }
        Ok(self.transactions.pop())
    }

    /// `COMMIT`; without a transaction it does nothing.
    pub(crate) fn commit(&mut self) -> Result<()> {
        let Some(transaction) = self.take_transaction()? else {
            return Ok(());
        };
        let shared = Arc::clone(&self.shared);
        let _writing = shared.start_writing();
        let is_empty = transaction.tables.is_empty()
            && transaction.streams.is_empty()
            && transaction.records.is_empty();
        let seq = shared.committed() + 1;
        let sql = format!(
            "begin; {} commit",
            shared.commit_sql(&transaction, seq, true)
        );
        let done = if is_empty {
            Ok(())
        } else {
            storage::run(&self.connection, &sql)
        };
        match &done {
            Ok(()) if !is_empty => {
                shared.publish(&transaction, seq);
                shared.purge(&transaction);
            }
            Ok(()) => {}
            Err(_) => {
                let _ = storage::run(&self.connection, "rollback");
                let _ = self.undo(&transaction);
            }
        }
        shared.locks.release(transaction.id);
        done
    }

    /// `ROLLBACK`; without a transaction it does nothing.
    pub(crate) fn rollback(&mut self) -> Result<()> {
        let Some(transaction) = self.take_transaction()? else {
            return Ok(());
        };
        self.abandon(&transaction)
    }

    /// Takes back what a transaction that is no longer on the stack has written.
    pub(crate) fn abandon(&mut self, transaction: &Transaction) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let _writing = shared.start_writing();
        let undone = self.undo(transaction);
        shared.locks.release(transaction.id);
        undone
    }

    fn undo(&self, transaction: &Transaction) -> Result<()> {
        let stamp = transaction.stamp();
        for table in &transaction.tables {
            storage::run(
                &self.connection,
                &format!(
                    "begin; delete from \"T{table}\" where _begin = {stamp}; update \"T{table}\" set _end = {} where _end = {stamp}; commit",
                    storage::ALIVE
                ),
            )?;
        }
        Ok(())
    }

    /// Waits until no transaction holds the table, before DDL changes it.
    pub(crate) fn wait_for_table(&mut self, object: &crate::engine::catalog::Object) -> Result<()> {
        let transaction = self.shared.new_transaction(self.depth);
        let timeout = Duration::from_secs(self.parameters.number("LOCK_TIMEOUT"));
        let name = object.name().to_string();
        let taken = self.shared.locks.take(
            object.id,
            &name,
            transaction.id,
            timeout,
            || self.cancel.is_cancelled(),
            self.shared.options.clock.now_micros(),
        );
        self.shared.locks.release(transaction.id);
        taken
    }

    /// DDL commits what is open before it begins.
    pub(crate) fn commit_before_ddl(&mut self) -> Result<()> {
        self.commit()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.depth = 0;
        while let Some(transaction) = self.transactions.pop() {
            if let Err(error) = self.abandon(&transaction) {
                log::error!("rolling back session {} failed: {error}", self.id);
            }
        }
        let id = self.id;
        let is_mine = |body: &Body| match body {
            Body::Table(table) => table.temporary_of == Some(id),
            Body::View { temporary_of, .. } => *temporary_of == Some(id),
            _ => false,
        };
        let kinds = [Kind::Table, Kind::View];
        let catalog = self.shared.catalog();
        if !kinds
            .iter()
            .any(|kind| catalog.all(*kind).any(|o| is_mine(&o.body)))
        {
            return;
        }
        let dropped = self.shared.change_storage(|catalog, connection| {
            let mine: Vec<(u64, Kind)> = kinds
                .iter()
                .flat_map(|kind| catalog.all(*kind))
                .filter(|o| is_mine(&o.body))
                .map(|o| (o.id, o.kind))
                .collect();
            for (id, kind) in mine {
                if kind == Kind::Table {
                    storage::run(connection, &format!("drop table \"T{id}\""))?;
                }
                catalog.remove(id);
            }
            Ok(())
        });
        if let Err(error) = dropped {
            log::error!("dropping temporary tables of session {id} failed: {error}");
        }
    }
}
