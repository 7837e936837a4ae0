//! Renders the generator's option table: the reference page, and the list from which the NiFi processor makes its properties.

use firn::generator::{Group, OPTIONS, OptionSpec};
use serde_json::{Value, json};

use super::{RENDERED, compare, compare_at};

const PROPERTIES: &str = "nifi-bundle/nifi-firn-processors/src/main/resources/io/firn/nifi/processors/generator-options.json";

const INTRODUCTION: &str = "\
One table of options serves `firn generate`, the JSON documents of the C library, and the NiFi processor `GenerateCustomerCsv`. Equal
options give equal bytes, on every machine and with any number of threads.

In JSON, counts and fractions are numbers, a time is in microseconds since 1970-01-01 UTC, and a duration is in microseconds. The text
that the command line takes, such as `\"10%\"`, is accepted as well.
";

#[test]
fn generator_options() {
    let mut page = format!("# Generator options\n\n{RENDERED}\n\n{INTRODUCTION}");
    for group in Group::ALL {
        page += &format!(
            "\n## {}\n\n| `firn generate` | JSON | NiFi property | values | default | description |\n| --- | --- | --- | --- | --- | --- |\n",
            group.heading()
        );
        page.extend(OPTIONS.iter().filter(|spec| spec.group == group).map(row));
    }
    assert!(
        OPTIONS
            .iter()
            .all(|spec| page.contains(&format!("`--{}`", spec.flag)))
    );
    compare("generator-options.md", &page);
}

fn row(spec: &OptionSpec) -> String {
    let property = spec.property.map_or("", |property| property.name);
    let mut default = format!("`{}`", spec.default_text());
    if let Some(with_rate) = spec.default_with_rate {
        default += &format!("; with `--rate` {with_rate}");
    }
    if let Some(in_nifi) = spec.property.and_then(|property| property.default) {
        default += &format!("; in NiFi `{in_nifi}`");
    }
    format!(
        "| `--{}` | `{}` | {property} | {} | {default} | {} |\n",
        spec.flag,
        spec.name,
        spec.kind.expected(),
        sentences(spec)
    )
}

fn sentences(spec: &OptionSpec) -> String {
    match spec.details().as_str() {
        "" => format!("{}.", spec.help()),
        details => format!("{}. {details}", spec.help()),
    }
}

#[test]
fn generator_properties() {
    let properties = OPTIONS.iter().filter_map(|spec| {
        let property = spec.property?;
        Some(json!({
            "option": spec.name,
            "name": property.name,
            "formerly": property.formerly,
            "default": property.default.map_or_else(|| spec.default_text(), str::to_owned),
            "description": format!("{} Expected: {}.", sentences(spec), spec.kind.expected()),
        }))
    });
    let list = Value::Array(properties.collect());
    compare_at(
        PROPERTIES,
        &(serde_json::to_string_pretty(&list).unwrap() + "\n"),
    );
}
