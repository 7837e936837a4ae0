use super::Sql;

fn macro_of(name: &'static str, argument: Sql) -> Sql {
    Sql::call(name, &[argument])
}

#[test]
fn what_an_argument_says_is_never_read_again() {
    let args = [Sql::literal("{1}"), Sql::literal("{0}"), Sql::name("{0}\"")];
    let sql = Sql::of("coalesce({0}, {1}, {2})", &args);
    assert_eq!(sql.as_str(), "coalesce('{1}', '{0}', \"{0}\"\"\")");
}

#[test]
fn a_literal_holds_any_text() {
    for (text, written) in [
        ("", "''"),
        ("'", "''''"),
        ("''", "''''''"),
        ("\\'", "'\\'''"),
        ("a\0b", "('a' || chr(0) || 'b')"),
    ] {
        assert_eq!(Sql::literal(text).as_str(), written);
        assert_eq!(Sql::literal(text).as_literal(), Some(text));
    }
}

#[test]
fn only_digits_are_a_number() {
    for text in ["1", "1.5", ".5", "1e10", "1.5E-7"] {
        assert_eq!(Sql::number(text).map(Sql::into_text).as_deref(), Some(text));
    }
    for text in ["", "a", "1a", "1;", "1 + 1", "e1", "-1"] {
        assert!(Sql::number(text).is_none(), "{text}");
    }
}

#[test]
fn a_macro_around_an_aggregate_a_window_or_a_subquery_is_the_one_for_any_type() {
    let column = || Sql::name("A");
    let max = || Sql::call("max", &[column()]);
    let subquery = || Sql::known("(select sf_text(a) from t)");
    for (sql, written) in [
        (macro_of("sf_text", column()), "sf_text(\"A\")"),
        (macro_of("sf_text", max()), "sf_text_any(max(\"A\"))"),
        (
            Sql::call("max", &[macro_of("sf_text", column())]),
            "max(sf_text(\"A\"))",
        ),
        (
            Sql::of("sf_text((sf_local({0}) + 1))", &[max()]),
            "sf_text_any((sf_local_any(max(\"A\")) + 1))",
        ),
        (
            Sql::of(
                "sf_text({0} over (order by {1}))",
                &[Sql::call("first_value", &[column()]), column()],
            ),
            "sf_text_any(first_value(\"A\") over (order by \"A\"))",
        ),
        (
            macro_of("sf_text", subquery()),
            "sf_text_any((select sf_text(a) from t))",
        ),
        (macro_of("sf_text", Sql::literal("max(")), "sf_text('max(')"),
        (macro_of("sf_text", Sql::name("MAX(")), "sf_text(\"MAX(\")"),
    ] {
        assert_eq!(sql.as_str(), written);
    }
}

#[test]
fn an_argument_that_would_be_written_out_too_often_is_computed_once() {
    let mut sql = Sql::name("A");
    for _ in 0..40 {
        let args = [Sql::integer(1), sql];
        sql = Sql::of("case when {1} = 0 then 0 else {0} / {1} end", &args);
    }
    assert!(sql.weight() < 100_000, "{}", sql.weight());
    assert!(
        sql.as_str()
            .contains("lambda bound: case when bound.a1 = 0")
    );
    let mut sql = Sql::name("A");
    for _ in 0..40 {
        sql = macro_of("sf_timestamp", sql);
    }
    assert!(sql.weight() < 100_000, "{}", sql.weight());
}

#[test]
fn small_arguments_stay_where_they_are() {
    let args = [Sql::name("A"), Sql::name("B")];
    let sql = Sql::of("case when {1} = 0 then 0 else {0} / {1} end", &args);
    assert_eq!(
        sql.as_str(),
        "case when \"B\" = 0 then 0 else \"A\" / \"B\" end"
    );
}

#[test]
fn an_aggregate_stays_outside_of_a_lambda() {
    let mut value = Sql::name("A");
    for _ in 0..5 {
        value = macro_of("sf_timestamp", value);
    }
    let sql = Sql::of(
        "to_json(list(sf_member({0})) filter (where {0} is not null))",
        &[value],
    );
    assert!(sql.as_str().starts_with("to_json(list(sf_member("));
}

#[test]
fn the_growth_of_each_macro_is_known() {
    use super::expansion::repeated_in;
    // `(x interval) as sf_local(x)` is one of its overloads, the other writes `x` out ten times and more.
    assert!(repeated_in("sf_timestamp", &[1]) > 10);
    assert_eq!(repeated_in("sf_square", &[1]), 2);
    assert_eq!(repeated_in("sf_sha2", &[1, 0]), 1);
    assert_eq!(repeated_in("upper", &[1]), 1);
}

#[test]
fn a_long_chain_is_a_flat_tree() {
    let items: Vec<Sql> = (0..20_000).map(|_| Sql::literal("a")).collect();
    let sql = Sql::join_flat(items, " || ");
    let mut depth = 0_usize;
    let mut deepest = 0;
    for c in sql.as_str().chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    assert!(deepest <= 3, "{deepest}");
}
