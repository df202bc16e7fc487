//! Versioned repr(C) tables that separately built native libraries share: channels, backends, executables
