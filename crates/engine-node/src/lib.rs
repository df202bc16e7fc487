//! Node and Bun bindings of the engine, without logic: what JavaScript may call, and how errors reach it.
//!
//! Every exported function goes through [`error::border`]: panics and errors become JavaScript errors whose `code` is a
//! stable code. Work that waits runs on threads of its own ([`promise`]); no JavaScript thread blocks here.

mod c_interface;
mod channel;
mod cleanup;
mod convert;
mod device;
mod error;
mod fabric;
mod measure;
mod member;
mod numbered;
mod probe;
mod promise;
mod script;
mod version;
