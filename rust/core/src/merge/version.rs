//! The version of a contract in its objects, which change with the contract's columns and only through `firn bootstrap`.

use sha2::{Digest, Sha256};

use crate::contract::Contract;

/// Raised when a release of Firn renders objects that the previous release cannot use.
const LAYOUT: u32 = 1;

/// A short text that differs between two contracts whose objects differ.
#[must_use]
pub fn version(contract: &Contract) -> String {
    let mut parts = vec![
        LAYOUT.to_string(),
        contract.table().to_owned(),
        contract.op().to_owned(),
    ];
    if let Some(snapshot) = contract.snapshot() {
        parts.push(format!("{snapshot:?}"));
    }
    parts.extend(
        contract
            .source()
            .max_ahead
            .map(|seconds| format!("ahead {seconds}")),
    );
    if contract.has_partial_updates() {
        parts.push("partial updates".to_owned());
    }
    for (index, one) in contract.columns().iter().enumerate() {
        let marks = [
            contract.is_key(index),
            contract.is_order(index),
            one.required,
        ];
        parts.push(format!("{} {} {marks:?}", one.name, one.kind));
        parts.extend(one.position.map(|position| format!("{position:?}")));
    }
    parts.extend(contract.key().map(|one| one.name.clone()));
    parts.extend(contract.order_names().map(str::to_owned));
    let given = contract.has_partial_updates();
    let names = contract.history_columns().names(given);
    parts.extend(names.map(str::to_owned));
    let digest = Sha256::digest(parts.join("\0"));
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_column_is_another_version_and_another_space_is_not() {
        let contract = |columns: &str| {
            Contract::parse(&format!(
                "table = \"T\"\nop = \"op\"\nkey = [\"id\"]\norder = [\"at\"]\ncolumns = [\n{{ name = \"id\", type = \"VARCHAR(5)\" }}, {{ name = \"at\", type = \"TIMESTAMP_NTZ(6)\" }}{columns}]\n"
            ))
            .unwrap()
        };
        let plain = version(&contract(""));
        assert_eq!(plain, version(&contract("  ")));
        assert_ne!(
            plain,
            version(&contract(", { name = \"x\", type = \"DATE\" }"))
        );
        assert_eq!(plain.len(), 16);
    }
}
