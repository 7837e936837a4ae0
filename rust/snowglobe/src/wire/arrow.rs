//! Rows as Arrow IPC streams, in the physical types that the drivers read: whole numbers scaled, moments as structs of seconds and nanoseconds.

use super::json::pretty;
use crate::engine::{ColumnMeta, SnowflakeType, Value};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

type Rows = [Vec<Value>];

/// How the columns of a result are laid out: the same in all its pieces.
pub struct Layout {
    schema: SchemaRef,
}

impl Layout {
    /// The layout that all values fit.
    pub fn of(columns: &[ColumnMeta], rows: &Rows) -> Self {
        let field = |(at, column): (usize, &ColumnMeta)| {
            Field::new(
                &column.name,
                physical(&column.kind, at, rows),
                column.nullable,
            )
            .with_metadata(metadata(column))
        };
        let fields: Vec<Field> = columns.iter().enumerate().map(field).collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
        }
    }

    /// The rows, of which there are some, as an IPC stream of one batch.
    ///
    /// # Errors
    /// If a value is not of its column's type, which is a bug.
    pub fn stream(&self, rows: &Rows) -> Result<Vec<u8>, ArrowError> {
        let arrays: Vec<ArrayRef> = (self.schema.fields().iter().enumerate())
            .map(|(at, field)| array(field.data_type(), at, rows))
            .collect::<Result<_, _>>()?;
        let mut writer = StreamWriter::try_new(Vec::new(), &self.schema)?;
        writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)?;
        writer.into_inner()
    }
}

/// About how many bytes the row takes.
pub fn size(row: &[Value]) -> usize {
    let value = |value: &Value| match value {
        Value::Text(text) | Value::Json(text) => text.len() + 4,
        Value::Binary(bytes) => bytes.len() + 4,
        _ => 16,
    };
    row.iter().map(value).sum()
}

fn physical(kind: &SnowflakeType, at: usize, rows: &Rows) -> DataType {
    match kind {
        SnowflakeType::Number { precision, scale } => {
            let widest = rows.iter().map(|row| match row.get(at) {
                // One's complement, so that both ends of a width count alike.
                Some(Value::Number(digits)) => {
                    (if *digits < 0 { !digits } else { *digits }) as u128
                }
                _ => 0,
            });
            match widest.max().unwrap_or(0) {
                0..=0x7F => DataType::Int8,
                0x80..=0x7FFF => DataType::Int16,
                0x8000..=0x7FFF_FFFF => DataType::Int32,
                0x8000_0000..=0x7FFF_FFFF_FFFF_FFFF => DataType::Int64,
                _ => DataType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(0)),
            }
        }
        SnowflakeType::Float => DataType::Float64,
        SnowflakeType::Binary { .. } => DataType::Binary,
        SnowflakeType::Boolean => DataType::Boolean,
        SnowflakeType::Date => DataType::Date32,
        SnowflakeType::Time { .. } => DataType::Int64,
        SnowflakeType::TimestampNtz { .. } | SnowflakeType::TimestampLtz { .. } => {
            DataType::Struct(moment(&[]))
        }
        SnowflakeType::TimestampTz { .. } => DataType::Struct(moment(&["timezone"])),
        SnowflakeType::Varchar { .. }
        | SnowflakeType::Variant
        | SnowflakeType::Object
        | SnowflakeType::Array => DataType::Utf8,
    }
}

fn moment(more: &[&str]) -> Fields {
    let mut fields = vec![
        Field::new("epoch", DataType::Int64, true),
        Field::new("fraction", DataType::Int32, true),
    ];
    fields.extend(
        more.iter()
            .map(|name| Field::new(*name, DataType::Int32, true)),
    );
    fields.into()
}

fn metadata(column: &ColumnMeta) -> HashMap<String, String> {
    let told = super::columns::column_type(column);
    let text = |key: &str| told[key].as_u64().unwrap_or(0).to_string();
    let kind = told["type"].as_str().unwrap_or_default().to_uppercase();
    let precision = match column.kind {
        SnowflakeType::Number { precision, .. } => precision.to_string(),
        _ => "38".to_owned(),
    };
    // Of a moment with its offset: three parts.
    let bytes = match column.kind {
        SnowflakeType::TimestampTz { .. } => "16".to_owned(),
        _ => text("byteLength"),
    };
    HashMap::from(
        [
            ("logicalType", kind),
            ("precision", precision),
            ("scale", text("scale")),
            ("charLength", text("length")),
            ("byteLength", bytes),
            ("finalType", "T".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    )
}

fn array(kind: &DataType, at: usize, rows: &Rows) -> Result<ArrayRef, ArrowError> {
    let values = rows.iter().map(|row| row.get(at).unwrap_or(&Value::Null));
    Ok(match kind {
        DataType::Int8 => Arc::new(values.map(whole::<i8>).collect::<Int8Array>()),
        DataType::Int16 => Arc::new(values.map(whole::<i16>).collect::<Int16Array>()),
        DataType::Int32 => Arc::new(values.map(whole::<i32>).collect::<Int32Array>()),
        // Of numbers and of times.
        DataType::Int64 => Arc::new(values.map(whole::<i64>).collect::<Int64Array>()),
        DataType::Decimal128(precision, scale) => Arc::new(
            values
                .map(whole::<i128>)
                .collect::<Decimal128Array>()
                .with_precision_and_scale(*precision, *scale)?,
        ),
        DataType::Float64 => Arc::new(
            values
                .map(|value| match value {
                    Value::Float(number) => Some(*number),
                    _ => None,
                })
                .collect::<Float64Array>(),
        ),
        DataType::Boolean => Arc::new(
            values
                .map(|value| match value {
                    Value::Boolean(yes) => Some(*yes),
                    _ => None,
                })
                .collect::<BooleanArray>(),
        ),
        DataType::Date32 => Arc::new(
            values
                .map(|value| match value {
                    Value::Date(days) => Some(*days),
                    _ => None,
                })
                .collect::<Date32Array>(),
        ),
        DataType::Binary => Arc::new(
            values
                .map(|value| match value {
                    Value::Binary(bytes) => Some(bytes.as_slice()),
                    _ => None,
                })
                .collect::<BinaryArray>(),
        ),
        DataType::Struct(fields) => moments(fields, at, rows)?,
        _ => Arc::new(
            values
                .map(|value| match value {
                    Value::Text(text) => Some(Cow::Borrowed(text.as_str())),
                    Value::Json(text) => Some(Cow::Owned(pretty(text))),
                    _ => None,
                })
                .collect::<StringArray>(),
        ),
    })
}

/// A number's digits, or the nanoseconds of a time.
fn whole<T: TryFrom<i128>>(value: &Value) -> Option<T> {
    let digits = match value {
        Value::Number(digits) => *digits,
        Value::Time(micros) => i128::from(*micros) * 1000,
        _ => return None,
    };
    T::try_from(digits).ok()
}

fn moments(fields: &Fields, at: usize, rows: &Rows) -> Result<ArrayRef, ArrowError> {
    let parts = rows.iter().map(|row| match row.get(at) {
        Some(Value::TimestampNtz(micros) | Value::TimestampLtz(micros)) => Some((*micros, 0)),
        Some(Value::TimestampTz {
            micros,
            offset_minutes,
        }) => Some((*micros, *offset_minutes)),
        _ => None,
    });
    let parts: Vec<Option<(i64, i32)>> = parts.collect();
    let seconds = |(micros, _): (i64, i32)| micros.div_euclid(1_000_000);
    let nanos = |(micros, _): (i64, i32)| i32::try_from(micros.rem_euclid(1_000_000) * 1000).ok();
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(
            parts
                .iter()
                .map(|part| part.map(seconds))
                .collect::<Int64Array>(),
        ),
        Arc::new(
            parts
                .iter()
                .map(|part| part.and_then(nanos))
                .collect::<Int32Array>(),
        ),
    ];
    if fields.len() == 3 {
        // The offset is shifted by a day, so that it is never negative.
        let zone = |(_, minutes): (i64, i32)| minutes + 1440;
        arrays.push(Arc::new(
            parts
                .iter()
                .map(|part| part.map(zone))
                .collect::<Int32Array>(),
        ));
    }
    let present: NullBuffer = parts.iter().map(Option::is_some).collect();
    Ok(Arc::new(StructArray::try_new(
        fields.clone(),
        arrays,
        Some(present),
    )?))
}
