//! How Terraform and the provider find each other.
//!
//! Terraform starts the binary with environment variables and reads one line
//! from its stdout: which protocol, which socket, which server certificate.
//! This module reads the variables and writes the line. It opens nothing.

use std::{ffi::OsString, fmt, io, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// Says that a process was started as a Terraform plugin. Not a secret: the
/// same for all providers, Terraform and OpenTofu.
pub(super) const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// Version of go-plugin's own protocol.
const CORE_PROTOCOL: u32 = 1;

/// Version of Terraform's provider protocol, the only one that we speak.
pub(super) const PROTOCOL: u32 = 6;

/// What Terraform told the process when it started it.
#[derive(Debug)]
pub struct Handshake {
    /// Whether the client speaks protocol 6. We answer 6 in any case: then it
    /// is the client that tells the user which versions would fit.
    pub(super) offers_our_protocol: bool,
    /// PEM of the one certificate that may connect. None: connections in clear text.
    pub(super) client_certificate: Option<String>,
    pub(super) socket: SocketWishes,
    multiplexing_offered: bool,
}

/// Where Terraform wants the socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SocketWishes {
    /// Directory for the Unix socket.
    pub(super) directory: Option<PathBuf>,
    /// First and last TCP port to try. 0 to 0: any free port.
    pub(super) ports: (u16, u16),
}

impl Handshake {
    /// Reads the environment variables through `variable`. None when Terraform
    /// did not start this process, but somebody at a terminal.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let text = |name: &str| {
            let value = variable(name)?.into_string().ok()?;
            (!value.is_empty()).then_some(value)
        };
        if text(COOKIE.0)? != COOKIE.1 {
            return None;
        }
        let port = |name: &str| text(name).and_then(|port| port.parse().ok()).unwrap_or(0);
        let versions = text("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        Some(Self {
            offers_our_protocol: versions
                .split(',')
                .any(|version| version.trim().parse() == Ok(PROTOCOL)),
            client_certificate: text("PLUGIN_CLIENT_CERT"),
            socket: SocketWishes {
                directory: text("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
                ports: (port("PLUGIN_MIN_PORT"), port("PLUGIN_MAX_PORT")),
            },
            multiplexing_offered: text("PLUGIN_MULTIPLEX_GRPC").is_some(),
        })
    }

    /// The line for stdout, with its line feed.
    pub(super) fn line(&self, address: &Address, server_certificate: Option<&[u8]>) -> String {
        let certificate = server_certificate
            // go-plugin decodes without padding and stops at a `=`.
            .map(|der| STANDARD_NO_PAD.encode(der))
            .unwrap_or_default();
        // An answer that nobody asked for would end up in the certificate of
        // older clients.
        let multiplexing = if self.multiplexing_offered {
            "|false"
        } else {
            ""
        };
        let (network, name) = (address.network(), address);
        format!("{CORE_PROTOCOL}|{PROTOCOL}|{network}|{name}|grpc|{certificate}{multiplexing}\n")
    }
}

/// Writes `text` to stdout at once.
pub(super) fn announce(text: &str, stdout: &mut impl io::Write) -> io::Result<()> {
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Where the provider listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// Path of a Unix socket. Always UTF-8 and without `|`, see [`Address::unix`].
    Unix(String),
    Tcp(std::net::SocketAddr),
}

impl Address {
    /// `sun_path` has room for 104 bytes on macOS, for 108 on Linux.
    const LONGEST_PATH: usize = 100;

    /// None when `path` cannot be the name of a socket or cannot stand in the line.
    pub(super) fn unix(path: &std::path::Path) -> Option<Self> {
        let path = path.to_str()?;
        let fits = path.len() <= Self::LONGEST_PATH && !path.contains(['|', '\n', '\r']);
        fits.then(|| Self::Unix(path.to_owned()))
    }

    pub(super) fn network(&self) -> &'static str {
        match self {
            Self::Unix(_) => "unix",
            Self::Tcp(_) => "tcp",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => f.write_str(path),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Option<Handshake> {
        Handshake::read(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    fn tcp() -> Address {
        Address::Tcp(([127, 0, 0, 1], 10001).into())
    }

    #[test]
    fn without_the_right_cookie_there_is_no_handshake() {
        assert!(read(&[]).is_none());
        assert!(read(&[(COOKIE.0, "")]).is_none());
        assert!(read(&[(COOKIE.0, "d602bf8f")]).is_none());
        assert!(read(&[COOKIE]).is_some());
    }

    #[test]
    fn versions_are_a_set_in_any_order() {
        for (list, expected) in [
            ("5,6", true),
            ("6,5", true),
            ("6", true),
            (" 6 , x", true),
            ("5", false),
            ("", false),
            ("16,60", false),
        ] {
            let handshake = read(&[COOKIE, ("PLUGIN_PROTOCOL_VERSIONS", list)]).unwrap();
            assert_eq!(handshake.offers_our_protocol, expected, "{list:?}");
            assert_eq!(
                handshake.line(&tcp(), None),
                "1|6|tcp|127.0.0.1:10001|grpc|\n"
            );
        }
    }

    #[test]
    fn certificate_is_base64_without_padding() {
        let handshake = read(&[COOKIE]).unwrap();
        let path = Address::unix(Path::new("/tmp/s/p")).unwrap();
        // One byte takes two characters and, elsewhere, two of padding.
        assert_eq!(
            handshake.line(&path, Some(&[0xfb])),
            "1|6|unix|/tmp/s/p|grpc|+w\n"
        );
    }

    #[test]
    fn multiplexing_is_declined_only_when_offered() {
        let handshake = read(&[COOKIE, ("PLUGIN_MULTIPLEX_GRPC", "true")]).unwrap();
        assert_eq!(
            handshake.line(&tcp(), None),
            "1|6|tcp|127.0.0.1:10001|grpc||false\n"
        );
    }

    #[test]
    fn wishes_for_the_socket_are_read() {
        let handshake = read(&[
            COOKIE,
            ("PLUGIN_MIN_PORT", "10000"),
            ("PLUGIN_MAX_PORT", "25000"),
            ("PLUGIN_UNIX_SOCKET_DIR", "/run/x"),
            ("PLUGIN_CLIENT_CERT", ""),
        ])
        .unwrap();
        assert_eq!(
            handshake.socket,
            SocketWishes {
                directory: Some("/run/x".into()),
                ports: (10000, 25000),
            }
        );
        assert_eq!(handshake.client_certificate, None);
    }

    #[test]
    fn path_that_does_not_fit_is_no_address() {
        for path in ["/tmp/a|b", "/tmp/a\nb", &format!("/{}", "x".repeat(100))] {
            assert_eq!(Address::unix(Path::new(path)), None, "{path:?}");
        }
        assert!(Address::unix(Path::new(&format!("/{}", "x".repeat(99)))).is_some());
    }
}
