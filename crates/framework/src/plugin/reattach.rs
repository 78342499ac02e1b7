//! What debug mode prints: how a Terraform uses a provider that is running already.

use serde_json::json;

use super::handshake::{Address, PROTOCOL};

/// Text for a terminal, with the environment variable to set.
pub(super) fn instructions(provider: &str, socket: &Address, process: u32) -> String {
    let variable = variable(provider, socket, process);
    format!(
        "The provider is running. Terraform uses it where this variable is set:\n\n\
         \tTF_REATTACH_PROVIDERS='{variable}'\n\n\
         It ends on Ctrl-C.\n"
    )
}

/// The value of `TF_REATTACH_PROVIDERS`, fit for single quotes in a shell.
fn variable(provider: &str, socket: &Address, process: u32) -> String {
    let how = json!({
        "Protocol": "grpc",
        "ProtocolVersion": PROTOCOL,
        "Pid": process,
        // Terraform then neither ends the process nor kills it.
        "Test": true,
        "Addr": { "Network": socket.network(), "String": socket.to_string() },
    });
    json!({ provider: how })
        .to_string()
        .replace('\'', "\\u0027")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn variable_is_what_terraform_parses() {
        let socket = Address::unix(Path::new("/tmp/x/s")).unwrap();
        assert_eq!(
            variable("registry.terraform.io/acme/acme", &socket, 4711),
            r#"{"registry.terraform.io/acme/acme":{"Protocol":"grpc","ProtocolVersion":6,"Pid":4711,"Test":true,"Addr":{"Network":"unix","String":"/tmp/x/s"}}}"#
        );
    }

    #[test]
    fn quote_in_a_path_does_not_end_the_quotes_of_the_shell() {
        let socket = Address::unix(Path::new("/tmp/o'hara/s")).unwrap();
        let variable = variable("a/b", &socket, 1);
        assert!(!variable.contains('\''), "{variable}");
        let value: serde_json::Value = serde_json::from_str(&variable).unwrap();
        assert_eq!(value["a/b"]["Addr"]["String"], "/tmp/o'hara/s");
    }
}
