//! What the monitor does with the channel.

use std::sync::atomic::Ordering;
use std::time::Duration;

use shoal_frame::FrameKind;

use super::ForeignChannel;
use crate::data_channel::DataChannel;
use crate::error::FabricError;
use crate::message::Envelope;
use crate::monitor::WatchedChannel;
use crate::signal::lock;
use crate::socket_channel::HEARTBEAT_HOST_STALLED;

impl WatchedChannel for ForeignChannel {
    fn send_heartbeat(&self) {
        let flags = if self.signal.is_host_stalled() {
            HEARTBEAT_HOST_STALLED
        } else {
            0
        };
        if lock(&self.state).sending.is_empty() {
            // A failure is kept in `end`.
            let _ = self.try_send(
                &Envelope {
                    flags,
                    ..Envelope::new(FrameKind::Heartbeat, 0)
                },
                &[],
            );
        }
    }

    fn silence(&self) -> Duration {
        self.opened
            .elapsed()
            .saturating_sub(Duration::from_nanos(self.last_received.load(Ordering::Acquire)))
    }

    fn neglect(&self) -> Duration {
        // Nothing tells when a table has something to report, so it is looked at in every tick.
        Duration::MAX
    }

    fn has_ended(&self) -> bool {
        lock(&self.state).end.is_some()
    }

    fn peer_host_stalled(&self) -> bool {
        self.peer_host_stalled.load(Ordering::Relaxed)
    }

    fn lose(&self, reason: &str) {
        let error = FabricError::PeerLost {
            peer: self.peer.clone(),
            reason: reason.to_owned(),
        };
        self.end(&mut lock(&self.state), error);
    }

    fn set_epoch(&self, epoch: u32) {
        self.epoch.fetch_max(epoch, Ordering::AcqRel);
    }
}
