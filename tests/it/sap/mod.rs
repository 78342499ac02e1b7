//! What goes to SAP: the client by itself, what is assumed, what `check` finds, how many requests.

mod assumptions;
mod check;
mod client;
mod request_counts;
