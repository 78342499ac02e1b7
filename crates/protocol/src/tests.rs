//! The interface and its code.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use prost_types::{DescriptorProto, FileDescriptorSet};

fn files() -> FileDescriptorSet {
    super::interface().unwrap()
}

/// Every method as `package.Service/Method(request) -> answer`.
fn methods() -> Vec<String> {
    let mut methods = Vec::new();
    for file in files().file {
        for service in &file.service {
            for method in &service.method {
                let stream = |streaming| if streaming { "stream " } else { "" };
                methods.push(format!(
                    "{}.{}/{}({}{}) -> {}{}",
                    file.package(),
                    service.name(),
                    method.name(),
                    stream(method.client_streaming()),
                    method.input_type().trim_start_matches('.'),
                    stream(method.server_streaming()),
                    method.output_type().trim_start_matches('.'),
                ));
            }
        }
    }
    methods.sort();
    methods
}

/// Every field and enum value as `Message.field = number type`.
fn fields() -> Vec<String> {
    fn add(message: &DescriptorProto, path: &str, fields: &mut Vec<String>) {
        let path = format!("{path}.{}", message.name());
        for field in &message.field {
            let kind = match field.type_name() {
                "" => field.r#type().as_str_name()[5..].to_lowercase(),
                name => name.trim_start_matches('.').to_owned(),
            };
            let label = field.label().as_str_name()[6..].to_lowercase();
            fields.push(format!(
                "{path}.{} = {} {label} {kind}",
                field.name(),
                field.number(),
            ));
        }
        for kind in &message.enum_type {
            for value in &kind.value {
                let (kind, name, number) = (kind.name(), value.name(), value.number());
                fields.push(format!("{path}.{kind}.{name} = {number}"));
            }
        }
        for inner in &message.nested_type {
            add(inner, &path, fields);
        }
    }
    let mut fields = Vec::new();
    for file in files().file {
        for message in &file.message_type {
            add(message, file.package(), &mut fields);
        }
    }
    fields.sort();
    fields
}

/// The interface is what all versions of Terraform share: a change in
/// these snapshots breaks somebody.
#[test]
fn methods_are_those_of_the_interface() {
    insta::assert_snapshot!(methods().join("\n"));
}

#[test]
fn fields_are_those_of_the_interface() {
    insta::assert_snapshot!(fields().join("\n"));
}

#[test]
fn the_code_is_that_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    super::write_code(folder.path()).unwrap();
    let mut compared = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name();
        let [expected, code] = [folder.path(), &super::folder().join("code")]
            .map(|folder| fs::read_to_string(folder.join(&name)).unwrap());
        assert!(
            code == expected,
            "{} is old: run `make protocol`",
            name.display()
        );
        compared += 1;
    }
    assert_eq!(compared, 3);
}
