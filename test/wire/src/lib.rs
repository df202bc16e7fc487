//! A network in one process: hosts are network namespaces, their interfaces are TAP devices, and this is the switch
//! between them, which delays, loses and reorders frames by rules and a seed. See README.md.

pub mod control;
pub mod probe;
pub mod protocol;
pub mod random;
pub mod rule;
pub mod stage;
pub mod switch;

#[cfg(target_os = "linux")]
pub mod enter;
#[cfg(target_os = "linux")]
pub mod serve;
#[cfg(target_os = "linux")]
pub mod system;
