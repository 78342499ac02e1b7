//! `MessagePack`, the form in which Terraform sends and expects every value.
//!
//! Reading is liberal about the width of numbers, lengths and texts. A length that
//! the bytes declare is believed only as far as there are bytes, and nothing is
//! allocated ahead of them.
//!
//! Every extension type means "unknown"; refinements of unknown values are
//! skipped when read and never written.
//!
//! Writing is deterministic: keys and the elements of sets are sorted, texts
//! are in normalisation form C, and equal values give equal bytes.

use std::collections::BTreeMap;

use rmp::Marker;
use rmp::decode::{self, ValueReadError};
use rmp::encode;

use super::{Leniency, MAX_DEPTH, fitted, located};
use crate::number::Number;
use crate::path::Step;
use crate::schema::AttributeType;
use crate::value::Value;
use crate::value_error::ValueError;

/// Reads a value of the given type.
///
/// # Errors
/// The first place where the bytes are not such a value.
pub fn decode(expected: &AttributeType, bytes: &[u8]) -> Result<Value, ValueError> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(0).map_err(|error| located(expected, error))?;
    if !reader.rest.is_empty() {
        return Err(ValueError::new("The data goes on after the value."));
    }
    fitted(expected, value, Leniency::Unnamed)
}

/// Writes a value of the given type.
///
/// # Errors
/// The first place where the value is not of the type: an object without one
/// of its attributes, for example. It would be a mistake of this provider,
/// and Terraform must not get to see it as data.
pub fn encode(expected: &AttributeType, value: &Value) -> Result<Vec<u8>, ValueError> {
    let mut bytes = Vec::new();
    write(
        &mut bytes,
        &fitted(expected, value.clone(), Leniency::Strict)?,
    )?;
    Ok(bytes)
}

/// The bytes that are not read yet.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The next value, of whatever type: a list may be a set, and a map an object.
    fn value(&mut self, depth: usize) -> Result<Value, ValueError> {
        if depth > MAX_DEPTH {
            return Err(ValueError::too_deep());
        }
        let first = self.rest.first().ok_or_else(ends_too_early)?;
        Ok(match Marker::from_u8(*first) {
            Marker::Null => {
                self.take(1)?;
                Value::Null
            }
            Marker::True | Marker::False => Value::Bool(read(decode::read_bool(&mut self.rest))?),
            Marker::F32 => exact(f64::from(read(decode::read_f32(&mut self.rest))?))?,
            Marker::F64 => exact(read(decode::read_f64(&mut self.rest))?)?,
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                let length = read(decode::read_str_len(&mut self.rest))?;
                self.text(length)?
            }
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                let length = read(decode::read_bin_len(&mut self.rest))?;
                self.text(length)?
            }
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
                let length = read(decode::read_array_len(&mut self.rest))?;
                self.list(length, depth)?
            }
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                let length = read(decode::read_map_len(&mut self.rest))?;
                self.map(length, depth)?
            }
            Marker::FixPos(_)
            | Marker::FixNeg(_)
            | Marker::U8
            | Marker::U16
            | Marker::U32
            | Marker::U64
            | Marker::I8
            | Marker::I16
            | Marker::I32
            | Marker::I64 => {
                let whole: i128 = decode::read_int(&mut self.rest).map_err(|_| ends_too_early())?;
                Value::Number(whole.into())
            }
            Marker::Reserved => return Err(ValueError::new("The data has a marker of no type.")),
            _ => {
                let extension = read(decode::read_ext_meta(&mut self.rest))?;
                self.take(extension.size)?;
                Value::Unknown
            }
        })
    }

    /// A text, or bytes that are one.
    fn text(&mut self, length: u32) -> Result<Value, ValueError> {
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => Ok(Value::string(text)),
            Err(_) => Err(ValueError::new(
                "The data has a text that is not valid UTF-8.",
            )),
        }
    }

    fn list(&mut self, length: u32, depth: usize) -> Result<Value, ValueError> {
        self.check_length(length, 1)?;
        let items = (0..length as usize).map(|index| {
            let item = self.value(depth + 1);
            item.map_err(|error| error.within(Step::Index(index)))
        });
        Ok(Value::List(items.collect::<Result<_, _>>()?))
    }

    fn map(&mut self, length: u32, depth: usize) -> Result<Value, ValueError> {
        // Each entry is a key and a value.
        self.check_length(length, 2)?;
        let mut entries = BTreeMap::new();
        for _ in 0..length {
            let Value::String(key) = self.value(depth + 1)? else {
                return Err(ValueError::new("The data has a key that is not a string."));
            };
            let within = |error: ValueError| error.within(Step::Key(key.clone()));
            let value = self.value(depth + 1).map_err(within)?;
            if entries.contains_key(&key) {
                return Err(within(ValueError::repeated()));
            }
            entries.insert(key, value);
        }
        Ok(Value::Map(entries))
    }

    /// Refuses a number of elements that the rest cannot hold, at so many bytes
    /// each.
    fn check_length(&self, length: u32, least: usize) -> Result<(), ValueError> {
        if (length as usize).saturating_mul(least) > self.rest.len() {
            return Err(ends_too_early());
        }
        Ok(())
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], ValueError> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(length as usize)
            .ok_or_else(ends_too_early)?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// What follows a marker that was looked at before.
fn read<T>(read: Result<T, ValueReadError>) -> Result<T, ValueError> {
    read.map_err(|_| ends_too_early())
}

fn ends_too_early() -> ValueError {
    ValueError::new("The data ends too early.")
}

fn exact(value: f64) -> Result<Value, ValueError> {
    Ok(Value::Number(Number::from_exact_f64(value)?))
}

impl From<encode::ValueWriteError> for ValueError {
    /// Memory takes everything; the type of the error belongs to files.
    fn from(_: encode::ValueWriteError) -> Self {
        Self::new("The value cannot be written.")
    }
}

fn write(bytes: &mut Vec<u8>, value: &Value) -> Result<(), encode::ValueWriteError> {
    match value {
        Value::Null => bytes.push(Marker::Null.to_u8()),
        Value::Unknown => bytes.extend([Marker::FixExt1.to_u8(), 0, 0]),
        Value::Bool(true) => bytes.push(Marker::True.to_u8()),
        Value::Bool(false) => bytes.push(Marker::False.to_u8()),
        // As its decimal text, as Terraform reads it from a state file. An integer
        // or a float would be the same number to it, and yet not the same value: it
        // holds them with fewer bits, and `plan -refresh-only -detailed-exitcode`
        // compares the bits.
        Value::Number(number) => encode::write_str(bytes, number.as_str())?,
        Value::String(text) => encode::write_str(bytes, text)?,
        Value::List(items) => {
            encode::write_array_len(bytes, length(items.len()))?;
            for item in items {
                write(bytes, item)?;
            }
        }
        Value::Set(items) => {
            let mut elements = Vec::new();
            for item in items {
                let mut element = Vec::new();
                write(&mut element, item)?;
                elements.push(element);
            }
            elements.sort();
            encode::write_array_len(bytes, length(elements.len()))?;
            bytes.extend(elements.concat());
        }
        Value::Map(entries) | Value::Object(entries) => {
            encode::write_map_len(bytes, length(entries.len()))?;
            for (key, value) in entries {
                encode::write_str(bytes, key)?;
                write(bytes, value)?;
            }
        }
    }
    Ok(())
}

/// A length. A gRPC message ends long before its four bytes do.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{
        SECRET, any_type, entries, list, map, nested, object_type, set, typed_value,
    };
    use super::*;
    use crate::path::Path;
    use crate::schema::find;

    fn number(bytes: &[u8]) -> String {
        match decode(&AttributeType::Number, bytes) {
            Ok(Value::Number(number)) => number.to_string(),
            Ok(_) => "no number".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn marked(marker: u8, payload: &[u8]) -> Vec<u8> {
        [&[marker][..], payload].concat()
    }

    #[test]
    fn a_number_may_have_any_width() {
        for (bytes, expected) in [
            (vec![0x00], "0"),
            (vec![0x7f], "127"),
            (vec![0xff], "-1"),
            (vec![0xe0], "-32"),
            (marked(0xcc, &[200]), "200"),
            (marked(0xcd, &[1, 0]), "256"),
            (marked(0xce, &[0, 0, 0, 1]), "1"),
            (
                marked(0xcf, &(1_u64 << 63).to_be_bytes()),
                "9223372036854775808",
            ),
            (
                marked(0xcf, &u64::MAX.to_be_bytes()),
                "18446744073709551615",
            ),
            (marked(0xd0, &[0x80]), "-128"),
            (marked(0xd1, &[0x80, 0]), "-32768"),
            (marked(0xd2, &i32::MIN.to_be_bytes()), "-2147483648"),
            (
                marked(0xd3, &i64::MIN.to_be_bytes()),
                "-9223372036854775808",
            ),
            (marked(0xca, &0.5_f32.to_be_bytes()), "0.5"),
            (marked(0xcb, &(-0.0_f64).to_be_bytes()), "0"),
            (
                marked(0xcb, &18_446_744_073_709_551_616_f64.to_be_bytes()),
                "18446744073709551616",
            ),
            (
                marked(0xcb, &0.1_f64.to_be_bytes()),
                "0.1000000000000000055511151231257827021181583404541015625",
            ),
            (marked(0xa3, b"0.1"), "0.1"),
            (marked(0xd9, b"\x050.100"), "0.1"),
            (marked(0xa2, b"-0"), "0"),
            (marked(0xc4, b"\x011"), "1"),
        ] {
            assert_eq!(number(&bytes), expected, "{bytes:?}");
        }
        assert_eq!(number(b"\xa51e400"), format!("1{}", "0".repeat(400)));
        let infinite = "An infinite number is not supported.";
        assert_eq!(
            number(&marked(0xcb, &f64::INFINITY.to_be_bytes())),
            infinite
        );
        assert_eq!(
            number(&marked(0xca, &f32::NEG_INFINITY.to_be_bytes())),
            infinite
        );
        assert_eq!(number(&marked(0xcb, &f64::NAN.to_be_bytes())), infinite);
        assert_eq!(number(b"\xa3abc"), "This is not a decimal number.");
        assert_eq!(
            number(b"\xa91e9999999"),
            "This number has more than 4096 digits when written out."
        );
    }

    #[test]
    fn a_number_is_written_as_its_decimal_text() {
        let written = |text: &str| {
            encode(
                &AttributeType::Number,
                &Value::Number(text.parse().unwrap()),
            )
            .unwrap()
        };
        assert_eq!(written("-0"), b"\xa10");
        assert_eq!(written("0.1"), b"\xa30.1");
        assert_eq!(written("0.5"), b"\xa30.5");
        assert_eq!(written("9223372036854775808"), b"\xb39223372036854775808");
        assert_eq!(written("18446744073709551616"), b"\xb418446744073709551616");
        let large = written("1e400");
        assert_eq!(large.len(), 3 + 401);
    }

    #[test]
    fn a_text_may_have_any_width_and_comes_in_normal_form() {
        let composed = Value::string("\u{e9}");
        for bytes in [
            &b"\xa3e\xcc\x81"[..],
            b"\xd9\x03e\xcc\x81",
            b"\xda\x00\x03e\xcc\x81",
            b"\xdb\x00\x00\x00\x03e\xcc\x81",
            b"\xc4\x03e\xcc\x81",
            b"\xc5\x00\x03e\xcc\x81",
            b"\xc6\x00\x00\x00\x03e\xcc\x81",
        ] {
            assert_eq!(decode(&AttributeType::String, bytes).unwrap(), composed);
        }
        let decomposed = Value::string("e\u{301}");
        assert_eq!(
            encode(&AttributeType::String, &decomposed).unwrap(),
            b"\xa2\xc3\xa9"
        );
        let keys = Value::Map(entries(&[("e\u{301}", Value::Null)]));
        assert_eq!(
            encode(&map(AttributeType::Bool), &keys).unwrap(),
            b"\x81\xa2\xc3\xa9\xc0"
        );
        assert_eq!(
            decode(&map(AttributeType::Bool), b"\x81\xa3e\xcc\x81\xc0").unwrap(),
            Value::Map(entries(&[("\u{e9}", Value::Null)]))
        );
        assert_eq!(
            decode(&AttributeType::String, b"\xa2\xff\xfe")
                .unwrap_err()
                .to_string(),
            "The data has a text that is not valid UTF-8."
        );
    }

    #[test]
    fn every_extension_is_an_unknown_value() {
        let extension = |marker: u8, length: &[u8], code: u8, payload: usize| {
            [&[marker][..], length, &[code], &vec![0x93; payload][..]].concat()
        };
        for code in [0, 1, 12, 255] {
            for bytes in [
                extension(0xd4, &[], code, 1),
                extension(0xd5, &[], code, 2),
                extension(0xd6, &[], code, 4),
                extension(0xd7, &[], code, 8),
                extension(0xd8, &[], code, 16),
                extension(0xc7, &[0], code, 0),
                extension(0xc7, &[3], code, 3),
                extension(0xc8, &[4, 0], code, 1024),
                extension(0xc9, &[0, 0, 0, 5], code, 5),
            ] {
                for of in [
                    AttributeType::String,
                    list(AttributeType::Bool),
                    object_type(&[("a", AttributeType::Bool)]),
                ] {
                    assert_eq!(decode(&of, &bytes).unwrap(), Value::Unknown);
                }
                let cut = &bytes[..bytes.len() - 1];
                assert!(decode(&AttributeType::String, cut).is_err());
            }
        }
        assert_eq!(
            encode(&AttributeType::Bool, &Value::Unknown).unwrap(),
            [0xd4, 0, 0]
        );
    }

    #[test]
    fn empty_and_null_collections_are_different() {
        for (of, empty, bytes) in [
            (list(AttributeType::Bool), Value::List(vec![]), 0x90),
            (set(AttributeType::Bool), Value::Set(vec![]), 0x90),
            (map(AttributeType::Bool), Value::Map(entries(&[])), 0x80),
            (object_type(&[]), Value::Object(entries(&[])), 0x80),
        ] {
            assert_eq!(encode(&of, &empty).unwrap(), [bytes]);
            assert_eq!(decode(&of, &[bytes]).unwrap(), empty);
            assert_eq!(encode(&of, &Value::Null).unwrap(), [0xc0]);
            assert_eq!(decode(&of, &[0xc0]).unwrap(), Value::Null);
        }
    }

    #[test]
    fn an_object_has_exactly_the_attributes_of_its_type() {
        let of = object_type(&[(
            "inner",
            object_type(&[("a", AttributeType::Bool), ("b", AttributeType::Bool)]),
        )]);
        let error = |inner: &[u8]| {
            decode(&of, &[&b"\x81\xa5inner"[..], inner].concat())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error(b"\x81\xa1a\xc2"),
            "`inner.b`: The data lacks this attribute."
        );
        assert_eq!(error(b"\x80"), "`inner.a`: The data lacks this attribute.");
        assert_eq!(
            error(b"\x83\xa1a\xc2\xa1b\xc2\xa1c\xc2"),
            "`inner`: The data has an attribute that the schema does not have."
        );
        assert_eq!(
            error(b"\x81\xa7Hunter2\xc2"),
            "`inner`: The data has an attribute that the schema does not have."
        );
        assert_eq!(
            error(b"\x83\xa1a\xc2\xa1b\xc2\xa1b\xc2"),
            "`inner.b`: The data has the same key twice."
        );
        assert_eq!(
            error(b"\x82\xa1a\xc2\xa1b\x01"),
            "`inner.b`: This must be a bool, and the data holds something else."
        );
        assert_eq!(
            error(b"\x81\x01\xc2"),
            "`inner`: The data has a key that is not a string."
        );
        let wrong = |inner: &[(&str, Value)]| {
            let value = Value::Object(entries(&[("inner", Value::Object(entries(inner)))]));
            encode(&of, &value).unwrap_err().to_string()
        };
        assert_eq!(
            wrong(&[("a", Value::Null)]),
            "`inner.b`: The data lacks this attribute."
        );
        assert_eq!(
            wrong(&[("a", Value::Null), ("b", Value::Null), ("c", Value::Null)]),
            "`inner`: The data has the attribute `c`, and the schema does not."
        );
        assert_eq!(
            wrong(&[("a", Value::Null), ("b", Value::string(SECRET))]),
            "`inner.b`: This must be a bool, and the data holds something else."
        );
    }

    #[test]
    fn errors_point_into_lists_and_maps_and_stop_at_sets() {
        let of = object_type(&[("x", map(list(set(list(AttributeType::Bool)))))]);
        let error = decode(&of, b"\x81\xa1x\x81\xa1k\x92\x90\x92\x90\x91\x01").unwrap_err();
        assert_eq!(error.path, Path::attribute("x").key("k").index(1));
        let value = Value::Set(vec![Value::List(vec![Value::string(SECRET)])]);
        let value = Value::Map(entries(&[("k", Value::List(vec![value]))]));
        let error = encode(&of, &Value::Object(entries(&[("x", value)]))).unwrap_err();
        assert_eq!(error.path, Path::attribute("x").key("k").index(0));
    }

    #[test]
    fn a_map_has_each_key_once() {
        let error = decode(
            &map(AttributeType::Bool),
            b"\x82\xa2\xc3\xa9\xc2\xa3e\xcc\x81\xc2",
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "The data has the same key twice.");
    }

    #[test]
    fn a_set_has_each_element_once_and_its_order_does_not_show() {
        let texts =
            |texts: &[&str]| Value::Set(texts.iter().map(|text| Value::string(*text)).collect());
        let of = set(AttributeType::String);
        let bytes = encode(&of, &texts(&["b", "a", "\u{e9}", "b", "e\u{301}"])).unwrap();
        assert_eq!(bytes, b"\x93\xa1a\xa1b\xa2\xc3\xa9");
        let read = decode(&of, b"\x93\xa1b\xa1a\xa1b").unwrap();
        assert_eq!(read, texts(&["b", "a"]));

        // Sets in a set are equal in any order.
        let outer = Value::Set(vec![texts(&["a", "b"]), texts(&["b", "a"])]);
        let of = set(of);
        assert_eq!(encode(&of, &outer).unwrap(), b"\x91\x92\xa1a\xa1b");
        let read = decode(&of, b"\x92\x92\xa1a\xa1b\x92\xa1b\xa1a").unwrap();
        assert_eq!(read, Value::Set(vec![texts(&["a", "b"])]));

        // Unknown elements can become different ones.
        let unknown = Value::Set(vec![Value::Unknown, Value::Unknown]);
        let of = set(AttributeType::Bool);
        let bytes = encode(&of, &unknown).unwrap();
        assert_eq!(decode(&of, &bytes).unwrap(), unknown);
    }

    #[test]
    fn lengths_that_the_bytes_do_not_hold_are_refused_at_once() {
        let types = [
            AttributeType::String,
            AttributeType::Number,
            list(AttributeType::Bool),
            set(list(AttributeType::Bool)),
            map(AttributeType::Bool),
            object_type(&[("a", AttributeType::Bool)]),
        ];
        for marker in [0xc6, 0xc9, 0xdb, 0xdd, 0xdf] {
            for of in &types {
                let mut bytes = vec![marker];
                bytes.extend([0xff; 4]);
                bytes.extend([0xc0; 64]);
                // At the root: not one of the elements has been read.
                let error = decode(of, &bytes).unwrap_err();
                assert!(error.path.is_root(), "{marker:x}: {error}");
            }
        }
        for bytes in [&b""[..], b"\xa5abc", b"\xd9", b"\xda\x00", b"\xcb\x00"] {
            let error = decode(&AttributeType::String, bytes)
                .err()
                .or_else(|| decode(&AttributeType::Number, bytes).err());
            assert!(error.is_some());
        }
        assert_eq!(
            decode(&AttributeType::Bool, b"\xc2\xc2")
                .unwrap_err()
                .to_string(),
            "The data goes on after the value."
        );
        assert!(
            decode(&AttributeType::Bool, b"\xc1").is_err(),
            "a marker that is never used"
        );
    }

    #[test]
    fn nesting_has_a_limit() {
        let (of, value) = nested(MAX_DEPTH);
        let bytes = encode(&of, &value).unwrap();
        assert_eq!(decode(&of, &bytes).unwrap(), value);
        let (of, value) = nested(MAX_DEPTH + 1);
        let error = encode(&of, &value).unwrap_err();
        assert_eq!(
            error.message,
            "The data is nested more than 64 levels deep."
        );
        let bytes = [vec![0x91; MAX_DEPTH + 1], vec![0xc0]].concat();
        assert!(decode(&of, &bytes).is_err());
    }

    #[test]
    fn a_large_set_does_not_take_long() {
        let items = (0..50_000_i64).map(|item| Value::Number(item.into()));
        let value = Value::Set(items.collect());
        let of = set(AttributeType::Number);
        let read = decode(&of, &encode(&of, &value).unwrap()).unwrap();
        assert_eq!(read.items().map(<[Value]>::len), Some(50_000));
        assert!(read.same(&read.clone()));
    }

    #[test]
    fn long_texts_and_collections_have_long_lengths() {
        for length in [31, 32, 255, 256, 65_535, 65_536] {
            let text = Value::string("x".repeat(length));
            let many = Value::List(vec![Value::Bool(true); length]);
            let keys = (0..length).map(|key| (format!("{key}"), Value::Null));
            let keyed = Value::Map(keys.collect());
            for (of, value) in [
                (AttributeType::String, text),
                (list(AttributeType::Bool), many),
                (map(AttributeType::Bool), keyed),
            ] {
                let bytes = encode(&of, &value).unwrap();
                assert!(oracle(&of, &bytes).same(&value), "{length}");
                assert_eq!(decode(&of, &bytes).unwrap(), value, "{length}");
            }
        }
    }

    /// The value according to an independent implementation of `MessagePack`.
    fn oracle(of: &AttributeType, mut bytes: &[u8]) -> Value {
        let read = rmpv::decode::read_value(&mut bytes).unwrap();
        assert!(bytes.is_empty());
        from_rmpv(of, &read)
    }

    fn from_rmpv(of: &AttributeType, read: &rmpv::Value) -> Value {
        let items = |of: &AttributeType| -> Vec<Value> {
            let items = read.as_array().unwrap().iter();
            items.map(|item| from_rmpv(of, item)).collect()
        };
        match (of, read) {
            (_, rmpv::Value::Nil) => Value::Null,
            (_, rmpv::Value::Ext(0, payload)) if payload == &[0] => Value::Unknown,
            (AttributeType::String, _) => Value::string(read.as_str().unwrap()),
            (AttributeType::Bool, _) => Value::Bool(read.as_bool().unwrap()),
            (AttributeType::Number, rmpv::Value::Integer(_)) => {
                Value::Number(Number::from(read.as_i64().unwrap()))
            }
            (AttributeType::Number, _) => Value::Number(read.as_str().unwrap().parse().unwrap()),
            (AttributeType::List(element), _) => Value::List(items(element)),
            (AttributeType::Set(element), _) => Value::Set(items(element)),
            (AttributeType::Map(element), _) => {
                let entries = read.as_map().unwrap().iter();
                Value::Map(
                    entries
                        .map(|(key, item)| {
                            (key.as_str().unwrap().to_owned(), from_rmpv(element, item))
                        })
                        .collect(),
                )
            }
            (AttributeType::Object(attributes), _) => {
                let entries = read.as_map().unwrap();
                assert_eq!(entries.len(), attributes.len());
                Value::Object(
                    entries
                        .iter()
                        .map(|(key, item)| {
                            let key = key.as_str().unwrap();
                            let attribute = find(attributes, key).unwrap();
                            (key.to_owned(), from_rmpv(&attribute.kind, item))
                        })
                        .collect(),
                )
            }
        }
    }

    /// The bytes that an independent implementation writes.
    fn by_rmpv(value: &Value) -> rmpv::Value {
        match value {
            Value::Null => rmpv::Value::Nil,
            Value::Unknown => rmpv::Value::Ext(12, vec![0x81, 0x01, 0xc2]),
            Value::Bool(value) => rmpv::Value::Boolean(*value),
            Value::Number(number) => match (number.as_i64(), number.as_str().parse().unwrap()) {
                (Some(whole), _) => whole.into(),
                (None, float) if Number::from_exact_f64(float).as_ref() == Ok(number) => {
                    float.into()
                }
                _ => number.as_str().into(),
            },
            Value::String(text) => text.as_str().into(),
            Value::List(items) | Value::Set(items) => {
                rmpv::Value::Array(items.iter().map(by_rmpv).collect())
            }
            Value::Map(entries) | Value::Object(entries) => rmpv::Value::Map(
                entries
                    .iter()
                    .rev()
                    .map(|(key, item)| (key.as_str().into(), by_rmpv(item)))
                    .collect(),
            ),
        }
    }

    /// The second key is the value of the first one, whose own value is missing.
    #[test]
    fn a_damaged_object_does_not_show_a_value_that_stands_where_a_key_should() {
        let of = object_type(&[("a", AttributeType::String), ("b", AttributeType::String)]);
        let bytes = b"\x82\xa1a\xa1b\xa7Hunter2";
        let error = decode(&of, bytes).unwrap_err().to_string();
        assert!(!error.contains("Hunter2"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again((of, value) in typed_value(true)) {
            let bytes = encode(&of, &value).unwrap();
            let read = decode(&of, &bytes).unwrap();
            prop_assert!(read.same(&value));
            prop_assert_eq!(encode(&of, &read).unwrap(), bytes);
        }

        #[test]
        fn others_read_what_we_write((of, value) in typed_value(true)) {
            prop_assert!(oracle(&of, &encode(&of, &value).unwrap()).same(&value));
        }

        #[test]
        fn we_read_what_others_write((of, value) in typed_value(true)) {
            let mut bytes = Vec::new();
            rmpv::encode::write_value(&mut bytes, &by_rmpv(&value)).unwrap();
            prop_assert_eq!(decode(&of, &bytes).unwrap(), value);
        }

        #[test]
        fn arbitrary_bytes_are_read_or_refused(
            of in any_type(), bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            if let Ok(value) = decode(&of, &bytes) {
                let again = decode(&of, &encode(&of, &value).unwrap()).unwrap();
                prop_assert!(again.same(&value));
            }
        }

        #[test]
        fn damaged_bytes_are_read_or_refused_without_showing_them(
            (of, value) in typed_value(true),
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<proptest::sample::Index>(),
        ) {
            let mut bytes = encode(&of, &value).unwrap();
            for (index, byte) in changes {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
                match decode(&of, bytes) {
                    Ok(value) => {
                        let again = decode(&of, &encode(&of, &value).unwrap()).unwrap();
                        prop_assert!(again.same(&value));
                    }
                    // Keys are part of a path; damaged, they can be anything.
                    Err(error) => prop_assert!(!error.message.contains(SECRET)),
                }
            }
        }

        #[test]
        fn errors_show_no_value((_, value) in typed_value(true), (of, other) in typed_value(true)) {
            if let Err(error) = encode(&of, &value) {
                prop_assert!(!error.to_string().contains(SECRET));
            }
            if let Err(error) = decode(&AttributeType::Bool, &encode(&of, &other).unwrap()) {
                prop_assert!(!error.to_string().contains(SECRET));
            }
        }
    }
}
