//! Decimal numbers of any precision: bounded, and with one spelling each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use framework::number::Number;

fuzz_target!(|text: &str| {
    if let Ok(number) = text.parse::<Number>() {
        assert!(number.as_str().len() <= 5000);
        let again: Number = number.as_str().parse().expect("its own spelling can be read");
        assert_eq!(again.as_str(), number.as_str());
        let _ = number.as_i64();
    }
});
