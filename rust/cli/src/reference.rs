//! The reference page on the command line, rendered from the arguments: a test compares it, and writes it with FIRN_UPDATE_DOCS=1.

use std::fmt::Write;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

const HEAD: &str = "# Command line

<!-- Rendered from the arguments by rust/cli/src/reference.rs: do not edit. To update: make docs-update -->

`firn COMMAND --help` shows the same in a terminal. Results go to standard output, everything else to standard error. [Exit codes](errors.md#exit-codes) are the same for all commands.
`firn completions SHELL` writes the completion of a shell.

";

fn page() -> String {
    let mut firn = crate::Arguments::command().name("firn").bin_name("firn");
    firn.build();
    let mut text = HEAD.to_owned();
    text.push_str("| command | what it does |\n| --- | --- |\n");
    for command in shown(&firn) {
        let (name, about) = (command.get_name(), said(command.get_about()));
        let _ = writeln!(text, "| [`firn {name}`](#firn-{name}) | {about} |");
    }
    for command in shown(&firn) {
        section(&mut text, "firn", command);
    }
    text
}

/// The subcommands of a command, except `help`.
fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|command| command.get_name() != "help" && !command.is_hide_set())
}

fn section(text: &mut String, parent: &str, command: &Command) {
    let name = format!("{parent} {}", command.get_name());
    let about = said(command.get_long_about().or(command.get_about()));
    let _ = write!(
        text,
        "\n## {name}\n\n{about}\n\n```text\n{}\n```\n",
        usage(command)
    );
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && argument.get_id() != "help")
        .collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for argument in &arguments {
        if !headings.contains(&argument.get_help_heading()) {
            headings.push(argument.get_help_heading());
        }
    }
    for heading in headings {
        let _ = write!(
            text,
            "\n| {} | | default |\n| --- | --- | --- |\n",
            heading.unwrap_or("argument")
        );
        let group = arguments
            .iter()
            .filter(|argument| argument.get_help_heading() == heading);
        for argument in group {
            row(text, argument);
        }
    }
    let examples = command.get_after_long_help().or(command.get_after_help());
    if let Some(examples) = examples {
        let _ = write!(
            text,
            "\n```text\n{}\n```\n",
            examples.to_string().trim_end()
        );
    }
    for command in shown(command) {
        section(text, &name, command);
    }
}

fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage: ").to_owned()
}

fn row(text: &mut String, argument: &Arg) {
    let takes_value = argument.get_action().takes_values();
    let names: Vec<String> = argument
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect();
    let value = if takes_value {
        names.join(" ")
    } else {
        String::new()
    };
    let mut spelling: Vec<String> = Vec::new();
    spelling.extend(argument.get_short().map(|short| format!("-{short}")));
    spelling.extend(argument.get_long().map(|long| format!("--{long}")));
    let spelling = format!("{} {value}", spelling.join(", "));
    let mut help = said(argument.get_long_help().or(argument.get_help()));
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| takes_value)
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !values.is_empty() {
        let before = if help.is_empty() { "one of " } else { ": " };
        let _ = write!(help, "{before}{}", values.join(", "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(help, " (variable `{}`)", variable.to_string_lossy());
    }
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .filter(|_| takes_value)
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    let cell = |text: &str| text.trim().replace('|', "\\|").replace("\n\n", "<br>");
    let _ = writeln!(
        text,
        "| `{}` | {} | {} |",
        cell(&spelling),
        cell(&help),
        cell(&defaults.join(", "))
    );
}

/// A text of Clap with one line per paragraph.
fn said(styled: Option<&clap::builder::StyledStr>) -> String {
    styled.map(ToString::to_string).unwrap_or_default()
}

#[test]
fn the_reference_page_matches_the_arguments() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    let text = page();
    if std::env::var_os("FIRN_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "docs/reference/cli.md is not the rendering: make docs-update"
    );
}
