//! TLS 1.3 between members that know each other's certificates.
//!
//! There is no authority: each worker makes a certificate for one load, its SHA-256 fingerprint travels over the
//! authenticated control plane, and both sides accept nothing else.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, DistinguishedName, ServerConfig,
    ServerConnection, SignatureScheme,
};
use sha2::{Digest, Sha256};

use crate::error::FabricError;

/// Name in every certificate. It is not checked: the fingerprint is.
const CERTIFICATE_NAME: &str = "shoal.invalid";

/// SHA-256 of a certificate in DER form; its text form is 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate.as_ref()).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = FabricError;

    fn from_str(text: &str) -> Result<Self, FabricError> {
        let invalid = || FabricError::InvalidArgument {
            reason: format!("a certificate fingerprint has 64 hexadecimal digits, not {text:?}"),
        };
        if text.len() != 64 || !text.is_ascii() {
            return Err(invalid());
        }
        let mut bytes = [0_u8; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

/// A certificate and its key, made for one load and gone with it.
#[derive(Clone)]
pub struct TlsIdentity {
    certificate: CertificateDer<'static>,
    private_key: Arc<PrivatePkcs8KeyDer<'static>>,
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TlsIdentity({})", self.fingerprint())
    }
}

impl TlsIdentity {
    /// Makes a new key and a self-signed certificate for it.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn generate() -> Result<Self, FabricError> {
        let made = rcgen::generate_simple_self_signed([CERTIFICATE_NAME.to_owned()])
            .map_err(|error| tls_error("making a certificate", &error))?;
        Ok(Self {
            certificate: made.cert.der().clone(),
            private_key: Arc::new(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der())),
        })
    }

    /// What peers must be told to accept this identity.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.private_key.clone_key())
    }

    /// A client side that accepts only the server with the fingerprint.
    pub(crate) fn connect(&self, server: Fingerprint) -> Result<rustls::Connection, FabricError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Arc::new(PinnedPeers::new(vec![server], &provider));
        let configuration = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| tls_error("configuring TLS", &error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_auth_cert(vec![self.certificate.clone()], self.key())
            .map_err(|error| tls_error("configuring TLS", &error))?;
        let name = ServerName::try_from(CERTIFICATE_NAME).map_err(|error| tls_error("configuring TLS", &error))?;
        let mut connection =
            ClientConnection::new(Arc::new(configuration), name).map_err(|error| tls_error("starting TLS", &error))?;
        connection.set_buffer_limit(Some(BUFFER_LIMIT_BYTES));
        Ok(connection.into())
    }

    /// A server side that accepts only clients with one of the fingerprints.
    pub(crate) fn accept(&self, clients: &[Fingerprint]) -> Result<rustls::Connection, FabricError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Arc::new(PinnedPeers::new(clients.to_vec(), &provider));
        let mut configuration = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| tls_error("configuring TLS", &error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![self.certificate.clone()], self.key())
            .map_err(|error| tls_error("configuring TLS", &error))?;
        // Sessions are never resumed: a load has one connection per pair.
        configuration.send_tls13_tickets = 0;
        let mut connection =
            ServerConnection::new(Arc::new(configuration)).map_err(|error| tls_error("starting TLS", &error))?;
        connection.set_buffer_limit(Some(BUFFER_LIMIT_BYTES));
        Ok(connection.into())
    }
}

/// Plain bytes that a TLS session accepts ahead of the network.
const BUFFER_LIMIT_BYTES: usize = 256 << 10;

fn tls_error(operation: &str, error: &dyn fmt::Display) -> FabricError {
    FabricError::InputOutput {
        operation: operation.to_owned(),
        reason: error.to_string(),
    }
}

/// The fingerprint of the certificate that the other side proved to own.
pub(crate) fn peer_fingerprint(connection: &rustls::Connection) -> Option<Fingerprint> {
    connection.peer_certificates()?.first().map(Fingerprint::of)
}

/// Accepts the certificates with these fingerprints and no others.
#[derive(Debug)]
struct PinnedPeers {
    fingerprints: Vec<Fingerprint>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PinnedPeers {
    fn new(fingerprints: Vec<Fingerprint>, provider: &CryptoProvider) -> Self {
        Self {
            fingerprints,
            algorithms: provider.signature_verification_algorithms,
        }
    }

    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        if self.fingerprints.contains(&Fingerprint::of(certificate)) {
            return Ok(());
        }
        Err(rustls::Error::InvalidCertificate(
            CertificateError::ApplicationVerificationFailure,
        ))
    }

    fn refuse_tls12() -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is not offered".to_owned()))
    }
}

impl ServerCertVerifier for PinnedPeers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Self::refuse_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for PinnedPeers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Self::refuse_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_round_trip_as_text() {
        let fingerprint = TlsIdentity::generate().unwrap().fingerprint();
        assert_eq!(fingerprint.to_string().parse::<Fingerprint>().unwrap(), fingerprint);
        assert!("abc".parse::<Fingerprint>().is_err());
        assert!("zz".repeat(32).parse::<Fingerprint>().is_err());
    }
}
