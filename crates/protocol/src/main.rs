//! `make protocol`: writes the code of the wire interface into `proto/code/`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    protocol::write_code(&protocol::folder().join("code"))
}
