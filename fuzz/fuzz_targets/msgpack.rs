//! A value as Terraform sends it: no panic, no memory for what is not there, and
//! what was read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use framework::wire::msgpack;

fuzz_target!(|bytes: &[u8]| {
    let Some((of, bytes)) = sapcalm_fuzz::typed(bytes) else {
        return;
    };
    if let Ok(value) = msgpack::decode(&of, bytes) {
        let written = msgpack::encode(&of, &value).expect("what was read can be written");
        let again = msgpack::decode(&of, &written).expect("what was written can be read");
        assert!(again.same(&value));
        assert_eq!(msgpack::encode(&of, &again).expect("again"), written);
    }
});
