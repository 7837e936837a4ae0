use super::*;
use crate::contract::Contract;

fn orders() -> Contract {
    Contract::parse(include_str!("../../contracts/orders.toml")).unwrap()
}

#[test]
fn the_checked_in_scripts_are_what_the_contract_renders() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
    let deployment = Deployment::default();
    for script in scripts(&Contract::customer(), &deployment) {
        let path = folder.join(script.name);
        let text = script.text(&deployment);
        if std::env::var_os("FIRN_RENDER").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == text,
            "sql/{} is not the rendering: run the tests once with FIRN_RENDER=1",
            script.name
        );
    }
}

#[test]
fn a_run_locks_first_and_captures_before_it_overwrites() {
    for contract in [Contract::customer(), orders()] {
        let plan = MergePlan::of(&contract, 1_000);
        let at = |step| plan.steps.iter().position(|one| *one == step);
        assert_eq!(at(Step::TakeLock), Some(0));
        assert!(at(Step::ReadStaging) < at(Step::DeleteStaged));
        assert!(at(Step::FindTouchedKeys) < at(Step::CaptureManualChanges));
        assert!(at(Step::CaptureManualChanges) < at(Step::ResolveVersions));
        assert!(at(Step::WriteHistory) < at(Step::ApplyToTarget));
    }
}

#[test]
fn capture_calls_the_merge() {
    let deployment = Deployment::default();
    let all = scripts(&Contract::customer(), &deployment);
    let (merge, capture) = (&all[6].statements[0].sql, &all[7].statements[0].sql);
    assert!(merge.contains("    if (read_staging) then\n"));
    assert!(capture.contains("call MERGE_CUSTOMER(false) into :report;"));
    assert!(!capture.contains("CUSTOMER_HISTORY"), "{capture}");
}

#[test]
fn scripts_of_other_contracts_do_not_mention_customers() {
    let deployment = Deployment::default();
    for script in scripts(&orders(), &deployment) {
        let text = script.text(&deployment).to_lowercase();
        assert!(
            !text.contains("customer_id") && !text.contains("merge_customer"),
            "{}",
            script.name
        );
    }
}

#[test]
fn hostile_names_are_quoted_everywhere() {
    let contract = Contract::parse(
        r#"
table = "a\"; drop table t; --$$"
op = "o'p"
key = ["select"]
order = ["when; $$"]
columns = [{ name = "select", type = "VARCHAR(5)" }, { name = "when; $$", type = "TIMESTAMP_NTZ(6)" }, { name = "naïve 'x'", type = "DATE" }]
"#,
    )
    .unwrap();
    let deployment = Deployment::default();
    let all: Vec<_> = scripts(&contract, &deployment);
    let merge = &all[6].statements[0].sql;
    assert!(merge.starts_with("create or replace procedure \"MERGE_a\"\"; drop table t; --$$\"(read_staging boolean default true, reconcile boolean default false)"));
    let body = merge.split_once("\nas\n").unwrap().1;
    assert!(
        body.starts_with('\'') && body.ends_with('\''),
        "a body that holds $$ is a literal"
    );
    assert!(body.contains("\"SELECT\"") && body.contains("\"naïve ''x''\""));
}

#[test]
fn the_loader_is_granted_neither_reading_nor_altering_of_data() {
    let deployment = Deployment::default();
    for script in scripts(&Contract::customer(), &deployment) {
        for statement in script
            .statements
            .iter()
            .filter(|one| one.sql.ends_with("to role FIRN_LOADER"))
        {
            let harmless = ["warehouse", "database", "schema", "procedure"];
            assert!(
                harmless.iter().any(|kind| statement
                    .sql
                    .starts_with(&format!("grant usage on {kind} "))),
                "{}",
                statement.sql
            );
        }
    }
}
