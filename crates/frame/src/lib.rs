//! Wire format of the data plane: fixed binary headers, no I/O
