//! `firn rejects` lists rejected rows, and sends them again once the contract accepts them, with the same sum.

use std::fs;

use super::fixture::Fixture;

/// A contract whose names have at most `max_chars` characters.
fn contract(fixture: &Fixture, max_chars: u32) {
    let text = format!(
        "table = \"ITEM\"\nop = \"op\"\nkey = [\"id\"]\norder = [\"at\"]\ncolumns = [\n\
         {{ name = \"id\", type = \"NUMBER(9,0)\" }},\n\
         {{ name = \"name\", type = \"VARCHAR({max_chars})\" }},\n\
         {{ name = \"at\", type = \"TIMESTAMP_NTZ(6)\" }},\n]\n"
    );
    fs::write(fixture.path("item.toml"), text).expect("a contract");
}

/// Two files: one in the contract's order, and one with another order in its header.
fn loaded() -> Fixture {
    let fixture = Fixture::bare();
    contract(&fixture, 5);
    fixture.ok("bootstrap --contract item.toml");
    let monday = "op,id,name,at\n\
                  I,1,Ann,2026-01-01T00:00:00Z\n\
                  I,2,\"Anna, Maria\",2026-01-01T00:00:00Z\n\
                  I,x,Bob,2026-01-01T00:00:00Z\n\
                  I,3,Eve,2026-01-01T00:00:00Z\n\
                  I,3,Eva,2026-01-01T00:00:00Z\n\
                  I,4,\"open,2026-01-01T00:00:00Z\n";
    fs::write(fixture.path("monday.csv"), monday).expect("a file");
    let tuesday =
        "at;name;id;op\n2026-01-02T00:00:00Z;Annabelle;5;I\n2026-01-02T00:00:00Z;Fred;6;I\n";
    fs::write(fixture.path("tuesday.csv"), tuesday).expect("a file");
    fixture.ok("put monday.csv tuesday.csv --contract item.toml --role FIRN_LOADER");
    fixture
}

const AS_OWNER: &str = "--contract item.toml --role FIRN_OWNER";

fn reasons(listed: &serde_json::Value) -> Vec<(String, i64)> {
    let reason = |one: &serde_json::Value| {
        let reason = one["reason"].as_str().unwrap_or_default();
        (reason.to_owned(), one["rows"].as_i64().unwrap_or(-1))
    };
    let all = listed
        .as_array()
        .map(|all| all.iter().map(reason).collect());
    all.unwrap_or_default()
}

#[test]
fn rejects_are_listed_by_reason_and_by_file() {
    let fixture = loaded();
    let listed = fixture.ok(&format!("rejects {AS_OWNER}"));
    for text in [
        "   2  name is longer than 5 characters",
        "   1  id is not a valid NUMBER(9,0)",
        "I,x,Bob,2026-01-01T00:00:00Z",
        "at;name;id;op\\n2026-01-02T00:00:00Z;Annabelle;5;I",
    ] {
        assert!(listed.contains(text), "{text}:\n{listed}");
    }
    let listed = fixture.json(&format!("rejects {AS_OWNER} --json --limit 1"));
    assert_eq!(listed["open"], 5);
    assert_eq!(listed["rows"].as_array().map(Vec::len), Some(1));
    let listed = fixture.json(&format!("rejects {AS_OWNER} --json --file tuesday.csv"));
    assert_eq!(listed["open"], 1, "{listed}");
    let listed = fixture.json(&format!("rejects {AS_OWNER} --json --reason LONGER"));
    assert_eq!(reasons(&listed["reasons"]).len(), 1, "{listed}");
    let none = fixture.ok(&format!("rejects {AS_OWNER} --reason nothing-like-it"));
    assert_eq!(none, "no rejected rows\n");
    // The loader's role can read no table.
    fixture.fails(1, "rejects --contract item.toml --role FIRN_LOADER");
}

#[test]
fn rows_that_a_wider_contract_accepts_are_sent_again_once() {
    let fixture = loaded();
    let unchanged = fixture.ok(&format!("rejects retry {AS_OWNER}"));
    assert!(
        unchanged.contains("sent 0 of 5 rejected rows again")
            && unchanged.contains("kept in the rejects: 5"),
        "{unchanged}"
    );
    contract(&fixture, 50);
    let too_early = fixture.fails(1, &format!("rejects retry {AS_OWNER}"));
    assert!(too_early.contains("run `firn bootstrap`"), "{too_early}");
    fixture.ok("bootstrap --contract item.toml");
    let before = fixture.number("select count(*) from ITEM_REJECTS");

    let retried = fixture.json(&format!("rejects retry {AS_OWNER} --json"));
    assert_eq!(
        (&retried["chosen"], &retried["sent"]),
        (&5.into(), &2.into()),
        "{retried}"
    );
    // One file for each header.
    assert_eq!(retried["files"].as_array().map(Vec::len), Some(2));
    let kept = reasons(&retried["kept"]);
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert_eq!(
        fixture.sql("select id, name from ITEM where length(name) > 5 order by id"),
        [["2", "Anna, Maria"], ["5", "Annabelle"]]
    );
    // An accepted row is no longer open, and the sum of its own file still counts it.
    let listed = fixture.json(&format!("rejects {AS_OWNER} --json"));
    assert_eq!(listed["open"], 3);
    assert_eq!(fixture.number("select count(*) from ITEM_REJECTS"), before);
    fixture.ok(&format!("verify {AS_OWNER}"));
    let again = fixture.json(&format!("rejects retry {AS_OWNER} --json"));
    assert_eq!((&again["chosen"], &again["sent"]), (&3.into(), &0.into()));
    assert_eq!(fixture.number("select count(*) from ITEM_HISTORY"), 5);
}

#[test]
fn the_loser_of_a_tie_is_sent_again_only_on_demand_and_changes_nothing() {
    let fixture = loaded();
    let left_out = fixture.json(&format!("rejects retry {AS_OWNER} --reason same --json"));
    assert_eq!(
        (&left_out["chosen"], &left_out["sent"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        reasons(&left_out["kept"]),
        [(
            "lost against another event of its key: --ties sends it again".to_owned(),
            1
        )]
    );
    let sent = fixture.json(&format!(
        "rejects retry {AS_OWNER} --reason same --ties --json"
    ));
    assert_eq!(sent["files"][0]["duplicates"], 1, "{sent}");
    fixture.ok(&format!("verify {AS_OWNER}"));
    assert_eq!(fixture.sql("select name from ITEM where id = 3"), [["Eve"]]);
}

#[test]
fn an_interrupted_retry_leaves_its_rows_open_and_the_next_one_finishes_it() {
    let fixture = loaded();
    contract(&fixture, 50);
    fixture.ok("bootstrap --contract item.toml");
    // Everything succeeds but the load, as the procedure is missing.
    fixture.sql("alter task MERGE_ITEM_TASK suspend");
    fixture.sql("drop procedure MERGE_ITEM(boolean, boolean)");
    fixture.fails(1, &format!("rejects retry {AS_OWNER} --reason longer"));
    assert_eq!(fixture.number("select count(*) from ITEM_RETRIES"), 2);
    let listed = fixture.json(&format!("rejects {AS_OWNER} --json --reason longer"));
    assert_eq!(listed["open"], 2);
    fixture.ok("bootstrap --contract item.toml");
    let retried = fixture.json(&format!("rejects retry {AS_OWNER} --reason longer --json"));
    assert_eq!(retried["sent"], 2, "{retried}");
    assert_eq!(fixture.number("select count(*) from ITEM_RETRIES"), 2);
    assert_eq!(
        fixture.number("select count(*) from ITEM where length(name) > 5"),
        2
    );
    fixture.ok(&format!("verify {AS_OWNER}"));
}
