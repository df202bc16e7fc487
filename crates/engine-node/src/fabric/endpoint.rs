//! Options and endpoints as JSON, in the forms of `core/src/spec/transport.ts`.

use std::net::{IpAddr, SocketAddr};

use napi_derive::napi;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shoal_fabric::{Address, Fingerprint, MemberEndpoint, MemberIndex, Secret};

use crate::error::Failure;

/// `LoadCredentials`.
#[napi(object)]
#[derive(Deserialize)]
pub struct Credentials {
    /// 16 hexadecimal digits.
    pub instance: String,
    /// The load's epoch.
    pub epoch: u32,
    /// 64 hexadecimal digits.
    pub secret: String,
}

/// Which member of an instance.
#[napi(object)]
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct MemberAddress {
    /// Stage of the pipeline.
    pub stage: u16,
    /// Rank within the stage.
    pub member: u16,
}

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Unix socket for peers on this machine where there is such a thing; beside it, or instead of it, TCP: in the
    /// clear on loopback, with TLS on any other address.
    Auto,
    /// A Unix socket only.
    Unix,
    /// TCP in the clear.
    Tcp,
    /// TCP with TLS 1.3.
    Tls,
}

impl Kind {
    /// Reads the name.
    pub fn parse(name: &str) -> Result<Self, Failure> {
        match name {
            "auto" => Ok(Self::Auto),
            "unix" => Ok(Self::Unix),
            "tcp" => Ok(Self::Tcp),
            "tls" => Ok(Self::Tls),
            _ => Err(Failure::argument(format!(
                "the kind of a listener must be auto, unix, tcp or tls, got {name:?}"
            ))),
        }
    }
}

/// Options of `FabricListener.listen`, and as JSON of `shoal_listener_bind`.
#[napi(object)]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenOptions {
    /// What all members of a load share.
    pub credentials: Credentials,
    /// This member.
    #[napi(js_name = "self")]
    #[serde(rename = "self")]
    pub me: MemberAddress,
    /// Address to bind.
    pub bind_address: String,
    /// Further addresses to bind; those that cannot be are left out.
    pub other_addresses: Option<Vec<String>>,
    /// What to speak.
    pub kind: String,
    /// Addresses to tell the peers instead of the bound one; needed where that is 0.0.0.0 or ::.
    pub advertised_addresses: Option<Vec<String>>,
    /// Folder of Unix sockets; the system's folder for temporary files otherwise.
    pub socket_directory: Option<String>,
}

/// Where a member listens, as its peers read it.
#[derive(Serialize, Deserialize)]
pub struct Endpoint {
    /// Always `tcp`.
    pub transport: String,
    /// Name of the machine.
    pub host: String,
    /// Addresses, best first.
    pub addresses: Vec<String>,
    /// Of its certificate, where it speaks TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// `MemberEndpoint`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerEndpoint {
    #[serde(flatten)]
    address: MemberAddress,
    node_id: String,
    endpoint: Endpoint,
}

impl Credentials {
    /// Instance, epoch and secret as the fabric wants them.
    pub fn parse(&self) -> Result<(u64, u32, Secret), Failure> {
        let instance = u64::from_str_radix(&self.instance, 16)
            .map_err(|_| Failure::argument("the instance's id must have up to 16 hexadecimal digits"))?;
        let secret = self.secret.parse::<Secret>().map_err(Failure::from)?;
        Ok((instance, self.epoch, secret))
    }
}

impl MemberAddress {
    /// The form that the fabric uses.
    pub fn index(self) -> MemberIndex {
        MemberIndex::new(self.stage, self.member)
    }
}

impl From<MemberIndex> for MemberAddress {
    fn from(index: MemberIndex) -> Self {
        Self {
            stage: index.stage,
            member: index.member,
        }
    }
}

impl PeerEndpoint {
    /// The addresses of a peer that can work from a machine named `host`.
    pub fn seen_from(&self, host: &str) -> Result<MemberEndpoint, Failure> {
        let is_here = self.endpoint.host == host;
        let mut addresses = Vec::new();
        for text in &self.endpoint.addresses {
            let address: Address = text.parse()?;
            if is_here || !works_on_one_machine_only(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(Failure::new(
                "TRANSPORT_ADDRESS_INVALID",
                format!(
                    "node {} (stage {} member {}) listens only where its own machine {} can connect; set its bind \
                     address to one that other machines reach",
                    self.node_id, self.address.stage, self.address.member, self.endpoint.host
                ),
            ));
        }
        let fingerprint = match &self.endpoint.fingerprint {
            Some(text) => Some(text.parse::<Fingerprint>()?),
            None => None,
        };
        Ok(MemberEndpoint {
            index: self.address.index(),
            addresses,
            fingerprint,
        })
    }
}

fn works_on_one_machine_only(address: &Address) -> bool {
    match address {
        Address::Unix(_) => true,
        Address::Tcp(address) | Address::Tls(address) => address.ip().is_loopback(),
    }
}

/// Reads an IP address to bind with any port, perhaps with the number of its interface (`fe80::1%2`); `what` names it in
/// the error.
pub fn bindable_address(what: &str, text: &str) -> Result<SocketAddr, Failure> {
    let zoned = || format!("[{text}]:0").parse().ok().map(SocketAddr::V6);
    let plain = || text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 0));
    plain()
        .or_else(zoned)
        .ok_or_else(|| Failure::argument(format!("the {what} must be an IP address, got {text:?}")))
}

/// Reads an IP address; `what` names it in the error.
pub fn ip_address(what: &str, text: &str) -> Result<IpAddr, Failure> {
    text.parse()
        .map_err(|_| Failure::argument(format!("the {what} must be an IP address, got {text:?}")))
}

/// The text forms of an address with other hosts: those that are to be told to peers.
pub fn advertised(bound: &Address, hosts: &[IpAddr]) -> Vec<String> {
    let on = |address: &SocketAddr, host: IpAddr| SocketAddr::new(host, address.port());
    match bound {
        Address::Tcp(address) if !hosts.is_empty() => hosts
            .iter()
            .map(|host| Address::Tcp(on(address, *host)).to_string())
            .collect(),
        Address::Tls(address) if !hosts.is_empty() => hosts
            .iter()
            .map(|host| Address::Tls(on(address, *host)).to_string())
            .collect(),
        address => vec![address.to_string()],
    }
}

/// Reads JSON of this addon's interface; `what` names it in the error.
pub fn read_json<T: DeserializeOwned>(what: &str, json: &str) -> Result<T, Failure> {
    serde_json::from_str(json).map_err(|error| Failure::argument(format!("the {what} cannot be read: {error}")))
}
