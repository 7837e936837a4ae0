//! `firn completions`

use clap::{Args, Command};
use clap_complete::Shell;
use firn::Result;

use super::report;

const EXAMPLES: &str = "\
Examples:
  firn completions bash > ~/.local/share/bash-completion/completions/firn
  firn completions zsh > \"${fpath[1]}/_firn\"
  firn completions fish > ~/.config/fish/completions/firn.fish";

/// Print a shell completion script
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    shell: Shell,
}

impl Completions {
    /// Writes the completion of `program`.
    pub fn run(&self, mut program: Command) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "firn", &mut script);
        report::print(&String::from_utf8_lossy(&script))
    }
}
