//! Safe wrapper of ggml: devices, buffers, graphs, thread pools; runs member programs
