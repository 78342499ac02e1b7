//! Every request of a whole life into every fault, every death and every turn.

mod faults;
mod kills;
mod turns;
