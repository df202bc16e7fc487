//! The native step driver: scheduling, sampling, state slots, the head and member loops
