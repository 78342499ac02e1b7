//! Durations in Go's syntax.
#![no_main]

use libfuzzer_sys::fuzz_target;
use framework::duration;

fuzz_target!(|text: &str| {
    if let Ok(parsed) = duration::parse(text) {
        let again = duration::parse(&duration::format(parsed));
        assert_eq!(again.expect("what was written can be read"), parsed);
    }
});
