//! NiFi's REST API, as the canvas calls it.

use std::path::Path;
use std::time::Duration;

use firn::{Context, Error, Result};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const CLIENT: &str = "firn";

/// One NiFi's API.
pub struct Api {
    http: reqwest::Client,
    base: String,
}

/// A parameter of a flow; NiFi keeps sensitive ones encrypted and never shows them.
pub struct Parameter<'a> {
    pub name: &'a str,
    pub value: &'a str,
    pub sensitive: bool,
}

impl Api {
    pub fn new(base: String) -> Self {
        Self {
            http: reqwest::Client::new(),
            base,
        }
    }

    pub async fn answers(&self) -> bool {
        self.get("/flow/process-groups/root").await.is_ok()
    }

    /// Puts the flow definition on the canvas; gives its process group's id.
    pub async fn upload_flow(&self, definition: &Path, name: &str) -> Result<String> {
        let flow = std::fs::read(definition).context(|| definition.display().to_string())?;
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

    /// Sets parameters of the context `context`, and waits until NiFi has taken them.
    pub async fn set_parameters(&self, context: &str, parameters: &[Parameter<'_>]) -> Result<()> {
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
                    Some(reason) => Err(Error::config(format!("parameters refused: {reason}"))),
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

    async fn get(&self, path: &str) -> Result<Value> {
        self.answer(self.request(Method::GET, path), path).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        self.answer(self.request(method, path).json(body), path)
            .await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .timeout(Duration::from_secs(60))
    }

    async fn answer(&self, request: RequestBuilder, path: &str) -> Result<Value> {
        let place = || format!("NiFi's {path}");
        let failed = |error: reqwest::Error| Error::transient(error.to_string()).context(place());
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let body = response.text().await.map_err(failed)?;
        if !status.is_success() {
            return Err(Error::rejected(format!("{status}: {body}")).context(place()));
        }
        serde_json::from_str(&body).map_err(|error| Error::bug(error.to_string()).context(place()))
    }
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .ok_or_else(|| Error::bug(format!("NiFi's answer has no {pointer}: {value}")))
}
