//! Node and Bun bindings of the engine, without logic
