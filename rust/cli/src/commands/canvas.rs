//! `firn canvas`: runs the pipeline in a real NiFi on this machine, with a live display.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use firn::merge::Deployment;
use firn::pipeline::Pipeline;
use firn::{Context, Error, Result};

use super::snowglobe::Snowglobe;
use super::{report, status, verify};
use crate::canvas::{Api, Bulletin, CONTEXT, FlowParameters, Nifi, Proof};

const BUCKET: &str = "firn-landing";

const EXAMPLES: &str = "\
Examples:
  firn canvas
  firn canvas --rate 5000 --until 100000";

/// Run the pipeline in a local NiFi and show rows arriving
///
/// Starts Snowglobe and the NiFi that `make nifi` assembles, imports the flow and starts it. The flow generates files of
/// customers and loads them with PutSnowflakeMerge into the target and the history, until Ctrl-C.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Canvas {
    /// Folder of the assembled NiFi
    #[arg(long, default_value = "nifi-bundle/nifi-firn-host/target/nifi")]
    nifi_home: PathBuf,
    /// Flow definition
    #[arg(long, default_value = "docker/flow/firn.json")]
    flow: PathBuf,
    /// Working folder of NiFi and the files; emptied first
    #[arg(long, default_value = "target/demo")]
    folder: PathBuf,
    /// Port of the canvas
    #[arg(long, default_value_t = 8080, value_parser = crate::quantity::whole::<u16>)]
    port: u16,
    /// Events per second
    #[arg(long, default_value_t = 500, value_parser = crate::quantity::whole::<u32>)]
    rate: u32,
    /// Events per file
    #[arg(long, default_value_t = 1_000, value_parser = crate::quantity::whole::<u32>)]
    rows_per_file: u32,
    /// Stop after this many events in the history, and check the promises
    #[arg(long)]
    until: Option<i64>,
}

impl Canvas {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let started = Instant::now();
        let snowglobe = Snowglobe::start(BUCKET)?;
        let deployment = Deployment::default();
        let contract = firn::contract::Contract::customer();
        let loader = Pipeline::new(contract, deployment, snowglobe.connection()?)?;
        loader.bootstrap(|_| {}).await?;
        let owner = snowglobe.as_owner(&loader)?;
        report::step(
            started,
            "Snowglobe is running, with every table and procedure",
        )?;

        let folder = fresh(&self.folder)?;
        let mut nifi = Nifi::start(&self.nifi_home, &folder, self.port)?;
        report::step(started, "NiFi is starting; this takes about half a minute")?;
        let api = nifi.api().await?;
        self.flow(&api, &snowglobe, &folder).await?;
        report::step(started, "the flow is on the canvas and runs")?;
        report::print(&format!(
            "\nThe canvas: {}   (double-click `{CONTEXT}`)\nIn another shell:\n{}{} history 1\n\nCtrl-C stops it.\n\n",
            nifi.canvas(),
            snowglobe.variables(),
            report::program()
        ))?;
        self.watch(&owner, &mut nifi, &api).await
    }

    async fn flow(&self, api: &Api, snowglobe: &Snowglobe, folder: &Path) -> Result<()> {
        let input_folder = folder.join("input");
        std::fs::create_dir_all(&input_folder).context(|| input_folder.display().to_string())?;
        let access = snowglobe.access();
        let parameters = FlowParameters {
            account_url: access.account_url,
            account: access.account.to_owned(),
            proof: Proof::Token(access.token.to_owned()),
            s3_endpoint: Some(access.s3_url.to_owned()),
            region: Some("us-east-1".to_owned()),
            bucket: BUCKET.to_owned(),
            prefix: None,
            access_key: Some((
                access.access_key_id.to_owned(),
                access.secret_access_key.to_owned(),
            )),
            input_folder: input_folder.display().to_string(),
            rejects_folder: folder.join("rejects").display().to_string(),
            rate: self.rate,
            rows_per_file: self.rows_per_file,
        }
        .list();
        let group = api.upload_flow(&self.flow, CONTEXT, &parameters).await?;
        api.set_parameters(CONTEXT, &parameters).await?;
        api.start(&group).await
    }

    /// Prints a line per second, or refreshes the same lines on a terminal, until there are enough events.
    async fn watch(&self, owner: &Pipeline, nifi: &mut Nifi, api: &Api) -> Result<()> {
        let live = std::io::stdout().is_terminal();
        let mut before = None;
        let mut last: Option<Bulletin> = None;
        loop {
            nifi.still_running()?;
            let seen = last.as_ref().map_or(-1, |bulletin| bulletin.id);
            for bulletin in api.bulletins(seen).await? {
                if !live {
                    report::print(&complaint(&bulletin))?;
                }
                last = Some(bulletin);
            }
            let figures = owner.status(5).await?;
            if live {
                let text = status::text(owner, &figures);
                // Save the cursor once, then restore it and clear the lines below.
                let place = if before.is_none() {
                    "\x1b7"
                } else {
                    "\x1b8\x1b[J"
                };
                let complaint = last.as_ref().map(complaint).unwrap_or_default();
                report::print(&format!("{place}{text}{complaint}"))?;
            } else if before != Some(figures.history) {
                report::print(&format!(
                    "history {:>8}   target {:>8}   rejects {:>4}   waiting {:>6}\n",
                    figures.history, figures.target, figures.sum.rejects, figures.waiting
                ))?;
            }
            before = Some(figures.history);
            if self.until.is_some_and(|enough| figures.history >= enough) {
                let promises = owner.verify().await?;
                report::print(&format!("\n{}", verify::text(&promises)))?;
                return match promises.iter().find(|promise| promise.violations != 0) {
                    Some(_) => Err(Error::bug("a promise does not hold")),
                    None => Ok(()),
                };
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// A bulletin on one line, without the processor's type and id that NiFi puts before its message.
fn complaint(bulletin: &Bulletin) -> String {
    let message = bulletin.message.replace('\n', " ");
    let message = message
        .split_once("] ")
        .map_or(message.as_str(), |(_, rest)| rest);
    format!("{} {}: {message}\n", bulletin.source_name, bulletin.level)
}

/// The folder's absolute path, after creating or emptying it. Only a folder that an earlier run created is emptied.
fn fresh(folder: &Path) -> Result<PathBuf> {
    let place = || folder.display().to_string();
    if folder.exists() {
        let empty = folder.read_dir().context(place)?.next().is_none();
        if !empty && !folder.join("console.log").is_file() {
            return Err(Error::config(format!(
                "{} is not empty: choose another folder with --folder",
                place()
            )));
        }
        std::fs::remove_dir_all(folder).context(place)?;
    }
    std::fs::create_dir_all(folder).context(place)?;
    folder.canonicalize().context(place)
}
