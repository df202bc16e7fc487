//! Single channels as JavaScript holds them: those that JavaScript itself fills, and probes that use a channel as a
//! member would.

mod probe;
mod script;
