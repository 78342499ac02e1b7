//! The identity of an object, as Terraform sends and stores it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use framework::provider::Provider as _;
use framework::wire::json::{self, Leniency};
use framework::wire::msgpack;
use sapcalm::provider::SapCalm;

fuzz_target!(|bytes: &[u8]| {
    for resource in SapCalm.resources() {
        let of = resource.identity_schema().object_type();
        if let Ok(value) = json::decode(&of, bytes, Leniency::Lenient) {
            let written = msgpack::encode(&of, &value).expect("what was read can be written");
            let again = msgpack::decode(&of, &written).expect("what was written can be read");
            assert!(again.same(&value));
        }
        let _ = msgpack::decode(&of, bytes);
    }
});
