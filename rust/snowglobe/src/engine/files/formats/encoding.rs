//! The characters of a file.

use crate::types::error::{Result, SnowflakeError};

/// The characters of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Latin1,
    /// Told by the byte order mark, big endian without one.
    Utf16,
    Utf16Be,
    Utf16Le,
}

impl Encoding {
    pub(super) fn parse(name: &str) -> Result<Self> {
        let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match bare.to_uppercase().as_str() {
            "UTF8" => Ok(Self::Utf8),
            "ISO88591" => Ok(Self::Latin1),
            "UTF16" => Ok(Self::Utf16),
            "UTF16BE" => Ok(Self::Utf16Be),
            "UTF16LE" => Ok(Self::Utf16Le),
            _ => Err(SnowflakeError::unsupported(format!("ENCODING = {name}"))),
        }
    }

    /// The bytes as UTF-8; what is none in UTF-16 becomes the replacement character.
    pub fn decoded(self, bytes: Vec<u8>) -> Vec<u8> {
        let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|b| unit([b[0], b[1]])).collect();
            String::from_utf16_lossy(&units).into_bytes()
        };
        match self {
            Self::Utf8 => bytes,
            Self::Latin1 => bytes
                .iter()
                .map(|b| char::from(*b))
                .collect::<String>()
                .into_bytes(),
            Self::Utf16Be => wide(&bytes, u16::from_be_bytes),
            Self::Utf16Le => wide(&bytes, u16::from_le_bytes),
            Self::Utf16 => match bytes.as_slice() {
                [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
                [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
                all => wide(all, u16::from_be_bytes),
            },
        }
    }
}
