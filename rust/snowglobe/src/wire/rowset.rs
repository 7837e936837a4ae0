//! A result on the wire: the row type, and rows of text in partitions. The SQL API and the drivers differ in a few encodings.

use super::arrow::{self, Layout};
use super::columns::column_type;
use super::value::{Dialect, write_value};
use crate::engine::{QueryResult, SnowflakeError, StatementKind};
use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};
use std::io::Write as _;

/// About so many bytes of rows go with the answer itself.
const FIRST_ARROW_BYTES: usize = 256 * 1024;

/// How a result is to be encoded.
#[derive(Debug, Clone, Copy)]
pub struct Encoding {
    /// For whom.
    pub dialect: Dialect,
    /// Whether SQL null is null; else it is the text `null`.
    pub nullable: bool,
    /// A partition is closed once it has so many bytes.
    pub partition_bytes: usize,
    /// The session parameter that asks for Arrow, if the reader knows it.
    pub arrow: Option<&'static str>,
}

/// What the partitions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Rows of text.
    Json,
    /// Arrow IPC streams.
    Arrow,
}

/// A finished result, encoded.
#[derive(Debug)]
pub struct Rowset {
    pub kind: StatementKind,
    pub row_type: Vec<Json>,
    pub rows: usize,
    pub format: Format,
    pub partitions: Vec<Partition>,
    /// Whoever knows it may fetch the partitions, as with the address of an object that was signed beforehand.
    pub key: uuid::Uuid,
    /// `stats` of a DML statement.
    pub stats: Option<Json>,
}

/// Some rows of a result.
#[derive(Debug)]
pub struct Partition {
    pub rows: usize,
    /// Its length before it was compressed.
    pub bytes: usize,
    /// JSON is an array of rows: as it is in the first partition, compressed in all others, as they are sent. Arrow is not compressed.
    pub data: Bytes,
}

impl Rowset {
    /// Encodes a result.
    pub fn encode(result: &QueryResult, encoding: Encoding) -> Self {
        let mut partitions = Vec::new();
        let mut text = String::new();
        let mut rows = 0;
        let mut value_text = String::new();
        for row in &result.rows {
            text.push(if rows == 0 { '[' } else { ',' });
            text.push('[');
            for (at, (value, column)) in row.iter().zip(&result.columns).enumerate() {
                if at > 0 {
                    text.push(',');
                }
                value_text.clear();
                if write_value(&mut value_text, value, &column.kind, encoding.dialect) {
                    push_json_string(&mut text, &value_text);
                } else {
                    text.push_str(if encoding.nullable {
                        "null"
                    } else {
                        "\"null\""
                    });
                }
            }
            text.push(']');
            rows += 1;
            if text.len() >= encoding.partition_bytes {
                partitions.push(Partition::new(
                    std::mem::take(&mut text),
                    rows,
                    partitions.is_empty(),
                ));
                rows = 0;
            }
        }
        if rows > 0 || partitions.is_empty() {
            if rows == 0 {
                text.push('[');
            }
            partitions.push(Partition::new(text, rows, partitions.is_empty()));
        }
        Self {
            kind: result.kind,
            row_type: result.columns.iter().map(column_type).collect(),
            rows: result.rows.len(),
            format: Format::Json,
            partitions,
            key: uuid::Uuid::new_v4(),
            stats: stats(result),
        }
    }

    /// Encodes a result as Arrow. The first partition goes with the answer, so it is small.
    ///
    /// # Errors
    /// If a value is not of its column's type, which is a bug.
    pub fn arrow(result: &QueryResult, partition_bytes: usize) -> Result<Self, SnowflakeError> {
        let layout = Layout::of(&result.columns, &result.rows);
        let mut partitions = Vec::new();
        let (mut start, mut bytes) = (0, 0);
        for (at, row) in result.rows.iter().enumerate() {
            bytes += arrow::size(row);
            let full = if partitions.is_empty() {
                FIRST_ARROW_BYTES.min(partition_bytes)
            } else {
                partition_bytes
            };
            if bytes >= full || at + 1 == result.rows.len() {
                let rows = &result.rows[start..=at];
                let stream = layout.stream(rows).map_err(SnowflakeError::internal)?;
                partitions.push(Partition {
                    rows: rows.len(),
                    bytes: stream.len(),
                    data: stream.into(),
                });
                (start, bytes) = (at + 1, 0);
            }
        }
        if partitions.is_empty() {
            // The Python connector 4.8 dies of an empty batch, and takes a stream without one for an error.
            partitions.push(Partition {
                rows: 0,
                bytes: 0,
                data: Bytes::new(),
            });
        }
        Ok(Self {
            kind: result.kind,
            row_type: result.columns.iter().map(column_type).collect(),
            rows: result.rows.len(),
            format: Format::Arrow,
            partitions,
            key: uuid::Uuid::new_v4(),
            stats: None,
        })
    }

    /// Bytes held in memory.
    pub fn held_bytes(&self) -> usize {
        self.partitions
            .iter()
            .map(|partition| partition.data.len())
            .sum()
    }

    /// `partitionInfo` of the metadata.
    pub fn partition_info(&self) -> Vec<Json> {
        let info = self.partitions.iter().enumerate().map(|(at, partition)| {
            let mut info = json!({"rowCount": partition.rows, "uncompressedSize": partition.bytes});
            if at > 0 {
                info["compressedSize"] = partition.data.len().into();
            }
            info
        });
        info.collect()
    }
}

impl Partition {
    fn new(mut text: String, rows: usize, first: bool) -> Self {
        text.push(']');
        if first {
            let (bytes, data) = (text.len(), text.into());
            return Self { rows, bytes, data };
        }
        // A document of its own, in one gzip member: many clients stop after the first.
        let text = format!("{{\"data\":{text}}}");
        let (bytes, data) = (text.len(), gzip(text.as_bytes()));
        Self { rows, bytes, data }
    }
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    drop(encoder.write_all(bytes));
    encoder.finish().unwrap_or_default().into()
}

fn push_json_string(text: &mut String, value: &str) {
    let plain = value
        .bytes()
        .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if plain {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&Json::from(value).to_string());
    }
}

fn stats(result: &QueryResult) -> Option<Json> {
    use StatementKind::{Copy, Delete, Insert, Merge, Update};
    matches!(result.kind, Insert | Update | Delete | Merge | Copy).then(|| {
        json!({
            "numRowsInserted": result.stats.inserted,
            "numRowsUpdated": result.stats.updated,
            "numRowsDeleted": result.stats.deleted,
            "numDuplicateRowsUpdated": 0,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Value;
    use crate::engine::{ColumnMeta, SnowflakeType};
    use std::io::Read;

    fn encode(result: &QueryResult, nullable: bool, partition_bytes: usize) -> Rowset {
        let dialect = Dialect::SqlApi;
        Rowset::encode(
            result,
            Encoding {
                dialect,
                nullable,
                partition_bytes,
                arrow: None,
            },
        )
    }

    fn numbers(count: i128) -> QueryResult {
        QueryResult {
            columns: vec![ColumnMeta::new("N", SnowflakeType::INTEGER)],
            rows: (0..count)
                .map(|number| vec![Value::Number(number)])
                .collect(),
            ..QueryResult::default()
        }
    }

    #[test]
    fn partitions_hold_every_row_once_and_all_but_the_first_are_compressed() {
        let rowset = encode(&numbers(1000), true, 500);
        assert!(rowset.partitions.len() > 3);
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (at, partition) in rowset.partitions.iter().enumerate() {
            let mut json = partition.data.to_vec();
            if at > 0 {
                json.clear();
                flate2::read::GzDecoder::new(&*partition.data)
                    .read_to_end(&mut json)
                    .unwrap();
            }
            let mut document: Json = serde_json::from_slice(&json).unwrap();
            let array = if at > 0 {
                document["data"].take()
            } else {
                document
            };
            let some: Vec<Vec<String>> = serde_json::from_value(array).unwrap();
            assert_eq!((some.len(), json.len()), (partition.rows, partition.bytes));
            rows.extend(some);
        }
        let expected: Vec<_> = (0..1000).map(|number| vec![number.to_string()]).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn an_empty_result_has_one_empty_partition() {
        let rowset = encode(&numbers(0), true, 500);
        assert_eq!(rowset.partitions.len(), 1);
        assert_eq!(&*rowset.partitions[0].data, b"[]");
    }

    #[test]
    fn null_is_null_or_the_word_and_text_is_escaped() {
        let result = QueryResult {
            columns: vec![
                ColumnMeta::new("A", SnowflakeType::TEXT),
                ColumnMeta::new("B", SnowflakeType::TEXT),
            ],
            rows: vec![vec![Value::Null, Value::Text("\"\\\n\u{1}ü".into())]],
            ..QueryResult::default()
        };
        let data = |nullable| encode(&result, nullable, 500).partitions.remove(0).data;
        let rows: Vec<Vec<Option<String>>> = serde_json::from_slice(&data(true)).unwrap();
        assert_eq!(rows, [[None, Some("\"\\\n\u{1}ü".to_owned())]]);
        let rows: Vec<Vec<Option<String>>> = serde_json::from_slice(&data(false)).unwrap();
        assert_eq!(rows[0][0].as_deref(), Some("null"));
    }
}
