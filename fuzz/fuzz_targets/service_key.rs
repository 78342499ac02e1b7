//! Service keys: no panic, and neither an error nor `Debug` quotes the input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use client::{CloudAlmKey, DestinationKey, OrderManagementKey};

/// Stands in every input wherever a `#` is: as a secret, a URL, a name.
const CANARY: &str = "canary-7f3a";

fuzz_target!(|text: &str| {
    let text = format!(
        "{}{}",
        text.replace('#', CANARY),
        if text.len() % 2 == 0 { "" } else { CANARY }
    );
    let secret = format!("\"clientsecret\":\"{CANARY}\"");
    let is_secret_only = text.matches(CANARY).count() == text.matches(&secret).count();
    for shown in [
        format!("{:?}", DestinationKey::parse(&text)),
        format!("{:?}", OrderManagementKey::parse(&text)),
        format!("{:?}", CloudAlmKey::parse(&text)),
    ] {
        // Names and client ids may be shown, secrets never.
        assert!(!is_secret_only || !shown.contains(CANARY), "{shown}");
    }
});
