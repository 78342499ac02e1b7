//! Which proxy a request takes: the one of the configuration, or that of the
//! environment by the rules of Terraform itself (Go's package `httpproxy`), so
//! that the programs of one run never take different ways.
//!
//! `HTTPS_PROXY` and `NO_PROXY`, in capitals or not: the first that is not
//! empty counts. What is deliberately not read: `HTTP_PROXY`, as plain
//! `http://` is for loopback hosts, which no proxy of the environment is asked
//! for; `ALL_PROXY` and the settings of an operating system, which Terraform
//! does not know either.
//!
//! One difference: a proxy that cannot be used is an error. Go goes past it,
//! and a request that should have been inspected would leave unseen.

use std::net::IpAddr;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::config::ConfigError;
use super::credentials::is_loopback;

/// Looks up an environment variable.
type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The way of every request.
pub(crate) struct Proxies {
    proxy: Option<Url>,
    /// A proxy of the configuration is asked for loopback hosts, too.
    is_configured: bool,
    /// The hosts of `NO_PROXY`.
    rules: Vec<Rule>,
}

impl Proxies {
    pub(crate) fn new(
        configured: Option<&SecretString>,
        variables: Variables<'_>,
    ) -> Result<Self, ConfigError> {
        let first = |names: [&str; 2]| {
            let mut values = names.into_iter().filter_map(variables);
            values.find(|value| !value.is_empty())
        };
        let proxy = match configured {
            Some(url) => Some(parse(url.expose_secret()).ok_or(ConfigError::ProxyUrl)?),
            None => match first(["HTTPS_PROXY", "https_proxy"]) {
                Some(text) => Some(parse(&text).ok_or(ConfigError::ProxyVariable)?),
                None => None,
            },
        };
        Ok(Self {
            proxy,
            is_configured: configured.is_some(),
            rules: rules(&first(["NO_PROXY", "no_proxy"]).unwrap_or_default()),
        })
    }

    /// The proxy for a request to this URL.
    pub(crate) fn of(&self, url: &Url) -> Option<&Url> {
        let is_direct = (!self.is_configured && is_loopback(url)) || is_exception(&self.rules, url);
        self.proxy.as_ref().filter(|_| !is_direct)
    }

    /// The same without user name and password, to be shown.
    pub(crate) fn shown(&self, url: &Url) -> Option<String> {
        let mut proxy = self.of(url)?.clone();
        // Fails only for URLs that cannot have either.
        let _ = proxy.set_username("");
        let _ = proxy.set_password(None);
        proxy.set_query(None);
        Some(proxy.as_str().trim_end_matches('/').to_owned())
    }

    pub(crate) fn password(&self) -> Option<&str> {
        self.proxy.as_ref()?.password()
    }
}

/// A URL, or `host:port`, which means `http://`.
fn parse(text: &str) -> Option<Url> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let scheme = match &*scheme.to_ascii_lowercase() {
        // Terraform lets a SOCKS proxy look up names, which is `socks5h` here.
        "socks5" | "socks5h" => "socks5h",
        "https" => "https",
        "http" => "http",
        _ => return None,
    };
    let url = Url::parse(&format!("{scheme}://{rest}"));
    url.ok().filter(Url::has_host)
}

/// One entry of `NO_PROXY`.
enum Rule {
    Everything,
    Network(IpNet),
    Address(IpAddr, Port),
    /// Hosts with this suffix, which begins with a dot, and perhaps the domain
    /// itself.
    Domain {
        suffix: String,
        itself: bool,
        port: Port,
    },
}

/// A port in digits; an empty text is every port.
type Port = String;

fn rules(list: &str) -> Vec<Rule> {
    let entries = list.split(',').map(|entry| entry.trim().to_lowercase());
    entries.filter_map(|entry| Rule::parse(&entry)).collect()
}

fn is_exception(rules: &[Rule], url: &Url) -> bool {
    let port = url.port_or_known_default().unwrap_or_default().to_string();
    let host = url.host();
    host.is_some_and(|host| rules.iter().any(|rule| rule.matches(&host, &port)))
}

impl Rule {
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self::Everything);
        }
        if let Ok(network) = entry.parse() {
            return Some(Self::Network(network));
        }
        let (host, port) = split_port(entry);
        let port = port.to_owned();
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical(), port));
        }
        let host = host
            .strip_prefix('*')
            .filter(|rest| rest.starts_with('.'))
            .unwrap_or(host);
        let domain = host.strip_prefix('.').unwrap_or(host);
        // Names of other alphabets in the form that URLs have.
        let domain = match Host::parse(domain) {
            Ok(Host::Domain(domain)) => domain,
            _ => domain.to_owned(),
        };
        (!host.is_empty()).then(|| Self::Domain {
            itself: !host.starts_with('.'),
            suffix: format!(".{domain}"),
            port,
        })
    }

    fn matches(&self, host: &Host<&str>, port: &str) -> bool {
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::from(*address)),
            Host::Ipv6(address) => Some(IpAddr::from(*address).to_canonical()),
        };
        let fits = |wanted: &str| wanted.is_empty() || wanted == port;
        match self {
            Self::Everything => true,
            Self::Network(network) => address.is_some_and(|it| network.contains(&it)),
            Self::Address(wanted, port) => address == Some(*wanted) && fits(port),
            Self::Domain {
                suffix,
                itself,
                port,
            } => {
                let name = match address {
                    Some(address) => address.to_string(),
                    None => host.to_string(),
                };
                (name.ends_with(suffix) || *itself && name == suffix[1..]) && fits(port)
            }
        }
    }
}

/// Host and port of `host:port`, `address:port` or `[address]:port`.
fn split_port(entry: &str) -> (&str, &str) {
    let bracketed = entry
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]:"));
    bracketed
        .or_else(|| {
            entry
                .rsplit_once(':')
                .filter(|(host, _)| !host.contains(':'))
        })
        .unwrap_or((entry, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: &str = "http://proxy.example:3128";

    fn variables<'a>(given: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<'a> {
        move |name| {
            let found = given.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    fn proxies(configured: Option<&str>, given: &[(&str, &str)]) -> Result<Proxies, ConfigError> {
        let configured = configured.map(SecretString::from);
        Proxies::new(configured.as_ref(), &variables(given))
    }

    fn way(given: &[(&str, &str)], url: &str) -> Option<String> {
        let url = Url::parse(url).unwrap();
        proxies(None, given)
            .unwrap()
            .of(&url)
            .map(|proxy| proxy.as_str().trim_end_matches('/').to_owned())
    }

    /// What Go documents for `NO_PROXY`, and what its own tests hold.
    #[test]
    fn exceptions_follow_the_documented_rules_of_go() {
        let direct = [
            ("foobar.example", "https://foobar.example"),
            ("foobar.example", "https://www.foobar.example"),
            ("FooBar.Example", "https://WWW.foobar.example"),
            (".barbaz.example", "https://www.barbaz.example"),
            ("*.wildcard.example", "https://nested.wildcard.example"),
            (
                "*.wildcard.example",
                "https://deeply.nested.wildcard.example",
            ),
            ("*.wildcard.example:443", "https://nested.wildcard.example"),
            ("acme.example:443", "https://acme.example"),
            ("acme.example:443", "https://sub.acme.example:443"),
            ("acme.example:8443", "https://acme.example:8443"),
            (".acme.example:443", "https://sub.acme.example"),
            ("acme.example:", "https://acme.example:8443"),
            ("*", "https://anything.example"),
            ("*", "https://10.1.2.3"),
            ("nothing.example, *", "https://anything.example"),
            (" a.example ,\tb.example ", "https://b.example"),
            (",,a.example,", "https://a.example"),
            ("192.168.1.1", "https://192.168.1.1"),
            ("192.168.1.3:443", "https://192.168.1.3"),
            ("10.0.0.0/30", "https://10.0.0.2"),
            ("10.1.2.3/8", "https://10.200.0.1:8443"),
            ("2001:db8::52:0:1", "https://[2001:db8::52:0:1]"),
            ("[2001:db8::52:0:3]:443", "https://[2001:db8::52:0:3]"),
            ("2002:db8:a::45/64", "https://[2002:db8:a::123]"),
            ("::ffff:10.0.0.1", "https://10.0.0.1"),
            ("10.0.0.1", "https://[::ffff:10.0.0.1]"),
            ("müller.example", "https://www.müller.example"),
            ("xn--mller-kva.example", "https://müller.example"),
            (".müller.example", "https://www.xn--mller-kva.example"),
        ];
        let through = [
            ("", "https://acme.example"),
            (" , ", "https://acme.example"),
            (":443", "https://acme.example"),
            (".barbaz.example", "https://barbaz.example"),
            ("*.wildcard.example", "https://wildcard.example"),
            ("*.wildcard.example", "https://awildcard.example"),
            ("foobar.example", "https://foofoobar.example"),
            ("ample.example", "https://example.example"),
            ("acme.example:443", "https://acme.example:8443"),
            ("acme.example:8443", "https://acme.example"),
            ("*acme.example", "https://www.acme.example"),
            ("a.example b.example", "https://a.example"),
            ("a.example;b.example", "https://a.example"),
            ("https://a.example", "https://a.example"),
            ("192.168.1.2:81", "https://192.168.1.2"),
            ("10.0.0.0/30", "https://10.0.0.4"),
            ("10.0.0.0/33", "https://10.0.0.1"),
            ("10.0.0.*", "https://10.0.0.1"),
            ("[2001:db8::52:0:2]:81", "https://[2001:db8::52:0:2]"),
            ("[2001:db8::52:0:2]", "https://[2001:db8::52:0:2]"),
            ("localhost", "https://localhost.example"),
        ];
        for (list, url) in direct {
            let given = [("HTTPS_PROXY", P), ("NO_PROXY", list)];
            assert_eq!(way(&given, url), None, "{list:?} {url}");
        }
        for (list, url) in through {
            let given = [("HTTPS_PROXY", P), ("NO_PROXY", list)];
            assert_eq!(way(&given, url).as_deref(), Some(P), "{list:?} {url}");
        }
    }

    #[test]
    fn of_two_spellings_of_a_variable_the_first_that_is_not_empty_counts() {
        let url = "https://acme.example";
        let table: [(&[(&str, &str)], Option<&str>); 9] = [
            (
                &[("HTTPS_PROXY", P), ("https_proxy", "http://other")],
                Some(P),
            ),
            (&[("HTTPS_PROXY", ""), ("https_proxy", P)], Some(P)),
            (&[("https_proxy", P)], Some(P)),
            (&[("HTTPS_PROXY", ""), ("https_proxy", "")], None),
            (
                &[
                    ("HTTPS_PROXY", P),
                    ("NO_PROXY", ""),
                    ("no_proxy", "acme.example"),
                ],
                None,
            ),
            (
                &[
                    ("HTTPS_PROXY", P),
                    ("NO_PROXY", "b.example"),
                    ("no_proxy", "acme.example"),
                ],
                Some(P),
            ),
            (&[("https_proxy", P), ("no_proxy", "acme.example")], None),
            (
                &[
                    ("HTTP_PROXY", P),
                    ("http_proxy", P),
                    ("ALL_PROXY", P),
                    ("all_proxy", P),
                ],
                None,
            ),
            (&[("Https_Proxy", P)], None),
        ];
        for (given, expected) in table {
            assert_eq!(way(given, url).as_deref(), expected, "{given:?}");
        }
    }

    #[test]
    fn a_proxy_is_a_url_or_host_and_port() {
        for (text, expected) in [
            ("proxy.example:3128", "http://proxy.example:3128"),
            ("proxy.example", "http://proxy.example"),
            ("proxy", "http://proxy"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            (" http://proxy.example:3128 ", P),
            ("https://proxy.example", "https://proxy.example"),
            ("HTTPS://Proxy.example", "https://proxy.example"),
            ("u:p@proxy.example:3128", "http://u:p@proxy.example:3128"),
            (
                "socks5://proxy.example:1080",
                "socks5h://proxy.example:1080",
            ),
        ] {
            let given = [("HTTPS_PROXY", text)];
            assert_eq!(
                way(&given, "https://acme.example").as_deref(),
                Some(expected),
                "{text}"
            );
        }
        for unusable in [
            "ftp://proxy.example",
            "http://",
            "foo://host",
            "http://[::1",
            ":3128",
        ] {
            let variable = proxies(None, &[("HTTPS_PROXY", unusable)]);
            assert_eq!(
                variable.err(),
                Some(ConfigError::ProxyVariable),
                "{unusable}"
            );
            let configured = proxies(Some(unusable), &[("HTTPS_PROXY", P)]);
            assert_eq!(configured.err(), Some(ConfigError::ProxyUrl), "{unusable}");
        }
    }

    #[test]
    fn loopback_hosts_are_for_the_configured_proxy_only() {
        for host in [
            "127.0.0.1",
            "127.0.0.2:99",
            "[::1]",
            "localhost",
            "localhost:99",
        ] {
            for scheme in ["http", "https"] {
                let url = Url::parse(&format!("{scheme}://{host}")).unwrap();
                let variable = proxies(None, &[("HTTPS_PROXY", P)]).unwrap();
                assert_eq!(variable.of(&url), None, "{url}");
                let configured = proxies(Some(P), &[]).unwrap();
                assert!(configured.of(&url).is_some(), "{url}");
            }
        }
        let url = Url::parse("https://127.0.0.1").unwrap();
        let given = [("NO_PROXY", "127.0.0.0/8")];
        assert_eq!(proxies(Some(P), &given).unwrap().of(&url), None);
        let other = Url::parse("https://[::2]").unwrap();
        assert!(
            proxies(None, &[("HTTPS_PROXY", P)])
                .unwrap()
                .of(&other)
                .is_some()
        );
    }

    #[test]
    fn the_configured_proxy_wins_and_is_shown_without_its_credentials() {
        let url = Url::parse("https://acme.example").unwrap();
        let proxies = proxies(
            Some("http://u:s3cr3t@mine.example:1/?q=s3cr3t"),
            &[("HTTPS_PROXY", P)],
        );
        let proxies = proxies.unwrap();
        assert_eq!(
            proxies.shown(&url).as_deref(),
            Some("http://mine.example:1")
        );
        assert_eq!(proxies.password(), Some("s3cr3t"));
    }
}
