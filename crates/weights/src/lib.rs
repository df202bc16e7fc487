//! Checkpoint reading: safetensors index, byte ranges, weight expressions
