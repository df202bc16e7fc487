//! Where a member listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::FabricError;

/// An address of the data plane with the transport that is spoken there.
///
/// Its text forms are `unix:/path`, `tcp:127.0.0.1:4000` (trusted machine only) and `tls:192.168.1.5:4000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A Unix socket on this machine. Not on Windows: use loopback TCP there.
    Unix(PathBuf),
    /// TCP in the clear. The peer is authenticated, the bytes are neither encrypted nor protected.
    Tcp(SocketAddr),
    /// TCP with TLS 1.3 and pinned certificates.
    Tls(SocketAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
            Self::Tcp(address) => write!(formatter, "tcp:{address}"),
            Self::Tls(address) => write!(formatter, "tls:{address}"),
        }
    }
}

impl FromStr for Address {
    type Err = FabricError;

    fn from_str(text: &str) -> Result<Self, FabricError> {
        let invalid = |reason: &str| FabricError::InvalidAddress {
            address: text.to_owned(),
            reason: reason.to_owned(),
        };
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(invalid("write unix:PATH, tcp:IP:PORT or tls:IP:PORT"));
        };
        let socket = || {
            rest.parse::<SocketAddr>()
                .map_err(|_| invalid("an IP address and a port are needed"))
        };
        match scheme {
            "unix" if rest.is_empty() => Err(invalid("the path is empty")),
            "unix" => Ok(Self::Unix(PathBuf::from(rest))),
            "tcp" => Ok(Self::Tcp(socket()?)),
            "tls" => Ok(Self::Tls(socket()?)),
            _ => Err(invalid("the kind must be unix, tcp or tls")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        for text in ["unix:/run/a b.sock", "tcp:127.0.0.1:80", "tls:[::1]:65535"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn unusable_texts_are_refused_by_name() {
        for text in [
            "",
            "tcp",
            "tcp:localhost:1",
            "tcp:1.2.3.4",
            "tls:1.2.3.4:99999",
            "unix:",
            "udp:1.2.3.4:5",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error.code().name(), "TRANSPORT_ADDRESS_INVALID");
            assert!(error.to_string().contains(text));
        }
    }
}
