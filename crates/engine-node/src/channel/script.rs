//! A channel whose messages are carried by JavaScript: the native side calls a channel table, this shim hands copies of
//! the messages to the JavaScript thread. The slow exception to the rule that no activation passes through JavaScript.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use napi::bindgen_prelude::{BigInt, FnArgs, Function, ToNapiValue, Uint8ArraySlice};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, JsError, JsValue, Status, sys};
use napi_derive::napi;
use shoal_abi::ErrorCode;
use shoal_abi::channel::{ChannelCarrier, ChannelEnd, ChannelPeer, ChannelPort};

use crate::cleanup::{self, EndsWithEnvironment};
use crate::error::{Code, Failure, border};
use crate::fabric::MemberAddress;

/// A call of the dispatcher in `script-channel.js`.
struct Call {
    name: &'static str,
    operation: u64,
    tag: u64,
    content: Content,
}

/// What a call is about: the bytes of a message, or the reason of an abort.
pub enum Content {
    /// A message.
    Message(Vec<u8>),
    /// `CODE: message`.
    Reason(String),
}

/// Bytes that cannot be copied into JavaScript become an error object in their place, which the dispatcher takes for
/// the end of the channel: left to napi, it would end the process as an uncaught exception.
impl ToNapiValue for Content {
    unsafe fn to_napi_value(env: sys::napi_env, content: Self) -> napi::Result<sys::napi_value> {
        let environment = Env::from_raw(env);
        let result = match content {
            Self::Message(bytes) => Uint8ArraySlice::copy_from(&environment, &bytes).map(|array| array.raw()),
            // SAFETY: `env` is the current environment, as this function's caller promises.
            Self::Reason(text) => unsafe { ToNapiValue::to_napi_value(env, text) },
        };
        // SAFETY: as above.
        result.or_else(|error| Ok(unsafe { JsError::from(error).into_value(env) }))
    }
}

type Arguments = FnArgs<(&'static str, f64, BigInt, Content)>;

/// Weak: a channel alone does not keep the event loop alive; the member that uses it does.
type Dispatcher = ThreadsafeFunction<Call, (), Arguments, Status, false, true>;

/// The way to the JavaScript thread.
struct Outlet {
    dispatcher: Mutex<Option<Dispatcher>>,
    port: OnceLock<Weak<ChannelPort>>,
}

impl Outlet {
    fn call(&self, call: Call) {
        let status = match self.dispatcher.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(dispatcher) => dispatcher.call(call, ThreadsafeFunctionCallMode::NonBlocking),
            None => Status::Closing,
        };
        if status != Status::Ok {
            self.end(
                ErrorCode::TransportAborted,
                "the JavaScript side of the channel is gone",
            );
        }
    }

    fn end(&self, code: ErrorCode, message: impl Into<String>) {
        if let Some(port) = self.port.get().and_then(Weak::upgrade) {
            port.end(ChannelEnd::new(code, message));
        }
    }
}

impl EndsWithEnvironment for Outlet {
    fn environment_ends(self: Arc<Self>) {
        self.end(
            ErrorCode::TransportAborted,
            "the JavaScript environment of the channel has ended",
        );
    }
}

struct Carrier(Arc<Outlet>);

impl ChannelCarrier for Carrier {
    fn send(&self, operation: u64, tag: u64, bytes: Vec<u8>) {
        self.0.call(Call {
            name: "send",
            operation,
            tag,
            content: Content::Message(bytes),
        });
    }

    fn abort(&self, reason: &ChannelEnd) {
        self.0.call(Call {
            name: "abort",
            operation: 0,
            tag: 0,
            content: Content::Reason(format!("{}: {}", reason.code, reason.message)),
        });
    }
}

/// The native side of a channel in JavaScript. Its table stays valid until `close`; a member that uses it holds a
/// reference of its own.
#[napi]
pub struct ScriptChannelHandle {
    outlet: Arc<Outlet>,
    port: Mutex<Option<Arc<ChannelPort>>>,
}

impl ScriptChannelHandle {
    fn port(&self) -> Result<Arc<ChannelPort>, Failure> {
        let port = self.port.lock().unwrap_or_else(PoisonError::into_inner).clone();
        port.ok_or_else(|| Failure::new("TRANSPORT_CLOSED", "the channel was closed"))
    }
}

/// Makes a channel of a dispatcher (see `script-channel.js`, which makes one of a `ScriptChannel`).
#[napi]
pub fn create_script_channel(
    env: Env,
    peer: MemberAddress,
    largest_message_bytes: f64,
    dispatcher: Function<'_, Arguments, ()>,
) -> napi::Result<ScriptChannelHandle, Code> {
    border(|| {
        // What frames can say: their length is a number of 32 bits.
        if !(1.0..=f64::from(u32::MAX)).contains(&largest_message_bytes) {
            return Err(Failure::argument(format!(
                "the longest message of a channel must be between 1 and {} bytes, got {largest_message_bytes}",
                u32::MAX
            )));
        }
        let dispatcher = dispatcher
            .build_threadsafe_function::<Call>()
            .weak::<true>()
            .build_callback(|context| {
                let Call {
                    name,
                    operation,
                    tag,
                    content,
                } = context.value;
                Ok(FnArgs::from((name, operation as f64, BigInt::from(tag), content)))
            })?;
        let outlet = Arc::new(Outlet {
            dispatcher: Mutex::new(Some(dispatcher)),
            port: OnceLock::new(),
        });
        let peer = ChannelPeer {
            stage: peer.stage,
            member: peer.member,
            reserved: 0,
        };
        let port = ChannelPort::new(peer, largest_message_bytes as u64, Carrier(outlet.clone()));
        // Fresh, so that it cannot be set already.
        let _ = outlet.port.set(Arc::downgrade(&port));
        cleanup::register(&env, &outlet)?;
        Ok(ScriptChannelHandle {
            outlet,
            port: Mutex::new(Some(port)),
        })
    })
}

#[napi]
impl ScriptChannelHandle {
    /// Address of the channel's `ChannelTable`.
    #[napi(getter)]
    pub fn table(&self) -> napi::Result<BigInt, Code> {
        border(|| Ok(BigInt::from(self.port()?.table() as u64)))
    }

    /// A message has arrived; one that comes after the end is dropped.
    #[napi]
    pub fn deliver(&self, tag: BigInt, bytes: &[u8]) -> napi::Result<(), Code> {
        border(|| {
            let (false, tag, true) = tag.get_u64() else {
                return Err(Failure::argument(
                    "the tag of a message must be a bigint of 64 bits from 0",
                ));
            };
            if let Ok(port) = self.port() {
                port.deliver(tag, bytes);
            }
            Ok(())
        })
    }

    /// The message of a send was taken.
    #[napi]
    pub fn sent(&self, operation: f64) -> napi::Result<(), Code> {
        border(|| {
            if let Ok(port) = self.port() {
                port.sent(operation as u64);
            }
            Ok(())
        })
    }

    /// The channel is over; a code that channels do not have becomes `TRANSPORT_PEER_LOST`.
    #[napi]
    pub fn end(&self, code: String, message: String) -> napi::Result<(), Code> {
        border(|| {
            let code = ErrorCode::from_name(&code)
                .filter(|code| code.name().starts_with("TRANSPORT_"))
                .unwrap_or(ErrorCode::TransportPeerLost);
            self.outlet.end(code, message);
            Ok(())
        })
    }

    /// Gives the channel up; a member that still uses it hears of it as a clean leave. Idempotent.
    #[napi]
    pub fn close(&self) -> napi::Result<(), Code> {
        border(|| {
            let port = self.port.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(port) = port {
                port.end(ChannelEnd::new(
                    ErrorCode::TransportClosed,
                    "the channel was closed here",
                ));
            }
            // What is queued is still delivered; the function itself is let go.
            drop(
                self.outlet
                    .dispatcher
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(),
            );
            Ok(())
        })
    }
}
