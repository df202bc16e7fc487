//! Bound sockets of one member: they exist before anybody connects, so that the endpoint can travel first.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use shoal_fabric::{AbortFlag, Address, Deadline, Listener, MemberEndpoint, MeshConfig, TlsIdentity};

use super::endpoint::{Credentials, Endpoint, Kind, ListenOptions, MemberAddress, PeerEndpoint};
use super::endpoint::{advertised, bindable_address, ip_address, read_json};
use crate::error::Failure;

/// What connecting uses up.
struct Bound {
    listeners: Vec<Listener>,
    identity: Option<TlsIdentity>,
}

/// Bound sockets of one member, for one mesh, whatever language holds them.
pub struct MemberListener {
    credentials: Credentials,
    me: MemberAddress,
    host: String,
    endpoint: String,
    bound: Mutex<Option<Bound>>,
    abort: AbortFlag,
}

impl MemberListener {
    /// Binds what the options ask for.
    pub fn bind(options: ListenOptions) -> Result<Self, Failure> {
        // Read now, so that a mistake shows before anything is bound.
        options.credentials.parse()?;
        let first = bindable_address("bind address", &options.bind_address)?;
        let others = options
            .other_addresses
            .unwrap_or_default()
            .iter()
            .map(|text| bindable_address("address", text))
            .collect::<Result<Vec<SocketAddr>, Failure>>()?;
        let hosts = options
            .advertised_addresses
            .unwrap_or_default()
            .iter()
            .map(|text| ip_address("advertised address", text))
            .collect::<Result<Vec<IpAddr>, Failure>>()?;
        let kind = Kind::parse(&options.kind)?;
        if first.ip().is_unspecified() && hosts.is_empty() && kind != Kind::Unix {
            return Err(Failure::argument(format!(
                "{} is no address that peers can connect to: name the addresses to advertise",
                first.ip()
            )));
        }
        let directory = options.socket_directory.map_or_else(std::env::temp_dir, PathBuf::from);
        // A process that was killed before its mesh was connected has left its socket behind.
        #[cfg(unix)]
        if matches!(kind, Kind::Auto | Kind::Unix) {
            shoal_fabric::remove_stale_sockets(&directory, SOCKET_PREFIX);
        }
        let wanted = addresses(kind, first, || {
            socket_path(&directory, &options.credentials, options.me)
        });
        let may_speak_tls = kind == Kind::Auto && others.iter().any(|other| !other.ip().is_loopback());
        let speaks_tls = may_speak_tls || wanted.iter().any(|address| matches!(address, Address::Tls(_)));
        let identity = speaks_tls.then(TlsIdentity::generate).transpose()?;
        let mut listeners = wanted
            .iter()
            .map(|address| Listener::bind(address, identity.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        // Addresses come and go with cables: the first must be there, the others may be.
        if speaks_ip(&wanted) && hosts.is_empty() {
            let over_ip = others.iter().filter(|other| **other != first).map(|other| match kind {
                Kind::Tcp => Address::Tcp(*other),
                Kind::Tls => Address::Tls(*other),
                _ => over_network(*other),
            });
            listeners.extend(over_ip.filter_map(|address| Listener::bind(&address, identity.as_ref()).ok()));
        }
        let host = host_name();
        let endpoint = Endpoint {
            transport: "tcp".to_owned(),
            host: host.clone(),
            addresses: listeners
                .iter()
                .flat_map(|listener| advertised(listener.address(), &hosts))
                .collect(),
            fingerprint: identity.as_ref().map(|identity| identity.fingerprint().to_string()),
        };
        let endpoint = serde_json::to_string(&endpoint).map_err(|error| Failure::new("INTERNAL", error.to_string()))?;
        Ok(Self {
            credentials: options.credentials,
            me: options.me,
            host,
            endpoint,
            bound: Mutex::new(Some(Bound { listeners, identity })),
            abort: AbortFlag::new(),
        })
    }

    /// What the peers must be told, as JSON.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A name for the thread that connects.
    pub fn thread_name(&self) -> String {
        format!("shoal-connect-{}-{}", self.me.stage, self.me.member)
    }

    /// Takes the sockets for a mesh with all peers, to be connected within the deadline.
    pub fn mesh_config(&self, peers_json: &str, deadline: Duration) -> Result<MeshConfig, Failure> {
        let peers: Vec<PeerEndpoint> = read_json("peers", peers_json)?;
        let members = peers
            .iter()
            .map(|peer| peer.seen_from(&self.host))
            .collect::<Result<Vec<MemberEndpoint>, Failure>>()?;
        let bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner).take();
        let bound = bound.ok_or_else(|| {
            Failure::new(
                "TRANSPORT_CLOSED",
                "the listener was closed, or has connected its mesh already",
            )
        })?;
        let (instance, epoch, secret) = self.credentials.parse()?;
        Ok(MeshConfig {
            members,
            listeners: bound.listeners,
            identity: bound.identity,
            deadline: Deadline::after(deadline),
            abort: self.abort.clone(),
            ..MeshConfig::new(self.me.index(), instance, epoch, secret)
        })
    }

    /// Stops listening and gives up a connect that is under way. Idempotent.
    pub fn close(&self) {
        self.abort.raise();
        drop(self.bound.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn speaks_ip(addresses: &[Address]) -> bool {
    addresses.iter().any(|address| !matches!(address, Address::Unix(_)))
}

/// In the clear on this machine, with TLS beyond it.
fn over_network(address: SocketAddr) -> Address {
    if address.ip().is_loopback() {
        Address::Tcp(address)
    } else {
        Address::Tls(address)
    }
}

fn addresses(kind: Kind, any_port: SocketAddr, path: impl FnOnce() -> PathBuf) -> Vec<Address> {
    let over_ip = over_network(any_port);
    match kind {
        Kind::Auto if cfg!(unix) => vec![Address::Unix(path()), over_ip],
        Kind::Auto => vec![over_ip],
        Kind::Unix => vec![Address::Unix(path())],
        Kind::Tcp => vec![Address::Tcp(any_port)],
        Kind::Tls => vec![Address::Tls(any_port)],
    }
}

/// Of the names of all sockets of members.
const SOCKET_PREFIX: &str = "shoal-";

/// A short path: Unix sockets allow about 100 bytes, and macOS spends half of them on its folder.
fn socket_path(directory: &Path, credentials: &Credentials, me: MemberAddress) -> PathBuf {
    let (stage, member) = (me.stage, me.member);
    directory.join(format!(
        "{SOCKET_PREFIX}{}-{}-{stage}-{member}.sock",
        credentials.instance, credentials.epoch
    ))
}

#[cfg(unix)]
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}
