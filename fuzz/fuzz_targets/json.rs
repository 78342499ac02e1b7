//! An object in a state file, strictly and leniently: no panic, and what was read
//! is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use framework::wire::json::{self, Leniency};
use framework::wire::msgpack;

fuzz_target!(|bytes: &[u8]| {
    let Some((of, bytes)) = sapcalm_fuzz::typed(bytes) else {
        return;
    };
    for leniency in [Leniency::Strict, Leniency::Lenient] {
        if let Ok(value) = json::decode(&of, bytes, leniency) {
            let written = msgpack::encode(&of, &value).expect("what was read can be written");
            let again = msgpack::decode(&of, &written);
            assert!(again.expect("what was written can be read").same(&value));
        }
    }
});
