//! Private state: whatever lies there can be read, and stays what it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use framework::private::Private;

fuzz_target!(|bytes: &[u8]| {
    let private = Private::from_bytes(bytes);
    assert_eq!(Private::from_bytes(&private.to_bytes()), private);
    let _ = private.get::<Vec<String>>("properties");
});
