//! `sapcalm_destination`.

mod cloud_alm_key;
mod key_trial;
mod kinds;
mod life;
mod moves;
mod recipes;
mod service_keys;
