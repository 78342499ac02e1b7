//! `sapcalm_destination_certificate`.

mod generated;
mod life;
