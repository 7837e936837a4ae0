//! Another version of a contract: rejected by name before anything is uploaded, until `firn bootstrap` migrates the objects.

use super::fixture::Fixture;

fn contract(columns: &str) -> String {
    format!(
        "table = \"ITEM\"\nop = \"op\"\nkey = [\"id\"]\norder = [\"at\"]\ncolumns = [\n{columns}\n]\n"
    )
}

const ID: &str = "{ name = \"id\", type = \"VARCHAR(50)\" },";
const AT: &str = "{ name = \"at\", type = \"TIMESTAMP_NTZ(6)\" },";

fn write(fixture: &Fixture, name: &str, text: &str) {
    std::fs::write(fixture.path(name), text).expect("a file");
}

#[test]
fn a_new_column_is_rejected_until_bootstrap_adds_it_and_old_rows_have_null() {
    let fixture = Fixture::bare();
    let name = "{ name = \"name\", type = \"VARCHAR(5)\" },";
    write(&fixture, "1.toml", &contract(&format!("{ID}{name}{AT}")));
    // A new column between the others, and a longer one.
    let more =
        "{ name = \"tier\", type = \"VARCHAR(10)\" }, { name = \"name\", type = \"VARCHAR(50)\" },";
    write(&fixture, "2.toml", &contract(&format!("{ID}{more}{AT}")));
    write(
        &fixture,
        "1.csv",
        "op,id,name,at\nI,a,Ann,2026-01-01T00:00:00Z\n",
    );
    write(
        &fixture,
        "2.csv",
        "op,id,tier,name,at\nU,a,gold,Annabelle,2026-01-02T00:00:00Z\n",
    );
    fixture.ok("bootstrap --contract 1.toml");
    fixture.ok("put 1.csv --contract 1.toml --role FIRN_LOADER");
    // A row that was staged before is merged by the new objects.
    fixture.sql("alter task MERGE_ITEM_TASK suspend");
    fixture.sql("insert into ITEM_STAGING (op, id, name, at, source_file, source_row, loaded_at) select 'I', 'b', 'Bob', '2026-01-01T00:00:00Z', 'item/b.csv', 1, current_timestamp()");

    let refused = fixture.fails(1, "put 2.csv --contract 2.toml --role FIRN_LOADER");
    assert!(
        refused.contains("were made for another version of the contract: run `firn bootstrap`"),
        "{refused}"
    );
    assert_eq!(fixture.number("select count(*) from ITEM_STAGING"), 1);
    let found = fixture.fails(1, "doctor --contract 2.toml --role FIRN_OWNER");
    assert!(found.contains("checks failed"), "{found}");
    fixture.ok("bootstrap --contract 2.toml");
    fixture.ok("doctor --contract 2.toml --role FIRN_OWNER");
    fixture.ok("put 2.csv --contract 2.toml --role FIRN_LOADER");
    assert_eq!(
        fixture.sql("select id, name, coalesce(tier, '-') from ITEM order by id"),
        [["a", "Annabelle", "gold"], ["b", "Bob", "-"]]
    );
    assert_eq!(
        fixture
            .sql("select name, coalesce(tier, '-') from ITEM_HISTORY where id = 'a' order by at"),
        [["Ann", "-"], ["Annabelle", "gold"]]
    );
    fixture.ok("verify --contract 2.toml --role FIRN_OWNER");
    // The previous contract is rejected now: its files would lose the column.
    fixture.fails(1, "put 1.csv --contract 1.toml --role FIRN_LOADER");
}

#[test]
fn changes_that_give_the_history_another_meaning_are_rejected() {
    let fixture = Fixture::bare();
    let two = "{ name = \"name\", type = \"VARCHAR(50)\" },";
    let first = contract(&format!("{ID}{two}{AT}"));
    write(&fixture, "1.toml", &first);
    fixture.ok("bootstrap --contract 1.toml");
    let other_key = first.replace("key = [\"id\"]", "key = [\"id\", \"name\"]");
    write(&fixture, "key.toml", &other_key);
    let refused = fixture.fails(1, "bootstrap --contract key.toml");
    assert!(
        refused.contains("has the key [\"id\"], but the contract says [\"id\", \"name\"]"),
        "{refused}"
    );
    let narrower = contract(&format!("{ID}{}{AT}", two.replace("50", "5")));
    write(&fixture, "narrower.toml", &narrower);
    // A wider column accepts the values of the contract.
    fixture.ok("bootstrap --contract narrower.toml");
    let other_type = contract(&format!("{ID}{}{AT}", two.replace("VARCHAR(50)", "DATE")));
    write(&fixture, "type.toml", &other_type);
    let refused = fixture.fails(1, "bootstrap --contract type.toml");
    assert!(
        refused.contains(
            "has type VARCHAR(50), but the contract says date: use the contract of this table"
        ),
        "{refused}"
    );
}

#[test]
fn a_folder_that_the_stage_does_not_read_is_rejected_before_the_upload() {
    let fixture = Fixture::new();
    let row = super::fixture::row("I", 1, "Rome", "2026-01-01T00:00:00Z");
    fixture.file("a.csv", &[row]);
    let words = "--stage-url s3://firn-landing/elsewhere/ --role";
    let refused = fixture.fails(1, &format!("put a.csv {words} FIRN_LOADER"));
    assert!(
        refused.contains("stage CUSTOMER_STAGE reads s3://firn-landing/customer/")
            && refused.contains("use `--stage-url s3://firn-landing/`"),
        "{refused}"
    );
    for role in ["FIRN_LOADER", "FIRN_OWNER"] {
        let found = fixture.fails(1, &format!("doctor {words} {role}"));
        assert!(found.contains("failed"), "{found}");
    }
    let refused = fixture.fails(1, &format!("bootstrap {words} FIRN_OWNER"));
    assert!(
        refused.contains(
            "run `alter stage CUSTOMER_STAGE set url = 's3://firn-landing/elsewhere/customer/'`"
        ),
        "{refused}"
    );
    assert_eq!(
        fixture.sql("select count(*) from CUSTOMER_STAGING"),
        [["0"]]
    );
    fixture.ok("put a.csv --role FIRN_LOADER");
}
