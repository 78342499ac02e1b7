//! Values in `MessagePack`, exactly as core reads and writes them.
//!
//! Reading is as strict as core and, for duplicates in a set, stricter: a
//! provider must send each element once.

use std::collections::BTreeMap;

use rmpv::{Utf8String, Value as Raw};
use unicode_normalization::UnicodeNormalization;

use super::number::Number;
use super::types::Type;
use super::value::Val;

/// Core refuses longer refinements of an unknown value.
const LONGEST_REFINEMENT: usize = 1024;
/// The extension code of an unknown value with refinements.
const REFINED_UNKNOWN: i8 = 12;

/// Reads one value of a type; bytes after it are an error here.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Val, String> {
    let mut rest = bytes;
    let raw = rmpv::decode::read_value(&mut rest).map_err(|e| format!("msgpack: {e}"))?;
    if !rest.is_empty() {
        return Err(format!("msgpack: {} bytes after the value", rest.len()));
    }
    read(&raw, ty)
}

/// Writes one value of a type.
pub fn encode(value: &Val, ty: &Type) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &write(value, ty)).unwrap();
    bytes
}

fn read(raw: &Raw, ty: &Type) -> Result<Val, String> {
    match (raw, ty) {
        (Raw::Nil, _) => Ok(Val::Null),
        (Raw::Ext(code, payload), _) => read_unknown(*code, payload),
        (raw, Type::Dynamic) => read_dynamic(raw),
        (Raw::Boolean(value), Type::Bool) => Ok(Val::Bool(*value)),
        (raw, Type::Number) => read_number(raw).map(Val::Number),
        (Raw::String(text), Type::String) => text
            .as_str()
            .map(Val::string)
            .ok_or_else(|| "a string is not UTF-8".to_owned()),
        (Raw::Array(list), Type::List(element)) => list
            .iter()
            .map(|v| read(v, element))
            .collect::<Result<_, _>>()
            .map(Val::List),
        (Raw::Array(list), Type::Set(element)) => {
            let elements = list
                .iter()
                .map(|v| read(v, element))
                .collect::<Result<Vec<_>, _>>()?;
            let set = Val::set(elements);
            if set.elements().len() == list.len() {
                Ok(set)
            } else {
                Err("a set holds an element twice".to_owned())
            }
        }
        (Raw::Array(list), Type::Tuple(types)) if list.len() == types.len() => list
            .iter()
            .zip(types)
            .map(|(v, ty)| read(v, ty))
            .collect::<Result<_, _>>()
            .map(Val::List),
        (Raw::Map(pairs), Type::Map(element)) => read_pairs(pairs, |_| Ok(element)).map(Val::Map),
        (Raw::Map(pairs), Type::Object(types)) => {
            if pairs.len() != types.len() {
                return Err(format!(
                    "an object with {} attributes is required ({} given)",
                    types.len(),
                    pairs.len()
                ));
            }
            read_pairs(pairs, |name| {
                types
                    .get(name)
                    .ok_or_else(|| format!("unsupported attribute {name:?}"))
            })
            .map(Val::Object)
        }
        _ => Err(format!("{ty} required, got {raw}")),
    }
}

fn read_pairs<'a>(
    pairs: &[(Raw, Raw)],
    type_of: impl Fn(&str) -> Result<&'a Type, String>,
) -> Result<BTreeMap<String, Val>, String> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        let key: String = key
            .as_str()
            .ok_or("a map key is not a string")?
            .nfc()
            .collect();
        let value = read(value, type_of(&key)?).map_err(|e| format!("{key}: {e}"))?;
        if map.insert(key.clone(), value).is_some() {
            return Err(format!("the key {key:?} comes twice"));
        }
    }
    Ok(map)
}

fn read_unknown(code: i8, payload: &[u8]) -> Result<Val, String> {
    match (code, payload.len()) {
        (REFINED_UNKNOWN, 0..=LONGEST_REFINEMENT) => Ok(Val::Unknown),
        (REFINED_UNKNOWN, length) => Err(format!("a refinement of {length} bytes")),
        (_, 0..=1) => Ok(Val::Unknown),
        (code, length) => Err(format!(
            "an extension value of code {code} with {length} bytes"
        )),
    }
}

fn read_dynamic(raw: &Raw) -> Result<Val, String> {
    match raw.as_array().map(Vec::as_slice) {
        Some([Raw::Binary(ty), value]) => read(value, &Type::parse(ty)?),
        _ => Err(format!("a pair of type and value is required, got {raw}")),
    }
}

fn read_number(raw: &Raw) -> Result<Number, String> {
    match raw {
        Raw::Integer(integer) => match (integer.as_i64(), integer.as_u64()) {
            (Some(value), _) => Ok(Number::from(value)),
            (_, Some(value)) => Ok(Number::from(value)),
            _ => Err(format!("{integer} is out of range")),
        },
        Raw::F64(value) => Number::from_f64(*value),
        Raw::F32(value) => Number::from_f64(f64::from(*value)),
        Raw::String(text) => Number::parse(text.as_str().unwrap_or_default()),
        _ => Err(format!("number required, got {raw}")),
    }
}

fn write(value: &Val, ty: &Type) -> Raw {
    match (value, ty) {
        (Val::Null, _) => Raw::Nil,
        (Val::Unknown, _) => Raw::Ext(0, vec![0]),
        (value, Type::Dynamic) => {
            let ty = type_of(value);
            Raw::Array(vec![
                Raw::Binary(ty.to_json().to_string().into_bytes()),
                write(value, &ty),
            ])
        }
        (Val::Bool(value), _) => Raw::Boolean(*value),
        (Val::Number(number), _) => write_number(number),
        (Val::String(text), _) => Raw::String(Utf8String::from(text.as_str())),
        (Val::List(list), Type::Tuple(types)) => {
            Raw::Array(list.iter().zip(types).map(|(v, ty)| write(v, ty)).collect())
        }
        (Val::List(list), Type::List(element)) | (Val::Set(list), Type::Set(element)) => {
            Raw::Array(list.iter().map(|v| write(v, element)).collect())
        }
        (Val::Map(map), Type::Map(element)) => Raw::Map(
            map.iter()
                .map(|(k, v)| (Raw::from(k.as_str()), write(v, element)))
                .collect(),
        ),
        // Attributes beyond the type are written, too: broken answers need them.
        (Val::Object(map), Type::Object(types)) => Raw::Map(
            map.iter()
                .map(|(k, v)| {
                    (
                        Raw::from(k.as_str()),
                        write(v, types.get(k).unwrap_or(&type_of(v))),
                    )
                })
                .collect(),
        ),
        (value, ty) => panic!("{value} is not of type {ty}"),
    }
}

fn write_number(number: &Number) -> Raw {
    match (number.as_i64(), number.as_exact_f64()) {
        (Some(value), _) => Raw::from(value),
        (None, Some(value)) if value.fract() != 0.0 => Raw::F64(value),
        _ => Raw::from(number.to_string().as_str()),
    }
}

fn type_of(value: &Val) -> Type {
    match value {
        Val::Null | Val::Unknown => Type::Dynamic,
        Val::Bool(_) => Type::Bool,
        Val::Number(_) => Type::Number,
        Val::String(_) => Type::String,
        Val::List(list) => Type::Tuple(list.iter().map(type_of).collect()),
        Val::Set(list) => Type::Set(Box::new(list.first().map_or(Type::Dynamic, type_of))),
        Val::Map(map) => Type::Map(Box::new(map.values().next().map_or(Type::Dynamic, type_of))),
        Val::Object(map) => {
            Type::Object(map.iter().map(|(k, v)| (k.clone(), type_of(v))).collect())
        }
    }
}

#[test]
fn msgpack_is_read_with_exact_key_sets() {
    let ty = Type::parse(br#"["object",{"a":"string","n":"number"}]"#).unwrap();
    let object = |pairs: &[(&str, Raw)]| {
        let map = Raw::Map(
            pairs
                .iter()
                .map(|(k, v)| (Raw::from(*k), v.clone()))
                .collect(),
        );
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &map).unwrap();
        decode(&bytes, &ty)
    };
    let good = object(&[("a", Raw::from("x")), ("n", Raw::from("0.1"))]).unwrap();
    assert_eq!(good.to_string(), r#"{a = "x", n = 0.1}"#);
    assert_eq!(decode(&encode(&good, &ty), &ty).unwrap(), good);
    assert_eq!(
        object(&[("a", Raw::from("x")), ("n", Raw::F64(0.1))]).unwrap(),
        good
    );
    assert_eq!(
        object(&[("a", Raw::from("x"))]).unwrap_err(),
        "an object with 2 attributes is required (1 given)"
    );
    assert!(object(&[("a", Raw::from("x")), ("b", Raw::Nil)]).is_err());
    assert!(object(&[("a", Raw::from("x")), ("a", Raw::Nil)]).is_err());
    assert!(object(&[("a", Raw::from(1)), ("n", Raw::Nil)]).is_err());
    assert_eq!(
        object(&[("a", Raw::Ext(12, vec![0x80])), ("n", Raw::Nil)])
            .unwrap()
            .get("a"),
        Val::Unknown
    );
    assert!(object(&[("a", Raw::Ext(7, vec![1, 2])), ("n", Raw::Nil)]).is_err());
    assert!(decode(&[0xc0, 0xc0], &ty).is_err(), "trailing bytes");
}
