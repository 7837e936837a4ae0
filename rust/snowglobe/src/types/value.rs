//! Values and their Snowflake types, as a result carries them. How they are written on a wire is the wire's business.

/// A Snowflake type, with what a result's metadata says of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SnowflakeType {
    /// `NUMBER(precision, scale)`.
    Number {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `FLOAT`.
    Float,
    /// `VARCHAR(length)`, in characters.
    Varchar {
        /// At most so many.
        length: u64,
    },
    /// `BINARY(length)`, in bytes.
    Binary {
        /// At most so many.
        length: u64,
    },
    /// `BOOLEAN`.
    Boolean,
    /// `DATE`.
    Date,
    /// `TIME(scale)`.
    Time {
        /// Digits after the point.
        scale: u8,
    },
    /// `TIMESTAMP_NTZ(scale)`.
    TimestampNtz {
        /// Digits after the point.
        scale: u8,
    },
    /// `TIMESTAMP_LTZ(scale)`.
    TimestampLtz {
        /// Digits after the point.
        scale: u8,
    },
    /// `TIMESTAMP_TZ(scale)`.
    TimestampTz {
        /// Digits after the point.
        scale: u8,
    },
    /// `VARIANT`.
    Variant,
    /// `OBJECT`.
    Object,
    /// `ARRAY`.
    Array,
}

/// The longest `VARCHAR`, and the length of one declared without.
pub const MAX_VARCHAR_LENGTH: u64 = 16_777_216;
/// The longest `BINARY`.
pub const MAX_BINARY_LENGTH: u64 = 8_388_608;

impl SnowflakeType {
    /// `VARCHAR` without a length.
    pub const TEXT: Self = Self::Varchar {
        length: MAX_VARCHAR_LENGTH,
    };
    /// `NUMBER` without precision.
    pub const INTEGER: Self = Self::Number {
        precision: 38,
        scale: 0,
    };
    /// `TIMESTAMP_LTZ` with its default scale.
    pub const LTZ: Self = Self::TimestampLtz { scale: 9 };
    /// `TIMESTAMP_TZ` with its default scale.
    pub const TZ: Self = Self::TimestampTz { scale: 9 };
    /// `TIMESTAMP_NTZ` with its default scale.
    pub const NTZ: Self = Self::TimestampNtz { scale: 9 };
}

impl std::fmt::Display for SnowflakeType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number { precision, scale } => write!(f, "NUMBER({precision},{scale})"),
            Self::Float => f.write_str("FLOAT"),
            Self::Varchar { length } => write!(f, "VARCHAR({length})"),
            Self::Binary { length } => write!(f, "BINARY({length})"),
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::Date => f.write_str("DATE"),
            Self::Time { scale } => write!(f, "TIME({scale})"),
            Self::TimestampNtz { scale } => write!(f, "TIMESTAMP_NTZ({scale})"),
            Self::TimestampLtz { scale } => write!(f, "TIMESTAMP_LTZ({scale})"),
            Self::TimestampTz { scale } => write!(f, "TIMESTAMP_TZ({scale})"),
            Self::Variant => f.write_str("VARIANT"),
            Self::Object => f.write_str("OBJECT"),
            Self::Array => f.write_str("ARRAY"),
        }
    }
}

/// One value. Times are in microseconds: the engine keeps six decimals of a second.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL null.
    Null,
    /// `BOOLEAN`.
    Boolean(bool),
    /// `NUMBER`: the digits without the point; the column's scale says where it goes.
    Number(i128),
    /// `FLOAT`.
    Float(f64),
    /// `VARCHAR`.
    Text(String),
    /// `BINARY`.
    Binary(Vec<u8>),
    /// `DATE`: days since 1970-01-01.
    Date(i32),
    /// `TIME`: microseconds since midnight.
    Time(i64),
    /// `TIMESTAMP_NTZ`: microseconds since 1970-01-01, of the wall clock.
    TimestampNtz(i64),
    /// `TIMESTAMP_LTZ`: microseconds since 1970-01-01 UTC.
    TimestampLtz(i64),
    /// `TIMESTAMP_TZ`: microseconds since 1970-01-01 UTC and the offset that it was written with.
    TimestampTz {
        /// Microseconds since 1970-01-01 UTC.
        micros: i64,
        /// Minutes east of UTC.
        offset_minutes: i32,
    },
    /// `VARIANT`, `OBJECT` or `ARRAY`: its JSON text.
    Json(String),
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMeta {
    /// Its name as Snowflake shows it: upper case unless quoted.
    pub name: String,
    /// Its type.
    pub kind: SnowflakeType,
    /// Whether it may be null.
    pub nullable: bool,
}

impl ColumnMeta {
    /// A nullable column.
    pub fn new(name: impl Into<String>, kind: SnowflakeType) -> Self {
        Self {
            name: name.into(),
            kind,
            nullable: true,
        }
    }
}

/// What kind of statement was run; Snowflake's `statementTypeId` follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatementKind {
    /// A query.
    #[default]
    Select,
    /// `SHOW`, `DESCRIBE`, `LIST`.
    Show,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `MERGE`.
    Merge,
    /// `COPY INTO` a table.
    Copy,
    /// `COPY INTO` a stage.
    Unload,
    /// `BEGIN`, `COMMIT`, `ROLLBACK`.
    Transaction,
    /// `CALL` and `EXECUTE IMMEDIATE`.
    Call,
    /// `USE`, `SET`, `ALTER SESSION`.
    Session,
    /// Everything that changes the catalog.
    Ddl,
}

/// Rows that a DML statement touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowStats {
    /// Rows inserted.
    pub inserted: u64,
    /// Rows updated.
    pub updated: u64,
    /// Rows deleted.
    pub deleted: u64,
}

impl RowStats {
    /// What `SQLROWCOUNT` says.
    pub fn affected(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }
}

/// The answer to a statement.
#[derive(Clone, Debug, Default)]
pub struct QueryResult {
    /// The id under which history and `RESULT_SCAN` know it.
    pub query_id: String,
    /// The columns of `rows`.
    pub columns: Vec<ColumnMeta>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
    /// Rows touched, for DML.
    pub stats: RowStats,
    /// What the statement was.
    pub kind: StatementKind,
}

impl QueryResult {
    /// One row, one column `status`: how Snowflake answers DDL.
    pub fn status(message: impl Into<String>) -> Self {
        Self {
            columns: vec![ColumnMeta::new("status", SnowflakeType::TEXT)],
            rows: vec![vec![Value::Text(message.into())]],
            kind: StatementKind::Ddl,
            ..Self::default()
        }
    }
}

/// A bound value as the SQL API sends it: a type name such as `TEXT` or `FIXED`, and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Snowflake's type name: `FIXED`, `REAL`, `TEXT`, `BINARY`, `BOOLEAN`, `DATE`, `TIME`, `TIMESTAMP_NTZ`, `TIMESTAMP_LTZ`, `TIMESTAMP_TZ`.
    pub kind: String,
    /// One value, or several for a bulk `INSERT … VALUES (?, …)`; `None` is null.
    pub values: Vec<Option<String>>,
}

/// The values for `?` and `:1`, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binds(pub Vec<Bind>);
