//! What is said to the emulator and what it says, a line of JSON each.

use crate::rule::Rule;
use crate::stage::Statistics;
use serde::{Deserialize, Serialize};

/// The first line: the network.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Description {
    /// Decides what befalls frames.
    pub seed: u64,
    /// The machines.
    pub hosts: Vec<Host>,
}

/// A machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Host {
    /// Unique among hosts.
    pub name: String,
    /// Its interfaces; the first one is where its default route leads.
    pub interfaces: Vec<Interface>,
}

/// An interface of a machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Interface {
    /// Unique in its host, at most 15 bytes.
    pub name: String,
    /// The switch that it is plugged into.
    pub segment: String,
    /// With its prefix: `10.77.0.1/24`.
    #[serde(default)]
    pub address: Option<String>,
    /// Beside the link-local one: `fd77::1/64`.
    #[serde(default)]
    pub ipv6_address: Option<String>,
    /// Longest packet, without the link header.
    #[serde(default = "default_mtu")]
    pub mtu_bytes: u32,
}

fn default_mtu() -> u32 {
    1500
}

/// The answer to the first line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// Where each host can be entered, in the order of the description.
    pub hosts: Vec<OpenedHost>,
    /// The user namespace in which they are, where one was needed.
    pub user_namespace: Option<String>,
    /// Whether the emulator runs before other programs; without, frames are late when the machine is busy.
    pub priority_raised: bool,
}

/// A host that can be entered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenedHost {
    /// As described.
    pub name: String,
    /// A path that holds while the emulator runs.
    pub network_namespace: String,
}

/// An order, with a number that its answer repeats.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Chosen by who asks.
    pub id: u64,
    /// What is to be done.
    #[serde(rename = "do")]
    pub order: Order,
}

/// What can be done. A place is `host`, `host/interface`, or `*` for all.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields,
    tag = "order"
)]
pub enum Order {
    /// Sets what lies between two places, in this direction.
    Rule {
        /// Where frames come from.
        from: String,
        /// Where they go to.
        to: String,
        /// What befalls them; the empty rule takes away what was set before.
        rule: Rule,
    },
    /// Sets what a host's own cable does.
    Cable {
        /// The host or interface.
        at: String,
        /// Up to the switch or down from it.
        direction: Direction,
        /// What befalls frames.
        rule: Rule,
    },
    /// Lets nothing through in this direction, without a sign.
    Cut {
        /// Where frames come from.
        from: String,
        /// Where they go to.
        to: String,
    },
    /// Takes back a cut in this direction.
    Mend {
        /// Where frames come from.
        from: String,
        /// Where they go to.
        to: String,
    },
    /// Lets nothing through between groups, in both directions; hosts that are in none are left as they are.
    Partition {
        /// Places.
        groups: Vec<Vec<String>>,
    },
    /// Takes back all cuts.
    Heal {},
    /// Pulls a cable: the host sees that its interface has no carrier.
    Unplug {
        /// The host or interface.
        at: String,
    },
    /// Puts a cable back.
    Plug {
        /// The host or interface.
        at: String,
    },
    /// Asks what has befallen frames so far.
    Statistics {},
    /// Does things at their times from now on. A later schedule takes the place of what is left of it.
    Play {
        /// In any order.
        timeline: Vec<TimedOrder>,
    },
}

/// A direction of a cable.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// To the switch.
    Up,
    /// From the switch.
    Down,
}

/// An order of a timeline.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimedOrder {
    /// From the beginning of the timeline.
    pub at_milliseconds: f64,
    /// What is to be done.
    #[serde(rename = "do")]
    pub order: Order,
}

/// What the emulator says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Message {
    /// An order was carried out.
    Done {
        /// Of the request.
        id: u64,
        /// What it gave.
        result: serde_json::Value,
    },
    /// An order was not carried out.
    Failed {
        /// Of the request, where it could be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        /// Why.
        error: Failure,
    },
    /// An order of a timeline was carried out.
    Step {
        /// The last of them.
        event: StepEvent,
        /// Its place in the timeline as given.
        step: usize,
    },
}

/// Which event of a timeline it is.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StepEvent {
    /// One of several.
    Step,
    /// The last one.
    Ended,
}

/// Why something was not done.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Failure {
    /// Stable.
    pub code: FailureCode,
    /// For people.
    pub message: String,
}

/// Reasons that programs tell apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum FailureCode {
    /// A line that cannot be understood.
    #[serde(rename = "WIRE_MESSAGE_INVALID")]
    MessageInvalid,
    /// A rule with impossible numbers.
    #[serde(rename = "WIRE_RULE_INVALID")]
    RuleInvalid,
    /// A host or interface that does not exist.
    #[serde(rename = "WIRE_PLACE_UNKNOWN")]
    PlaceUnknown,
    /// Two places without a common switch.
    #[serde(rename = "WIRE_PLACES_APART")]
    PlacesApart,
    /// This machine or user may not make networks.
    #[serde(rename = "WIRE_NOT_ALLOWED")]
    NotAllowed,
    /// The system refused something.
    #[serde(rename = "WIRE_SYSTEM")]
    System,
}

impl Failure {
    /// With words for people.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// What befell the frames between two interfaces in one direction.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PairReport<'a> {
    /// `host/interface`.
    pub from: String,
    /// `host/interface`.
    pub to: String,
    /// Whether it is cut now.
    pub is_cut: bool,
    /// Counts.
    #[serde(flatten)]
    pub statistics: &'a Statistics,
}

/// What befell the frames on an interface's cable.
#[derive(Debug, Serialize)]
pub struct CableReport<'a> {
    /// `host/interface`.
    pub at: String,
    /// To the switch.
    pub up: &'a Statistics,
    /// From the switch.
    pub down: &'a Statistics,
}

/// How well the emulator keeps its word.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Precision {
    /// Frames handed to hosts.
    pub delivered: u64,
    /// Frames that an interface did not take, because it is down.
    pub refused: u64,
    /// By how much they were late, on average.
    pub mean_late_microseconds: f64,
    /// By how much the latest one was late.
    pub worst_late_microseconds: f64,
}

/// The answer to `statistics`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report<'a> {
    /// Directions between interfaces on one switch.
    pub pairs: Vec<PairReport<'a>>,
    /// Cables.
    pub cables: Vec<CableReport<'a>>,
    /// How well the emulator keeps its word.
    pub precision: Precision,
    /// Frames that are on their way.
    pub on_their_way: usize,
    /// Time of a processor that the emulator has taken.
    pub processor_seconds: f64,
}
