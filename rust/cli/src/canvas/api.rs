//! A client for the parts of NiFi's REST API that the canvas uses.

use std::path::Path;
use std::time::Duration;

use firn::{Context, Error, Result};
use reqwest::multipart::{Form, Part};
use reqwest::{Certificate, Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::parameters::{Parameter, fitted};

const CLIENT: &str = "firn";

/// A bulletin: an error or a warning of a processor.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bulletin {
    /// Ids ascend; the first bulletin has 0.
    pub id: i64,
    pub level: String,
    pub source_name: String,
    pub message: String,
}

/// One NiFi's API.
pub struct Api {
    http: reqwest::Client,
    base: String,
    /// The token of the login, if NiFi requires one.
    token: Option<String>,
}

/// A user of NiFi.
pub struct Login<'a> {
    pub user: &'a str,
    pub password: &'a str,
}

impl Api {
    /// The NiFi at `url`, without `/nifi` or `/nifi-api`. Over HTTPS its certificate must be in the PEM file
    /// `authority`, or trusted by the system.
    ///
    /// # Errors
    /// `Config` if `authority` holds no certificate.
    pub fn new(url: &str, authority: Option<&Path>) -> Result<Self> {
        let mut client = reqwest::Client::builder();
        if let Some(path) = authority {
            let place = || path.display().to_string();
            let pem = std::fs::read(path).context(place)?;
            let wrong = |error: reqwest::Error| {
                Error::config(format!("invalid certificate: expected PEM: {error}"))
                    .context(place())
            };
            let certificates = Certificate::from_pem_bundle(&pem).map_err(wrong)?;
            client = client.tls_certs_only(certificates);
        }
        let http = client
            .build()
            .map_err(|error| Error::config(format!("cannot create an HTTP client: {error}")))?;
        Ok(Self {
            http,
            base: format!("{}/nifi-api", url.trim_end_matches('/')),
            token: None,
        })
    }

    /// Logs in; later calls are made as that user.
    ///
    /// # Errors
    /// `Rejected` if NiFi does not accept the user and password.
    pub async fn login(&mut self, login: &Login<'_>) -> Result<()> {
        let path = "/access/token";
        let form = [("username", login.user), ("password", login.password)];
        let request = self.request(Method::POST, path).form(&form);
        self.token = Some(self.text(request, path).await?);
        Ok(())
    }

    /// Checks that the flow can be edited.
    ///
    /// # Errors
    /// The error of a call that NiFi does not accept yet.
    pub async fn ready(&self) -> Result<()> {
        self.get("/flow/process-groups/root").await.map(drop)
    }

    /// The id of the process group `name` on the canvas, if there is one.
    pub async fn group(&self, name: &str) -> Result<Option<String>> {
        let root = self.get("/flow/process-groups/root").await?;
        let groups = root.pointer("/processGroupFlow/flow/processGroups");
        let found = groups
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .find(|group| group.pointer("/component/name") == Some(&json!(name)));
        found.map(|group| text(group, "/id")).transpose()
    }

    /// Imports the flow definition onto the canvas; returns its process group's id.
    pub async fn upload_flow(
        &self,
        definition: &Path,
        name: &str,
        parameters: &[Parameter],
    ) -> Result<String> {
        let place = || definition.display().to_string();
        let flow = std::fs::read(definition).context(place)?;
        let flow = fitted(&flow, parameters).map_err(|error| error.context(place()))?;
        let form = Form::new()
            .text("groupName", name.to_owned())
            .text("positionX", "0")
            .text("positionY", "0")
            .text("clientId", CLIENT)
            .part("file", Part::bytes(flow).file_name("flow.json"));
        let path = "/process-groups/root/process-groups/upload";
        let group = self
            .answer(self.request(Method::POST, path).multipart(form), path)
            .await?;
        text(&group, "/id")
    }

    /// Sets parameters of the context `context`, and waits until NiFi has applied them.
    pub async fn set_parameters(&self, context: &str, parameters: &[Parameter]) -> Result<()> {
        let contexts = self.get("/flow/parameter-contexts").await?;
        let found = contexts["parameterContexts"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|found| found.pointer("/component/name") == Some(&json!(context)))
            .ok_or_else(|| Error::config(format!("the flow has no parameter context {context}")))?;
        let id = text(found, "/id")?;
        let parameters: Vec<Value> = parameters
            .iter()
            .filter(|parameter| parameter.value.is_some())
            .map(|parameter| {
                json!({"parameter": {
                    "name": parameter.name, "value": parameter.value, "sensitive": parameter.sensitive
                }})
            })
            .collect();
        let body = json!({
            "id": id,
            "revision": found["revision"],
            "component": {"id": id, "parameters": parameters},
        });
        let path = format!("/parameter-contexts/{id}/update-requests");
        let request = self.send(Method::POST, &path, &body).await?;
        let pending = format!("{path}/{}", text(&request, "/request/requestId")?);
        loop {
            let request = self.get(&pending).await?;
            if request.pointer("/request/complete") == Some(&json!(true)) {
                let deleted = self
                    .answer(self.request(Method::DELETE, &pending), &pending)
                    .await;
                return match request.pointer("/request/failureReason") {
                    None | Some(Value::Null) => deleted.map(drop),
                    Some(reason) => Err(Error::config(format!(
                        "NiFi rejected the parameters: {reason}"
                    ))),
                };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Starts everything in a process group.
    pub async fn start(&self, group: &str) -> Result<()> {
        let path = format!("/flow/process-groups/{group}");
        let body = json!({"id": group, "state": "RUNNING"});
        self.send(Method::PUT, &path, &body).await.map(drop)
    }

    /// The bulletins after the bulletin `after` (-1: all), oldest first.
    pub async fn bulletins(&self, after: i64) -> Result<Vec<Bulletin>> {
        let board = self
            .get(&format!("/flow/bulletin-board?after={after}"))
            .await?;
        let reported = board.pointer("/bulletinBoard/bulletins");
        let mut bulletins: Vec<Bulletin> = reported
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|entity| serde_json::from_value(entity["bulletin"].clone()).ok())
            .collect();
        bulletins.sort_by_key(|bulletin| bulletin.id);
        Ok(bulletins)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        self.answer(self.request(Method::GET, path), path).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        self.answer(self.request(method, path).json(body), path)
            .await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .timeout(Duration::from_secs(60));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn answer(&self, request: RequestBuilder, path: &str) -> Result<Value> {
        serde_json::from_str(&self.text(request, path).await?)
            .map_err(|error| Error::bug(error.to_string()).context(format!("NiFi's {path}")))
    }

    async fn text(&self, request: RequestBuilder, path: &str) -> Result<String> {
        let place = || format!("NiFi's {path}");
        let failed = |error: reqwest::Error| Error::transient(causes(&error)).context(place());
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let body = response.text().await.map_err(failed)?;
        if status.is_success() {
            return Ok(body);
        }
        let text = format!("{status}: {body}");
        // NiFi responds with 409 and 503 while its flow is still being loaded.
        let error = match status {
            StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => Error::transient(text),
            _ => Error::rejected(text),
        };
        Err(error.context(place()))
    }
}

/// The error with all of its causes, such as the certificate or the port.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(under) = cause {
        text = format!("{text}: {under}");
        cause = under.source();
    }
    text
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .ok_or_else(|| Error::bug(format!("NiFi's response has no {pointer}: {value}")))
}
