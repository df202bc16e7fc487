//! Authentication before anything else is parsed.
//!
//! Both sides prove by HMAC-SHA256 that they hold the load's secret, over a transcript that binds both nonces, the
//! instance, the epoch and the places of both in the plan:
//!
//! | | from | header says | payload |
//! |---|---|---|---|
//! | 1 | connecting | own place, instance, epoch; tag: the place of the peer it wants | nonce |
//! | 2 | accepting | own place, instance, epoch | nonce, proof |
//! | 3 | connecting | | proof |
//! | 4 | accepting | sequence: 0 for welcome | proof |
//!
//! Every message has a fixed size, so a stranger can make this side hold a hundred bytes until the deadline and no
//! more. Instance and epoch are compared after the proofs, so that only members learn of them.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, ErrorKind};
use std::str::FromStr;
use std::time::Duration;

use hmac::{Hmac, Mac};
use rustix::event::{PollFd, PollFlags};
use sha2::Sha256;
use shoal_frame::{FrameHeader, FrameKind, HEADER_BYTES};

use crate::deadline::Deadline;
use crate::error::FabricError;
use crate::peer::MemberIndex;
use crate::stream::{PollHandle, Stream};
use crate::wait::poll;

const NONCE_BYTES: usize = 32;
const PROOF_BYTES: usize = 32;

/// How often a handshake looks whether it was given up.
const ABORT_CHECK_INTERVAL: Duration = Duration::from_millis(20);

const LABEL_ACCEPTING: &[u8] = b"shoal hello 1 accepting";
const LABEL_CONNECTING: &[u8] = b"shoal hello 1 connecting";
const LABEL_VERDICT: &[u8] = b"shoal hello 1 verdict";

/// The secret of one load: 32 random bytes that every member got over the control plane. Its text form is 64
/// hexadecimal digits; it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = FabricError;

    fn from_str(text: &str) -> Result<Self, FabricError> {
        // The text is not repeated in the error: it may be most of a secret.
        text.parse::<crate::tls::Fingerprint>()
            .map(|bytes| Self(bytes.0))
            .map_err(|_| FabricError::InvalidArgument {
                reason: "the secret of a load has 64 hexadecimal digits".to_owned(),
            })
    }
}

/// What this side says about itself.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) me: MemberIndex,
    pub(crate) instance: u64,
    pub(crate) epoch: u32,
    pub(crate) secret: Secret,
}

impl Credentials {
    fn header(&self, length: usize) -> FrameHeader {
        FrameHeader {
            instance: self.instance,
            epoch: self.epoch,
            stage: self.me.stage,
            member: self.me.member,
            // The sizes of the four messages are constants far below 4 GiB.
            length: length as u32,
            ..FrameHeader::new(FrameKind::Hello)
        }
    }

    fn mac(&self, label: &[u8], transcript: &[u8]) -> Result<Hmac<Sha256>, FabricError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret.0).map_err(|error| FabricError::InvalidArgument {
            reason: error.to_string(),
        })?;
        mac.update(label);
        mac.update(transcript);
        Ok(mac)
    }

    fn prove(&self, label: &[u8], transcript: &[u8]) -> Result<[u8; PROOF_BYTES], FabricError> {
        Ok(self.mac(label, transcript)?.finalize().into_bytes().into())
    }

    /// Compares in constant time.
    fn holds(&self, label: &[u8], transcript: &[u8], proof: &[u8]) -> Result<bool, FabricError> {
        Ok(self.mac(label, transcript)?.verify_slice(proof).is_ok())
    }

    fn compare_load(&self, header: &FrameHeader, address: &str) -> Result<(), FabricError> {
        if (header.instance, header.epoch) == (self.instance, self.epoch) {
            return Ok(());
        }
        Err(FabricError::EpochMismatch {
            address: address.to_owned(),
            expected: (self.instance, self.epoch),
            found: (header.instance, header.epoch),
        })
    }
}

/// A stream on which the handshake is going on.
pub(crate) struct Negotiation<'call> {
    pub(crate) stream: &'call mut Stream,
    /// Where the other side is, for messages.
    pub(crate) address: &'call str,
    pub(crate) deadline: Deadline,
    pub(crate) given_up: &'call (dyn Fn() -> bool + Sync),
}

/// Why an incoming connection was refused, and who it claimed to be if it came that far.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) claimed: Option<MemberIndex>,
    pub(crate) error: FabricError,
}

impl Negotiation<'_> {
    /// The connecting side.
    pub(crate) fn connect(&mut self, credentials: &Credentials, peer: MemberIndex) -> Result<(), FabricError> {
        let mut transcript = Vec::with_capacity(2 * (HEADER_BYTES + NONCE_BYTES));
        let hello = FrameHeader {
            tag: place(peer),
            ..credentials.header(NONCE_BYTES)
        };
        transcript.extend_from_slice(&hello.encode());
        transcript.extend_from_slice(&nonce()?);
        self.write(&transcript)?;

        let mut answer = [0_u8; HEADER_BYTES + NONCE_BYTES + PROOF_BYTES];
        let answer_header = self.read_hello(&mut answer)?;
        let (said, proof) = answer.split_at(HEADER_BYTES + NONCE_BYTES);
        transcript.extend_from_slice(said);
        let authentic = credentials.holds(LABEL_ACCEPTING, &transcript, proof)?;

        // Sent even if the other side failed, so that it too can tell a wrong secret from a broken connection.
        let mut message = credentials.header(PROOF_BYTES).encode().to_vec();
        message.extend_from_slice(&credentials.prove(LABEL_CONNECTING, &transcript)?);
        transcript.extend_from_slice(&message[..HEADER_BYTES]);
        let written = self.write(&message);
        if !authentic {
            return Err(self.unauthenticated("it holds another secret"));
        }
        credentials.compare_load(&answer_header, self.address)?;
        written?;
        if (answer_header.stage, answer_header.member) != (peer.stage, peer.member) {
            return Err(self.broken(&format!(
                "expected was {peer}, found was stage {} member {}",
                answer_header.stage, answer_header.member
            )));
        }

        let mut verdict = [0_u8; HEADER_BYTES + PROOF_BYTES];
        let verdict_header = self.read_hello(&mut verdict)?;
        let (said, proof) = verdict.split_at(HEADER_BYTES);
        transcript.extend_from_slice(said);
        if !credentials.holds(LABEL_VERDICT, &transcript, proof)? {
            return Err(self.unauthenticated("its verdict is forged"));
        }
        match verdict_header.sequence {
            0 => Ok(()),
            number => {
                let status = shoal_abi::Status(i32::try_from(number).unwrap_or(i32::MAX));
                let code = status.error().unwrap_or(shoal_abi::ErrorCode::UnknownStatus);
                Err(self.unauthenticated(&format!("it refused this member with {code}")))
            }
        }
    }

    /// The accepting side. `admit` judges an authentic member.
    pub(crate) fn accept(
        &mut self,
        credentials: &Credentials,
        admit: impl FnOnce(MemberIndex, &Stream) -> Result<(), String>,
    ) -> Result<MemberIndex, Refusal> {
        let mut claimed = None;
        self.accept_claiming(credentials, admit, &mut claimed)
            .map_err(|error| Refusal { claimed, error })
    }

    fn accept_claiming(
        &mut self,
        credentials: &Credentials,
        admit: impl FnOnce(MemberIndex, &Stream) -> Result<(), String>,
        claimed: &mut Option<MemberIndex>,
    ) -> Result<MemberIndex, FabricError> {
        let mut hello = [0_u8; HEADER_BYTES + NONCE_BYTES];
        let hello_header = self.read_hello(&mut hello)?;
        let peer = MemberIndex::new(hello_header.stage, hello_header.member);
        *claimed = Some(peer);

        let mut transcript = hello.to_vec();
        let mut answer = credentials.header(NONCE_BYTES + PROOF_BYTES).encode().to_vec();
        answer.extend_from_slice(&nonce()?);
        transcript.extend_from_slice(&answer);
        answer.extend_from_slice(&credentials.prove(LABEL_ACCEPTING, &transcript)?);
        self.write(&answer)?;

        let mut message = [0_u8; HEADER_BYTES + PROOF_BYTES];
        self.read_hello(&mut message)?;
        if !credentials.holds(LABEL_CONNECTING, &transcript, &message[HEADER_BYTES..])? {
            return Err(self.unauthenticated("it holds another secret"));
        }
        transcript.extend_from_slice(&message[..HEADER_BYTES]);
        let judgement = credentials.compare_load(&hello_header, self.address).and_then(|()| {
            if hello_header.tag != place(credentials.me) {
                return Err(self.broken(&format!("{peer} wants another member than {}", credentials.me)));
            }
            admit(peer, self.stream).map_err(|reason| self.unauthenticated(&reason))
        });

        let code = judgement.as_ref().map_or_else(|error| error.code().number(), |()| 0);
        let verdict = FrameHeader {
            sequence: code.unsigned_abs(),
            ..credentials.header(PROOF_BYTES)
        };
        let mut message = verdict.encode().to_vec();
        transcript.extend_from_slice(&message);
        message.extend_from_slice(&credentials.prove(LABEL_VERDICT, &transcript)?);
        let written = self.write(&message);
        judgement?;
        written?;
        Ok(peer)
    }

    /// Reads one message of exactly the buffer's size.
    fn read_hello(&mut self, message: &mut [u8]) -> Result<FrameHeader, FabricError> {
        // The header is judged before the rest is waited for: a stranger who speaks another protocol is refused at
        // once.
        let (head, rest) = message.split_at_mut(HEADER_BYTES);
        self.read(head)?;
        let head: &[u8; HEADER_BYTES] = match (&*head).try_into() {
            Ok(head) => head,
            Err(_) => return Err(self.broken("a hello without a header")),
        };
        let header = FrameHeader::decode(head, (NONCE_BYTES + PROOF_BYTES) as u32)
            .map_err(|error| self.broken(&error.to_string()))?;
        if header.kind != FrameKind::Hello || header.length as usize != rest.len() {
            return Err(self.broken(&format!(
                "a {} of {} bytes instead of a hello",
                header.kind.name(),
                header.length
            )));
        }
        self.read(rest)?;
        Ok(header)
    }

    fn read(&mut self, mut missing: &mut [u8]) -> Result<(), FabricError> {
        let handle = self.poll_handle()?;
        while !missing.is_empty() {
            match self.stream.read(missing) {
                Ok(0) => return Err(self.interrupted("it closed the connection")),
                Ok(count) => missing = &mut missing[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.pause(handle.as_ref())?,
                Err(error) => return Err(self.stream_error(&error)),
            }
        }
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), FabricError> {
        let handle = self.poll_handle()?;
        loop {
            let result = match bytes {
                [] => match self.stream.flush() {
                    Ok(true) => return Ok(()),
                    Ok(false) => Err(ErrorKind::WouldBlock.into()),
                    Err(error) => Err(error),
                },
                _ => self.stream.write(&[], bytes),
            };
            match result {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.pause(handle.as_ref())?,
                Err(error) => return Err(self.stream_error(&error)),
            }
        }
    }

    fn poll_handle(&self) -> Result<Option<PollHandle>, FabricError> {
        self.stream
            .poll_handle()
            .map_err(|error| FabricError::input_output(format!("duplicating the socket to {}", self.address), &error))
    }

    /// Waits for the socket, in slices so that giving up is noticed.
    fn pause(&mut self, handle: Option<&PollHandle>) -> Result<(), FabricError> {
        if (self.given_up)() {
            return Err(FabricError::Aborted {
                reason: format!("the handshake with {} was given up", self.address),
            });
        }
        if self.deadline.passed() {
            return Err(self.interrupted("it did not answer in time"));
        }
        let limit = self
            .deadline
            .remaining()
            .map_or(ABORT_CHECK_INTERVAL, |remaining| remaining.min(ABORT_CHECK_INTERVAL));
        let writes_pending = !self.stream.flush().unwrap_or(true);
        match handle {
            Some(handle) => {
                let flags = if writes_pending {
                    PollFlags::IN | PollFlags::OUT
                } else {
                    PollFlags::IN
                };
                poll(&mut [PollFd::from_borrowed_fd(handle.handle(), flags)], limit)
            }
            None => {
                std::thread::sleep(limit.min(Duration::from_millis(1)));
                Ok(())
            }
        }
    }

    fn unauthenticated(&self, reason: &str) -> FabricError {
        FabricError::Unauthenticated {
            address: self.address.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// The connection ended before the handshake did, which says nothing about who is at the other end.
    fn interrupted(&self, reason: &str) -> FabricError {
        FabricError::InputOutput {
            operation: format!("greeting {}", self.address),
            reason: reason.to_owned(),
        }
    }

    fn stream_error(&self, error: &io::Error) -> FabricError {
        match error.kind() {
            // TLS refused a certificate or the bytes, here or at the other side.
            ErrorKind::InvalidData => self.unauthenticated(&error.to_string()),
            _ => self.interrupted(&error.to_string()),
        }
    }

    fn broken(&self, reason: &str) -> FabricError {
        FabricError::Protocol {
            address: self.address.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

fn place(member: MemberIndex) -> u64 {
    u64::from(member.stage) << 16 | u64::from(member.member)
}

fn nonce() -> Result<[u8; NONCE_BYTES], FabricError> {
    let mut bytes = [0_u8; NONCE_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| FabricError::InputOutput {
        operation: "asking the operating system for randomness".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(bytes)
}
