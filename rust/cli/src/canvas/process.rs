//! NiFi's process: starts it in a folder of its own, waits for it, and stops it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use firn::{Context, Error, Result};

use super::Api;

/// The timeout for NiFi's start, which usually takes about 20 s.
const START_TIMEOUT: Duration = Duration::from_secs(240);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// A running NiFi on loopback.
pub struct Nifi {
    child: Child,
    console: PathBuf,
    port: u16,
}

impl Nifi {
    /// Starts the NiFi assembled in `home`, with its state, logs and repositories in `folder`.
    ///
    /// # Errors
    /// `Config` if there is no NiFi in `home`, or the port is taken.
    pub fn start(home: &Path, folder: &Path, port: u16) -> Result<Self> {
        let script = home.join("bin/nifi.sh");
        if !script.is_file() {
            return Err(Error::config(format!(
                "{}: NiFi not found: assemble it with `make nifi`",
                home.display()
            )));
        }
        let port = free(port)?;
        let management = free(0)?;
        std::fs::create_dir_all(folder).context(|| folder.display().to_string())?;
        let console = folder.join("console.log");
        let log = std::fs::File::create(&console).context(|| console.display().to_string())?;
        let log_too = log.try_clone().context(|| console.display().to_string())?;
        let child = Command::new(&script)
            .arg(folder)
            .args([port.to_string(), management.to_string()])
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too)
            .spawn()
            .context(|| script.display().to_string())?;
        Ok(Self {
            child,
            console,
            port,
        })
    }

    /// The URL of the canvas.
    pub fn canvas(&self) -> String {
        format!("http://127.0.0.1:{}/nifi/", self.port)
    }

    /// Waits until NiFi responds, and returns its REST API.
    ///
    /// # Errors
    /// `Config` if NiFi ended or does not start, with the path of its log.
    pub async fn api(&mut self) -> Result<Api> {
        let api = Api::new(&format!("http://127.0.0.1:{}", self.port), None)?;
        let started = Instant::now();
        while api.ready().await.is_err() {
            self.still_running()?;
            if started.elapsed() > START_TIMEOUT {
                return Err(Error::config(format!(
                    "NiFi does not answer after {} s: check its log {}",
                    START_TIMEOUT.as_secs(),
                    self.console.display()
                )));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Ok(api)
    }

    /// Checks that NiFi has not ended.
    ///
    /// # Errors
    /// `Config` if it has, with the path of its log.
    pub fn still_running(&mut self) -> Result<()> {
        match self.child.try_wait().context(|| "NiFi".to_owned())? {
            None => Ok(()),
            Some(status) => Err(Error::config(format!(
                "NiFi stopped ({status}): check its log {}",
                self.console.display()
            ))),
        }
    }
}

impl Drop for Nifi {
    /// Stops it with SIGTERM, as its own script would, and kills it after a timeout.
    fn drop(&mut self) {
        let asked = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let since = Instant::now();
        while asked.is_ok()
            && since.elapsed() < STOP_TIMEOUT
            && matches!(self.child.try_wait(), Ok(None))
        {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port if it is free; for 0, any free port.
fn free(port: u16) -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).map_err(|error| {
        Error::config(format!("port {port} is in use: choose another with --port"))
            .with_source(error)
    })?;
    let address = listener.local_addr().context(|| "a free port".to_owned())?;
    Ok(address.port())
}
