//! Namespaces and TAP devices of Linux.

use crate::protocol::{Failure, FailureCode, Host, Interface};
use rustix::fs::{Mode, OFlags};
use rustix::ioctl::{Setter, Updater, ioctl};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use std::fs::File;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// A host: its namespace, which lasts while this or a process in it does, and its interfaces.
pub struct SystemHost {
    /// The network namespace.
    pub namespace: File,
    /// In the order of the description.
    pub interfaces: Vec<OwnedFd>,
}

/// `struct ifreq`: a name and 24 bytes that each request reads in its own way.
#[repr(C)]
#[derive(Clone, Copy)]
struct InterfaceRequest {
    name: [u8; 16],
    value: [u8; 24],
}

/// `struct in6_ifreq`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Ipv6AddressRequest {
    address: [u8; 16],
    prefix_bits: u32,
    interface: i32,
}

/// `struct sockaddr_in`.
#[repr(C)]
#[derive(Clone, Copy)]
struct SocketAddress {
    family: u16,
    port: u16,
    address: [u8; 4],
    zero: [u8; 8],
}

/// `struct rtentry`.
#[repr(C)]
struct RouteRequest {
    pad1: usize,
    target: SocketAddress,
    gateway: SocketAddress,
    mask: SocketAddress,
    flags: u16,
    pad2: i16,
    pad3: usize,
    pad4: usize,
    metric: i16,
    device: *const u8,
    mtu: usize,
    window: usize,
    round_trip_time: u16,
}

const SIOCADDRT: u32 = 0x890b;
const SIOCGIFFLAGS: u32 = 0x8913;
const SIOCSIFFLAGS: u32 = 0x8914;
const SIOCSIFADDR: u32 = 0x8916;
const SIOCSIFNETMASK: u32 = 0x891c;
const SIOCSIFMTU: u32 = 0x8922;
const SIOCSIFHWADDR: u32 = 0x8924;
const SIOCGIFINDEX: u32 = 0x8933;
const TUNSETIFF: u32 = 0x4004_54ca;
const TUNSETCARRIER: u32 = 0x4004_54e2;

const AF_INET: u16 = 2;
const ARPHRD_ETHER: u16 = 1;
const IFF_UP: u16 = 1;
const IFF_TAP: u16 = 2;
const IFF_NO_PI: u16 = 0x1000;
const RTF_UP: u16 = 1;

fn system(what: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> Failure {
    move |error| {
        let code = match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::NotFound => FailureCode::NotAllowed,
            _ => FailureCode::System,
        };
        Failure::new(code, format!("{what}: {error}"))
    }
}

/// Where an unprivileged user may still make networks: enters a user namespace of its own, as its root. To be called
/// before there are threads.
pub fn enter_own_user_namespace() -> Result<(), Failure> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    // SAFETY: no file descriptor table is unshared, and no other thread exists yet.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER) }
        .map_err(std::io::Error::from)
        .map_err(system("user namespaces are not allowed here"))?;
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {user} 1")),
        ("gid_map", format!("0 {group} 1")),
    ] {
        std::fs::write(format!("/proc/self/{file}"), text).map_err(system("user namespaces are not allowed here"))?;
    }
    Ok(())
}

/// Lets this process run before others as soon as something is due, where that is allowed: within microseconds as a
/// real-time process, else sooner than most.
pub fn raise_priority() -> bool {
    // SAFETY: all zeroes is a value of this plain structure.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = 1;
    // SAFETY: `parameters` outlives the call; 0 is the calling thread.
    let real_time = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &parameters) } == 0;
    real_time || rustix::process::setpriority_process(None, -15).is_ok()
}

/// Makes a host. Its thread ends with this, so that nothing but the returned files keeps the namespace.
pub fn open_host(index: usize, host: &Host) -> Result<SystemHost, Failure> {
    let host = host.clone();
    let made = std::thread::spawn(move || -> Result<SystemHost, Failure> {
        // SAFETY: no file descriptor table is unshared; the namespace is this thread's alone.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }
            .map_err(std::io::Error::from)
            .map_err(system("network namespaces are not allowed here"))?;
        let namespace = File::open("/proc/thread-self/ns/net").map_err(system("the namespace cannot be opened"))?;
        // A socket of this namespace, through which interfaces are asked.
        let socket = UdpSocket::bind("0.0.0.0:0").map_err(system("a socket of a namespace"))?;
        bring_up(&socket, "lo")?;
        let mut interfaces = Vec::new();
        for (number, interface) in host.interfaces.iter().enumerate() {
            let address = [0x02, 0x53, 0x68, (index >> 8) as u8, index as u8, number as u8];
            interfaces.push(open_interface(&socket, interface, address)?);
        }
        if let Some(first) = host.interfaces.iter().find(|interface| interface.address.is_some()) {
            add_default_route(&socket, &first.name)?;
        }
        Ok(SystemHost { namespace, interfaces })
    });
    made.join().unwrap_or_else(|_| {
        Err(Failure::new(
            FailureCode::System,
            "the thread that makes a host ended early",
        ))
    })
}

/// Enters a host's network; for good, where the thread is the only one of its process.
pub fn enter_network(namespace: impl AsFd) -> std::io::Result<()> {
    rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}

/// Enters a user namespace, for good.
pub fn enter_user(namespace: impl AsFd) -> std::io::Result<()> {
    rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::User))?;
    Ok(())
}

fn open_interface(socket: &UdpSocket, interface: &Interface, link_address: [u8; 6]) -> Result<OwnedFd, Failure> {
    let name = &interface.name;
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let device = rustix::fs::open("/dev/net/tun", flags, Mode::empty())
        .map_err(std::io::Error::from)
        .map_err(system("/dev/net/tun cannot be opened"))?;
    let mut create = request(name)?;
    create.value[..2].copy_from_slice(&(IFF_TAP | IFF_NO_PI).to_ne_bytes());
    update::<TUNSETIFF>(&device, &mut create).map_err(system("a TAP device cannot be made"))?;

    let mut hardware = request(name)?;
    hardware.value[..2].copy_from_slice(&ARPHRD_ETHER.to_ne_bytes());
    hardware.value[2..8].copy_from_slice(&link_address);
    update::<SIOCSIFHWADDR>(socket, &mut hardware).map_err(system(format!("link address of {name}")))?;
    let mut mtu = request(name)?;
    mtu.value[..4].copy_from_slice(&interface.mtu_bytes.to_ne_bytes());
    update::<SIOCSIFMTU>(socket, &mut mtu).map_err(system(format!("MTU {} of {name}", interface.mtu_bytes)))?;
    // IPv6 addresses are usable at once instead of after a second of asking whether others have them. Where this cannot
    // be set, they are usable later.
    let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{name}/accept_dad"), "0");
    if let Some(text) = &interface.address {
        let IpAddr::V4(address) = parse_address(text)?.0 else {
            return Err(not_an_address(text));
        };
        let prefix_bits = parse_address(text)?.1;
        let mask = u32::MAX.checked_shl(32 - prefix_bits).unwrap_or(0);
        set_address::<SIOCSIFADDR>(socket, name, address.octets())?;
        set_address::<SIOCSIFNETMASK>(socket, name, mask.to_be_bytes())?;
    }
    bring_up(socket, name)?;
    if let Some(text) = &interface.ipv6_address {
        add_ipv6_address(socket, name, text)?;
    }
    Ok(device)
}

/// Pulls a cable or puts it back: the interface's carrier.
pub fn set_carrier(device: &OwnedFd, carrier: bool) -> Result<(), Failure> {
    // SAFETY: TUNSETCARRIER reads an int.
    unsafe { ioctl(device, Setter::<TUNSETCARRIER, i32>::new(i32::from(carrier))) }
        .map_err(std::io::Error::from)
        .map_err(system("the carrier of a TAP device cannot be set"))
}

fn not_an_address(text: &str) -> Failure {
    let message = format!("'{text}' is not an address with a prefix, such as 10.77.0.1/24 or fd77::1/64");
    Failure::new(FailureCode::MessageInvalid, message)
}

fn parse_address(text: &str) -> Result<(IpAddr, u32), Failure> {
    let parsed = text
        .split_once('/')
        .and_then(|(address, prefix)| Some((address.parse::<IpAddr>().ok()?, prefix.parse::<u32>().ok()?)));
    match parsed {
        Some((address, prefix)) if prefix <= if address.is_ipv4() { 32 } else { 128 } => Ok((address, prefix)),
        _ => Err(not_an_address(text)),
    }
}

fn request(name: &str) -> Result<InterfaceRequest, Failure> {
    let mut request = InterfaceRequest {
        name: [0; 16],
        value: [0; 24],
    };
    if name.is_empty() || name.len() > 15 {
        let message = format!("'{name}' is no name of an interface: it has 1 to 15 bytes");
        return Err(Failure::new(FailureCode::MessageInvalid, message));
    }
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    Ok(request)
}

fn update<const CODE: u32>(file: impl AsFd, request: &mut InterfaceRequest) -> std::io::Result<()> {
    // SAFETY: all codes that are used here read and write a `struct ifreq`, which `InterfaceRequest` is.
    Ok(unsafe { ioctl(file, Updater::<CODE, InterfaceRequest>::new(request)) }?)
}

fn bring_up(socket: &UdpSocket, name: &str) -> Result<(), Failure> {
    let mut flags = request(name)?;
    update::<SIOCGIFFLAGS>(socket, &mut flags).map_err(system(format!("flags of {name}")))?;
    let now = u16::from_ne_bytes([flags.value[0], flags.value[1]]);
    flags.value[..2].copy_from_slice(&(now | IFF_UP).to_ne_bytes());
    update::<SIOCSIFFLAGS>(socket, &mut flags).map_err(system(format!("{name} cannot be brought up")))
}

fn internet(address: [u8; 4]) -> SocketAddress {
    SocketAddress {
        family: AF_INET,
        port: 0,
        address,
        zero: [0; 8],
    }
}

fn set_address<const CODE: u32>(socket: &UdpSocket, name: &str, address: [u8; 4]) -> Result<(), Failure> {
    let mut set = request(name)?;
    set.value[..2].copy_from_slice(&AF_INET.to_ne_bytes());
    set.value[4..8].copy_from_slice(&address);
    update::<CODE>(socket, &mut set).map_err(system(format!("address of {name}")))
}

fn add_ipv6_address(socket: &UdpSocket, name: &str, text: &str) -> Result<(), Failure> {
    let (IpAddr::V6(address), prefix_bits) = parse_address(text)? else {
        return Err(not_an_address(text));
    };
    let mut index = request(name)?;
    update::<SIOCGIFINDEX>(socket, &mut index).map_err(system(format!("index of {name}")))?;
    let set = Ipv6AddressRequest {
        address: address.octets(),
        prefix_bits,
        interface: i32::from_ne_bytes([index.value[0], index.value[1], index.value[2], index.value[3]]),
    };
    let ipv6 = UdpSocket::bind("[::]:0").map_err(system("IPv6 is not there"))?;
    // SAFETY: of an IPv6 socket SIOCSIFADDR reads a `struct in6_ifreq`, which `Ipv6AddressRequest` is.
    unsafe { ioctl(&ipv6, Setter::<SIOCSIFADDR, Ipv6AddressRequest>::new(set)) }
        .map_err(std::io::Error::from)
        .map_err(system(format!("IPv6 address of {name}")))
}

/// Multicast needs a way out, too.
fn add_default_route(socket: &UdpSocket, name: &str) -> Result<(), Failure> {
    let device = request(name)?.name;
    let nowhere = internet([0; 4]);
    let route = RouteRequest {
        pad1: 0,
        target: nowhere,
        gateway: nowhere,
        mask: nowhere,
        flags: RTF_UP,
        pad2: 0,
        pad3: 0,
        pad4: 0,
        metric: 0,
        device: device.as_ptr(),
        mtu: 0,
        window: 0,
        round_trip_time: 0,
    };
    // SAFETY: SIOCADDRT reads a `struct rtentry`, which `RouteRequest` is; `device` ends with a zero and outlives the call.
    unsafe { ioctl(socket, Setter::<SIOCADDRT, RouteRequest>::new(route)) }
        .map_err(std::io::Error::from)
        .map_err(system(format!("default route through {name}")))
}

/// A path by which other processes open this process's file.
pub fn path_of(file: &impl AsRawFd) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}
