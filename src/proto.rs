//! See the layer list in `lib.rs`.
