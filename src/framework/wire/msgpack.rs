//! `MessagePack`, the form in which Terraform sends and expects every value.
//!
//! Reading is liberal about the width of numbers, lengths and texts and strict
//! about everything else: an object has exactly the attributes of its type,
//! nothing follows the value. A length that the bytes declare is believed only
//! as far as there are bytes, and nothing is allocated ahead of them.
//!
//! Every extension type means "unknown"; refinements of unknown values are
//! skipped when read and never written.
//!
//! Writing is deterministic: keys and the elements of sets are sorted, texts
//! are in normalisation form C, and equal values give equal bytes.

use std::collections::BTreeMap;

use rmp::Marker;

use super::{
    MAX_DEPTH, WireError, attribute_step, check_attributes, normalised, without_duplicates,
};
use crate::framework::number::Number;
use crate::framework::path::Step;
use crate::framework::types::Type;
use crate::framework::value::Value;

/// Reads a value of the given type.
///
/// # Errors
/// The first place where the bytes are not such a value.
pub fn decode(expected: &Type, bytes: &[u8]) -> Result<Value, WireError> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(expected, 0)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(WireError::new("The data goes on after the value."))
    }
}

/// Writes a value of the given type.
///
/// # Errors
/// The first place where the value is not of the type: an object without one
/// of its attributes, for example. It would be a mistake of this provider,
/// and Terraform must not get to see it as data.
pub fn encode(expected: &Type, value: &Value) -> Result<Vec<u8>, WireError> {
    let mut bytes = Vec::new();
    write_value(&mut bytes, expected, value, 0)?;
    Ok(bytes)
}

/// The bytes that are not read yet.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, expected: &Type, depth: usize) -> Result<Value, WireError> {
        if depth > MAX_DEPTH {
            return Err(WireError::too_deep());
        }
        let marker = self.marker()?;
        match marker {
            Marker::Null => return Ok(Value::Null),
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => {
                self.skip_extension(marker)?;
                return Ok(Value::Unknown);
            }
            _ => {}
        }
        let mismatch = || WireError::mismatch(expected);
        match expected {
            Type::String => {
                let text = self.text(marker)?.ok_or_else(mismatch)?;
                Ok(Value::String(normalised(text)))
            }
            Type::Bool => match marker {
                Marker::True => Ok(Value::Bool(true)),
                Marker::False => Ok(Value::Bool(false)),
                _ => Err(mismatch()),
            },
            Type::Number => {
                let number = self.number(marker)?.ok_or_else(mismatch)?;
                Ok(Value::Number(number))
            }
            Type::List(element) => {
                let length = self.array_length(marker)?.ok_or_else(mismatch)?;
                self.list(element, length, depth)
            }
            Type::Set(element) => {
                let length = self.array_length(marker)?.ok_or_else(mismatch)?;
                self.set(element, length, depth)
            }
            Type::Map(element) => {
                let length = self.map_length(marker)?.ok_or_else(mismatch)?;
                self.map(element, length, depth)
            }
            Type::Object(attributes) => {
                let length = self.map_length(marker)?.ok_or_else(mismatch)?;
                self.object(attributes, length, depth)
            }
        }
    }

    fn list(&mut self, element: &Type, length: usize, depth: usize) -> Result<Value, WireError> {
        let mut items = Vec::new();
        for index in 0..length {
            let item = self
                .value(element, depth + 1)
                .map_err(|error| error.within(Step::Index(index)))?;
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn set(&mut self, element: &Type, length: usize, depth: usize) -> Result<Value, WireError> {
        let mut items = Vec::new();
        for _ in 0..length {
            let item = self
                .value(element, depth + 1)
                .map_err(WireError::within_set)?;
            items.push(item);
        }
        Ok(Value::Set(without_duplicates(element, items)?))
    }

    fn map(&mut self, element: &Type, length: usize, depth: usize) -> Result<Value, WireError> {
        let mut entries = BTreeMap::new();
        for _ in 0..length {
            let key = normalised(self.key()?);
            let item = self
                .value(element, depth + 1)
                .map_err(|error| error.within(Step::Key(key.clone())))?;
            if entries.insert(key, item).is_some() {
                return Err(WireError::repeated());
            }
        }
        Ok(Value::Map(entries))
    }

    fn object(
        &mut self,
        attributes: &BTreeMap<String, Type>,
        length: usize,
        depth: usize,
    ) -> Result<Value, WireError> {
        let mut entries = BTreeMap::new();
        for _ in 0..length {
            let name = self.key()?;
            let attribute = attributes
                .get(name)
                .ok_or_else(|| WireError::unexpected(name))?;
            let value = self
                .value(attribute, depth + 1)
                .map_err(|error| error.within(attribute_step(name)))?;
            if entries.insert(name.to_owned(), value).is_some() {
                return Err(WireError::repeated().within(attribute_step(name)));
            }
        }
        check_attributes(attributes, &entries)?;
        Ok(Value::Object(entries))
    }

    fn key(&mut self) -> Result<&'a str, WireError> {
        let marker = self.marker()?;
        self.text(marker)?
            .ok_or_else(|| WireError::new("The data has a key that is not a string."))
    }

    /// The text behind a marker of text or bytes; `None` for other markers.
    fn text(&mut self, marker: Marker) -> Result<Option<&'a str>, WireError> {
        let length = match marker {
            Marker::FixStr(length) => usize::from(length),
            Marker::Str8 | Marker::Bin8 => self.length::<1>()?,
            Marker::Str16 | Marker::Bin16 => self.length::<2>()?,
            Marker::Str32 | Marker::Bin32 => self.length::<4>()?,
            _ => return Ok(None),
        };
        std::str::from_utf8(self.take(length)?)
            .map(Some)
            .map_err(|_| WireError::new("The data has a text that is not valid UTF-8."))
    }

    /// The number behind a marker of a number or text; `None` for others.
    fn number(&mut self, marker: Marker) -> Result<Option<Number>, WireError> {
        let number = match marker {
            Marker::FixPos(value) => Number::from(u64::from(value)),
            Marker::FixNeg(value) => Number::from(i64::from(value)),
            Marker::U8 => Number::from(u64::from(u8::from_be_bytes(self.array()?))),
            Marker::U16 => Number::from(u64::from(u16::from_be_bytes(self.array()?))),
            Marker::U32 => Number::from(u64::from(u32::from_be_bytes(self.array()?))),
            Marker::U64 => Number::from(u64::from_be_bytes(self.array()?)),
            Marker::I8 => Number::from(i64::from(i8::from_be_bytes(self.array()?))),
            Marker::I16 => Number::from(i64::from(i16::from_be_bytes(self.array()?))),
            Marker::I32 => Number::from(i64::from(i32::from_be_bytes(self.array()?))),
            Marker::I64 => Number::from(i64::from_be_bytes(self.array()?)),
            Marker::F32 => exact(f64::from(f32::from_be_bytes(self.array()?)))?,
            Marker::F64 => exact(f64::from_be_bytes(self.array()?))?,
            _ => match self.text(marker)? {
                Some(text) => text
                    .parse()
                    .map_err(|error| WireError::new(format!("{error}")))?,
                None => return Ok(None),
            },
        };
        Ok(Some(number))
    }

    /// The length behind a marker of an array; `None` for other markers.
    fn array_length(&mut self, marker: Marker) -> Result<Option<usize>, WireError> {
        let length = match marker {
            Marker::FixArray(length) => usize::from(length),
            Marker::Array16 => self.length::<2>()?,
            Marker::Array32 => self.length::<4>()?,
            _ => return Ok(None),
        };
        self.check_length(length).map(Some)
    }

    /// The length behind a marker of a map; `None` for other markers.
    fn map_length(&mut self, marker: Marker) -> Result<Option<usize>, WireError> {
        let length = match marker {
            Marker::FixMap(length) => usize::from(length),
            Marker::Map16 => self.length::<2>()?,
            Marker::Map32 => self.length::<4>()?,
            _ => return Ok(None),
        };
        // Each entry is a key and a value.
        self.check_length(length.saturating_mul(2))?;
        Ok(Some(length))
    }

    /// Refuses a number of elements that the rest cannot hold, at one byte
    /// each.
    fn check_length(&self, length: usize) -> Result<usize, WireError> {
        if length > self.rest.len() {
            return Err(ends_too_early());
        }
        Ok(length)
    }

    fn skip_extension(&mut self, marker: Marker) -> Result<(), WireError> {
        let length = match marker {
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.length::<1>()?,
            Marker::Ext16 => self.length::<2>()?,
            Marker::Ext32 => self.length::<4>()?,
            _ => 1,
        };
        // One more byte says which extension it is.
        self.take(1)?;
        self.take(length)?;
        Ok(())
    }

    fn marker(&mut self) -> Result<Marker, WireError> {
        let [byte] = self.array()?;
        Ok(Marker::from_u8(byte))
    }

    /// A length of `N` bytes, at most four.
    fn length<const N: usize>(&mut self) -> Result<usize, WireError> {
        let bytes: [u8; N] = self.array()?;
        Ok(bytes
            .iter()
            .fold(0, |length, byte| (length << 8) | usize::from(*byte)))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(ends_too_early)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(ends_too_early)?;
        self.rest = rest;
        Ok(bytes)
    }
}

fn ends_too_early() -> WireError {
    WireError::new("The data ends too early.")
}

fn exact(value: f64) -> Result<Number, WireError> {
    Number::from_exact_f64(value).map_err(|error| WireError::new(format!("{error}")))
}

fn write_value(
    bytes: &mut Vec<u8>,
    expected: &Type,
    value: &Value,
    depth: usize,
) -> Result<(), WireError> {
    if depth > MAX_DEPTH {
        return Err(WireError::too_deep());
    }
    match (expected, value) {
        (_, Value::Null) => bytes.push(Marker::Null.to_u8()),
        (_, Value::Unknown) => bytes.extend([Marker::FixExt1.to_u8(), 0, 0]),
        (Type::Bool, Value::Bool(true)) => bytes.push(Marker::True.to_u8()),
        (Type::Bool, Value::Bool(false)) => bytes.push(Marker::False.to_u8()),
        (Type::Number, Value::Number(number)) => write_number(bytes, number),
        (Type::String, Value::String(text)) => write_text(bytes, &normalised(text)),
        (Type::List(element), Value::List(items)) => {
            write_array_length(bytes, items.len());
            for (index, item) in items.iter().enumerate() {
                write_value(bytes, element, item, depth + 1)
                    .map_err(|error| error.within(Step::Index(index)))?;
            }
        }
        (Type::Set(element), Value::Set(items)) => write_set(bytes, element, items, depth)?,
        (Type::Map(element), Value::Map(entries)) => write_map(bytes, element, entries, depth)?,
        (Type::Object(attributes), Value::Object(entries)) => {
            check_attributes(attributes, entries)?;
            write_map_length(bytes, entries.len());
            for ((name, attribute), value) in attributes.iter().zip(entries.values()) {
                write_text(bytes, name);
                write_value(bytes, attribute, value, depth + 1)
                    .map_err(|error| error.within(attribute_step(name)))?;
            }
        }
        _ => return Err(WireError::mismatch(expected)),
    }
    Ok(())
}

/// Elements that are equal are written once. Those that are not wholly known
/// all stay: they can become different ones.
fn write_set(
    bytes: &mut Vec<u8>,
    element: &Type,
    items: &[Value],
    depth: usize,
) -> Result<(), WireError> {
    let mut elements = Vec::new();
    for item in items {
        let mut written = Vec::new();
        write_value(&mut written, element, item, depth + 1).map_err(WireError::within_set)?;
        elements.push((written, item.is_wholly_known()));
    }
    elements.sort();
    elements.dedup_by(|a, b| a.1 && a == b);
    write_array_length(bytes, elements.len());
    for (written, _) in elements {
        bytes.extend(written);
    }
    Ok(())
}

fn write_map(
    bytes: &mut Vec<u8>,
    element: &Type,
    entries: &BTreeMap<String, Value>,
    depth: usize,
) -> Result<(), WireError> {
    let mut normal = BTreeMap::new();
    for (key, value) in entries {
        if normal.insert(normalised(key), value).is_some() {
            return Err(WireError::repeated());
        }
    }
    write_map_length(bytes, normal.len());
    for (key, value) in normal {
        write_text(bytes, &key);
        write_value(bytes, element, value, depth + 1)
            .map_err(|error| error.within(Step::Key(key)))?;
    }
    Ok(())
}

/// A number as an integer if it is one, else as its decimal text. Terraform
/// takes a float, too, but then remembers fewer digits than a text has, and
/// compares numbers by their digits.
fn write_number(bytes: &mut Vec<u8>, number: &Number) {
    match number.as_i64() {
        Some(value) => write_integer(bytes, value),
        None => write_text(bytes, number.as_str()),
    }
}

/// The shortest form of an integer.
fn write_integer(bytes: &mut Vec<u8>, value: i64) {
    if let Ok(small) = i8::try_from(value)
        && small >= -32
    {
        let [byte] = small.to_be_bytes();
        bytes.push(byte);
    } else if let Ok(value) = i8::try_from(value) {
        write_marked(bytes, Marker::I8, value.to_be_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        write_marked(bytes, Marker::I16, value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        write_marked(bytes, Marker::I32, value.to_be_bytes());
    } else {
        write_marked(bytes, Marker::I64, value.to_be_bytes());
    }
}

fn write_text(bytes: &mut Vec<u8>, text: &str) {
    write_length(
        bytes,
        text.len(),
        (0xa0, 31),
        [Some(Marker::Str8), Some(Marker::Str16), Some(Marker::Str32)],
    );
    bytes.extend(text.as_bytes());
}

fn write_array_length(bytes: &mut Vec<u8>, length: usize) {
    let markers = [None, Some(Marker::Array16), Some(Marker::Array32)];
    write_length(bytes, length, (0x90, 15), markers);
}

fn write_map_length(bytes: &mut Vec<u8>, length: usize) {
    let markers = [None, Some(Marker::Map16), Some(Marker::Map32)];
    write_length(bytes, length, (0x80, 15), markers);
}

/// Writes a length in its shortest form: inside the first byte up to the
/// given limit, else behind the marker for one, two or four bytes.
fn write_length(
    bytes: &mut Vec<u8>,
    length: usize,
    (first, limit): (u8, u8),
    [one, two, four]: [Option<Marker>; 3],
) {
    if let Ok(length) = u8::try_from(length)
        && length <= limit
    {
        bytes.push(first | length);
    } else if let (Some(marker), Ok(length)) = (one, u8::try_from(length)) {
        write_marked(bytes, marker, length.to_be_bytes());
    } else if let (Some(marker), Ok(length)) = (two, u16::try_from(length)) {
        write_marked(bytes, marker, length.to_be_bytes());
    } else if let Some(marker) = four {
        // A gRPC message ends long before four bytes of length do.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        write_marked(bytes, marker, length.to_be_bytes());
    }
}

fn write_marked<const N: usize>(bytes: &mut Vec<u8>, marker: Marker, payload: [u8; N]) {
    bytes.push(marker.to_u8());
    bytes.extend(payload);
}
