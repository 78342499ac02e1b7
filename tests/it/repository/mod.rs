//! What people read, and what holds the repository together.

mod documentation;
mod examples;
mod files;
mod guides;
mod security_promises;
