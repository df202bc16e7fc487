//! Member programs as data: parsing and validation
