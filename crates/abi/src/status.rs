//! Results as fixed numbers: the only form in which an error crosses a table.

use std::fmt;

/// Result of every function in a table: 0 is success, any other value an [`ErrorCode`].
///
/// A plain integer, because a foreign library may return a number that this build does not know.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub i32);

impl Status {
    /// Success.
    pub const OK: Self = Self(0);

    /// The error, or nothing for success. A number that this build does not know becomes [`ErrorCode::UnknownStatus`].
    pub fn error(self) -> Option<ErrorCode> {
        match self.0 {
            0 => None,
            number => Some(ErrorCode::from_number(number).unwrap_or(ErrorCode::UnknownStatus)),
        }
    }
}

impl From<ErrorCode> for Status {
    fn from(code: ErrorCode) -> Self {
        Self(code.number())
    }
}

macro_rules! error_codes {
    ($($(#[$documentation:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// Stable error codes: the number crosses tables, the name goes to people and to other languages.
        ///
        /// Numbers and names are never reused: 1–99 are general, 100–199 transport, 200–299 backend.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum ErrorCode {
            $($(#[$documentation])* $variant = $number,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code with this number.
            pub fn from_number(number: i32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The code with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }

            /// The stable name, such as `TRANSPORT_PEER_LOST`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

error_codes! {
    /// A library returned a number that this build does not know.
    UnknownStatus = 1, "INTERNAL_UNKNOWN_STATUS";
    /// A panic was caught at the border; the object that was called is not usable any more.
    Panic = 2, "INTERNAL_PANIC";
    /// A pointer was null, a length did not fit or an id was unknown.
    InvalidArgument = 3, "INTERNAL_INVALID_ARGUMENT";
    /// A table's size or version is not one that this build can use.
    VersionMismatch = 4, "PLUGIN_VERSION_MISMATCH";
    /// The error has a code without a number of its own: the text beside the status begins with it.
    Unnumbered = 5, "INTERNAL_UNNUMBERED";
    /// The peer is gone or does not answer; the message says how that was noticed.
    TransportPeerLost = 100, "TRANSPORT_PEER_LOST";
    /// A deadline passed while the peer still showed signs of life.
    TransportTimeout = 101, "TRANSPORT_TIMEOUT";
    /// The other side does not hold the secret or the key that was expected.
    TransportUnauthenticated = 102, "TRANSPORT_UNAUTHENTICATED";
    /// The other side belongs to another instance or epoch.
    TransportEpochMismatch = 103, "TRANSPORT_EPOCH_MISMATCH";
    /// A member is at another point of the series of collectives.
    TransportDesynchronized = 104, "TRANSPORT_DESYNCHRONIZED";
    /// Bytes arrived that are no frame of this protocol.
    TransportProtocol = 105, "TRANSPORT_PROTOCOL";
    /// A message is longer than the channel or the receiver's buffer allows.
    TransportFrameTooLarge = 106, "TRANSPORT_FRAME_TOO_LARGE";
    /// The work was given up on purpose, here or by a peer.
    TransportAborted = 107, "TRANSPORT_ABORTED";
    /// The peer left cleanly.
    TransportClosed = 108, "TRANSPORT_CLOSED";
    /// No connection could be made within the deadline.
    TransportUnreachable = 109, "TRANSPORT_UNREACHABLE";
    /// An address cannot be read or is not supported on this platform.
    TransportAddressInvalid = 110, "TRANSPORT_ADDRESS_INVALID";
    /// The operating system refused an operation on a socket.
    TransportInputOutput = 111, "TRANSPORT_INPUT_OUTPUT";
    /// The device or its library is absent.
    BackendDeviceUnavailable = 200, "BACKEND_DEVICE_UNAVAILABLE";
    /// The device has not enough memory.
    BackendOutOfMemory = 201, "BACKEND_OUT_OF_MEMORY";
    /// The backend does not run this operation, format or shape.
    BackendUnsupported = 202, "BACKEND_UNSUPPORTED";
    /// The device reported a failure.
    BackendFailed = 203, "BACKEND_FAILED";
}

impl ErrorCode {
    /// The number that crosses tables.
    pub fn number(self) -> i32 {
        self as i32
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_and_codes_map_both_ways() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
            assert_eq!(Status::from(*code).error(), Some(*code));
            assert_eq!(ErrorCode::from_name(code.name()), Some(*code));
        }
        let known: HashSet<i32> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(known.len(), ErrorCode::ALL.len());
        for number in -10..1000 {
            assert_eq!(
                ErrorCode::from_number(number).is_some(),
                known.contains(&number),
                "{number}"
            );
        }
    }

    #[test]
    fn names_are_unique_and_have_the_fixed_form() {
        let names: HashSet<&str> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        for name in names {
            assert!(
                name.chars()
                    .all(|character| character.is_ascii_uppercase() || character == '_'),
                "{name}"
            );
        }
    }

    /// The border turns general codes into those of the TypeScript table; transport codes pass as they are.
    #[test]
    fn transport_names_stand_in_the_table_of_the_other_language() {
        let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../../core/src/spec/error-table.ts");
        let table = std::fs::read_to_string(table).unwrap();
        let names = ErrorCode::ALL.iter().map(|code| code.name());
        for name in names.filter(|name| name.starts_with("TRANSPORT_")) {
            assert!(table.contains(&format!("  {name}: {{")), "{name} is missing");
        }
    }

    #[test]
    fn success_and_foreign_numbers_are_told_apart() {
        assert_eq!(Status::OK.error(), None);
        assert_eq!(Status(-7).error(), Some(ErrorCode::UnknownStatus));
    }
}
