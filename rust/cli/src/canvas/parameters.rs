//! The parameters of `docker/flow/firn.json`, and the flow adapted to the given ones.

use firn::{Error, Result};
use serde_json::Value;

/// The flow's parameter context.
pub const CONTEXT: &str = "Firn";

/// The processor that uses most parameters.
const LOADER: &str = "io.firn.nifi.processors.PutSnowflakeMerge";

/// A parameter of the flow; NiFi stores sensitive ones encrypted and never shows them.
pub struct Parameter {
    pub name: &'static str,
    pub value: Option<String>,
    pub sensitive: bool,
    /// The loader's property that refers to it, and is empty without a value: NiFi would pass on the empty text as a
    /// value, and the processor would reject it.
    property: Option<&'static str>,
}

/// The parameters of the flow.
pub struct FlowParameters {
    pub account_url: String,
    pub account: String,
    pub proof: Proof,
    /// The endpoint of an S3-compatible service, if not Amazon's own.
    pub s3_endpoint: Option<String>,
    pub region: Option<String>,
    pub bucket: String,
    /// The stage's folder in the bucket.
    pub prefix: Option<String>,
    /// Id and secret; NiFi's default credentials chain by default.
    pub access_key: Option<(String, String)>,
    /// Folder with files to load, as a path on NiFi's machine.
    pub input_folder: String,
    /// Folder for rejected rows, as a path on NiFi's machine.
    pub rejects_folder: String,
    /// Events per second.
    pub rate: u32,
    pub rows_per_file: u32,
}

/// The user's credential.
pub enum Proof {
    Token(String),
    KeyPair {
        user: String,
        /// The private key, PKCS#8 in PEM.
        key: String,
        passphrase: Option<String>,
    },
}

impl Parameter {
    fn plain(name: &'static str, value: impl Into<Option<String>>) -> Self {
        Self {
            name,
            value: value.into(),
            sensitive: false,
            property: Some(name),
        }
    }

    fn secret(name: &'static str, value: Option<String>) -> Self {
        Self {
            sensitive: true,
            ..Self::plain(name, value)
        }
    }

    fn of_property(self, property: impl Into<Option<&'static str>>) -> Self {
        Self {
            property: property.into(),
            ..self
        }
    }
}

impl FlowParameters {
    /// All parameters, by the flow's names.
    pub fn list(self) -> Vec<Parameter> {
        let (token, user, key, passphrase) = match self.proof {
            Proof::Token(token) => (Some(token), None, None, None),
            Proof::KeyPair {
                user,
                key,
                passphrase,
            } => (None, Some(user), Some(key), passphrase),
        };
        let (key_id, key_secret) = self.access_key.unzip();
        let elsewhere = |name, value| Parameter::plain(name, value).of_property(None);
        vec![
            Parameter::plain("Account URL", self.account_url),
            Parameter::plain("Account Identifier", self.account),
            Parameter::plain("User", user),
            Parameter::secret("Private Key", key),
            Parameter::secret("Private Key Passphrase", passphrase),
            Parameter::secret("Token", token),
            Parameter::plain("S3 Endpoint", self.s3_endpoint).of_property("Endpoint Override URL"),
            Parameter::plain("Region", self.region),
            Parameter::plain("Stage Bucket", self.bucket),
            Parameter::plain("Stage Prefix", self.prefix),
            Parameter::secret("Access Key ID", key_id),
            Parameter::secret("Secret Access Key", key_secret),
            elsewhere("Input Folder", self.input_folder),
            elsewhere("Rejects Folder", self.rejects_folder),
            elsewhere("Rows per Second", self.rate.to_string()),
            elsewhere("Rows per File", self.rows_per_file.to_string()),
        ]
    }
}

/// The flow definition with a loader that refers to the parameters that have a value, and authenticates with them.
///
/// # Errors
/// `Config` if `definition` is not a flow definition.
pub fn fitted(definition: &[u8], parameters: &[Parameter]) -> Result<Vec<u8>> {
    let mut flow: Value = serde_json::from_slice(definition)
        .map_err(|error| Error::config(format!("invalid flow definition: {error}")))?;
    let processors = flow
        .pointer_mut("/flowContents/processors")
        .and_then(Value::as_array_mut)
        .ok_or_else(|| Error::config("invalid flow definition: it has no processors"))?;
    let is_given = |name| {
        parameters
            .iter()
            .any(|given| given.name == name && given.value.is_some())
    };
    let loaders = processors.iter_mut().filter(|it| it["type"] == LOADER);
    for loader in loaders {
        let properties = &mut loader["properties"];
        for parameter in parameters {
            if let Some(property) = parameter.property {
                let reference = format!("#{{{}}}", parameter.name);
                properties[property] = parameter.value.as_ref().map(|_| reference).into();
            }
        }
        properties["Authentication Strategy"] = match is_given("Private Key") {
            true => "KEY_PAIR",
            false => "ACCESS_TOKEN",
        }
        .into();
    }
    serde_json::to_vec(&flow).map_err(|error| Error::bug(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_refers_to_given_parameters_and_leaves_the_rest_empty() {
        let flow = br##"{"flowContents": {"processors": [
            {"type": "io.firn.nifi.processors.PutSnowflakeMerge", "properties": {
                "Token": "#{Token}", "Endpoint Override URL": "#{S3 Endpoint}", "Schema": "PUBLIC"}},
            {"type": "another", "properties": {"Token": "#{Token}"}}]}}"##;
        let parameters = [
            Parameter::secret("Private Key", Some("key".to_owned())),
            Parameter::secret("Token", None),
            Parameter::plain("S3 Endpoint", None).of_property("Endpoint Override URL"),
            Parameter::plain("Seed", "7".to_owned()).of_property(None),
        ];
        let made = fitted(flow, &parameters).expect("a flow");
        let made: Value = serde_json::from_slice(&made).expect("JSON");
        assert_eq!(
            made.pointer("/flowContents/processors/0/properties"),
            Some(&serde_json::json!({
                "Authentication Strategy": "KEY_PAIR", "Private Key": "#{Private Key}", "Token": null,
                "Endpoint Override URL": null, "Schema": "PUBLIC"}))
        );
        assert_eq!(
            made.pointer("/flowContents/processors/1/properties"),
            Some(&serde_json::json!({"Token": "#{Token}"}))
        );
    }
}
