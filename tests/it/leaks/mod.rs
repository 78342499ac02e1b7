//! Nothing leaks: secrets, crashes, whoever talks to the provider.

mod canaries;
mod crash_texts;
mod hostile_requests;
mod peers;
