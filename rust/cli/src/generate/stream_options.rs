//! The options of a stream as arguments, generated from the option table of the core.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use firn::Result;
use firn::generator::{Kind, OPTIONS, OptionSpec, Options};
use serde_json::Value;

use crate::quantity::expected;

/// The given options with their values.
#[derive(Clone, Debug, Default)]
pub struct StreamOptions(Vec<(&'static OptionSpec, Value)>);

impl StreamOptions {
    /// Whether the option was given.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(spec, _)| spec.name == name)
    }

    /// Applies the given values to `options`, and returns the names of the arguments that changed a value.
    pub fn apply(&self, options: &mut Options) -> Result<Vec<String>> {
        let before = options.values()?;
        let mut changed = Vec::new();
        for (spec, value) in &self.0 {
            if before.get(spec.name) != Some(value) {
                changed.push(format!("--{}", spec.flag));
                options.set(spec, value.clone())?;
            }
        }
        Ok(changed)
    }
}

impl Args for StreamOptions {
    fn augment_args(command: Command) -> Command {
        command.args(OPTIONS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for StreamOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = OPTIONS.iter().filter_map(|spec| {
            let values = matches.get_many::<Value>(spec.name)?.cloned();
            // A list may be given by several arguments.
            let value = values.reduce(|before, more| match (before, more) {
                (Value::Array(before), Value::Array(more)) => {
                    before.into_iter().chain(more).collect()
                }
                (_, last) => last,
            })?;
            Some((spec, value))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument(spec: &'static OptionSpec) -> Arg {
    let action = match spec.kind {
        Kind::Locales => ArgAction::Append,
        _ => ArgAction::Set,
    };
    let default = default(spec);
    let details = spec.details();
    let long = match details.as_str() {
        "" => format!("{} {default}", spec.help()),
        _ => format!("{} {default}\n\n{details}", spec.help()),
    };
    Arg::new(spec.name)
        .long(spec.flag)
        .aliases(spec.flag_aliases)
        .value_name(value_name(spec.kind))
        .help(format!("{} {default}", spec.help()))
        .long_help(long)
        .help_heading(spec.group.heading())
        .action(action)
        .allow_negative_numbers(true)
        .value_parser(parser(spec))
}

fn default(spec: &OptionSpec) -> String {
    let usual = spec.default_text();
    match spec.default_with_rate {
        Some(with_rate) => format!("[default: {usual}, with --rate {with_rate}]"),
        None => format!("[default: {usual}]"),
    }
}

const fn value_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Number { .. } => "NUMBER",
        Kind::Fraction => "FRACTION",
        Kind::Time => "TIME",
        Kind::Duration => "DURATION",
        Kind::Choice(_) => "FORMAT",
        Kind::Locales => "LOCALES",
    }
}

fn parser(spec: &'static OptionSpec) -> ValueParser {
    match spec.kind {
        Kind::Choice(choices) => {
            let values = choices
                .iter()
                .map(|(name, help)| PossibleValue::new(*name).help(*help));
            PossibleValuesParser::new(values).map(Value::from).into()
        }
        _ => ValueParser::new(move |text: &str| spec.parse(text).map_err(expected)),
    }
}
