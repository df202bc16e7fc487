//! Hand-written FFI to ggml, built from the pinned registry package
