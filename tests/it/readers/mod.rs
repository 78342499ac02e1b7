//! What reads and changes nothing: data sources, functions, the token, the list, the actions.

mod cli;
mod data_sources;
mod list_and_action;
mod tokens_and_functions;
