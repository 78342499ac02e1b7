//! The main job: a destination and a registration from three keys, and its edges.

mod bad_input;
mod cli;
mod keys;
mod life;
mod network;
mod whose_object;
