//! Data-plane channels (TCP, TLS, Unix sockets), peer liveness and collectives
