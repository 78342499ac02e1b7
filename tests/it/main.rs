//! The integration tests: one binary, so that the library is linked once.

#[cfg(test)]
#[allow(
    dead_code,
    unused_imports,
    reason = "offered to all tests; which of it they use changes with them"
)]
mod support;

#[cfg(test)]
mod assumptions;

#[cfg(test)]
mod check;

#[cfg(test)]
mod client_against_emulator;

#[cfg(test)]
mod cloud_alm_fallback;

#[cfg(test)]
mod concurrency;

#[cfg(test)]
mod connections;

#[cfg(test)]
mod crash_texts;

#[cfg(test)]
mod documentation;

#[cfg(test)]
mod edges_absence;

#[cfg(test)]
mod edges_bad_input;

#[cfg(test)]
mod edges_clients;

#[cfg(test)]
mod edges_keys;

#[cfg(test)]
mod edges_kinds;

#[cfg(test)]
mod edges_many;

#[cfg(test)]
mod edges_network;

#[cfg(test)]
mod edges_whose_object;

#[cfg(test)]
mod examples;

#[cfg(test)]
mod fault_matrix;

#[cfg(test)]
mod fetched_cli;

#[cfg(test)]
mod generated_config;

#[cfg(test)]
mod generated_lives;

#[cfg(test)]
mod guides;

#[cfg(test)]
mod hostile_requests;

#[cfg(test)]
mod ignored_changes;

#[cfg(test)]
mod install;

#[cfg(test)]
mod job_monitoring;

#[cfg(test)]
mod key_trial;

#[cfg(test)]
mod kill_matrix;

#[cfg(test)]
mod list_and_action;

#[cfg(test)]
mod lifecycles;

#[cfg(test)]
mod main_job;

#[cfg(test)]
mod main_job_cli;

#[cfg(test)]
mod moves;

#[cfg(test)]
mod newest;

#[cfg(test)]
mod odd_values;

#[cfg(test)]
mod opentofu;

#[cfg(test)]
mod own_service_keys;

#[cfg(test)]
mod peers;

#[cfg(test)]
mod plugin_transport;

#[cfg(test)]
mod provider_data_sources;

#[cfg(test)]
mod provider_destination;

#[cfg(test)]
mod provider_destination_certificate;

#[cfg(test)]
mod provider_generated_certificate;

#[cfg(test)]
mod provider_registration;

#[cfg(test)]
mod provider_tokens_and_functions;

#[cfg(test)]
mod repository;

#[cfg(test)]
mod request_counts;

#[cfg(test)]
mod sap_clients;

#[cfg(test)]
mod secret_canaries;

#[cfg(test)]
mod security_promises;

#[cfg(test)]
mod stored_states;

#[cfg(test)]
#[cfg(test)]
mod turn_matrix;

#[cfg(test)]
mod vocabulary_cli;
