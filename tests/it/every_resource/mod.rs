//! Rules that hold for every resource, tried with all of them.

mod absence;
mod concurrency;
mod generated_config;
mod generated_lives;
mod ignored_changes;
mod lifecycles;
mod many;
mod odd_values;
mod stored_states;
