//! What the monitor does with the channel.

use std::sync::atomic::Ordering;
use std::time::Duration;

use shoal_frame::FrameKind;

use super::{HEARTBEAT_HOST_STALLED, SocketChannel};
use crate::error::FabricError;
use crate::message::Envelope;
use crate::monitor::WatchedChannel;
use crate::signal::lock;

impl WatchedChannel for SocketChannel {
    fn silence(&self) -> Duration {
        // While this side refuses to read, the peer's silence is this side's doing.
        if self.paused.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        self.opened
            .elapsed()
            .saturating_sub(Duration::from_nanos(self.last_received.load(Ordering::Acquire)))
    }

    fn neglect(&self) -> Duration {
        self.opened
            .elapsed()
            .saturating_sub(Duration::from_nanos(self.last_driven.load(Ordering::Acquire)))
    }

    fn peer_host_stalled(&self) -> bool {
        self.peer_host_stalled.load(Ordering::Relaxed)
    }

    fn has_ended(&self) -> bool {
        lock(&self.state).end.is_some()
    }

    fn set_epoch(&self, epoch: u32) {
        self.epoch.fetch_max(epoch, Ordering::AcqRel);
    }

    fn lose(&self, reason: &str) {
        let error = FabricError::PeerLost {
            peer: self.peer.clone(),
            reason: reason.to_owned(),
        };
        self.end(&mut lock(&self.state), error);
    }

    fn send_heartbeat(&self) {
        let mut state = lock(&self.state);
        if state.end.is_some() || !state.outbound.is_empty() {
            return;
        }
        let flags = if self.signal.is_host_stalled() {
            HEARTBEAT_HOST_STALLED
        } else {
            0
        };
        let header = self.header(
            &Envelope {
                flags,
                ..Envelope::new(FrameKind::Heartbeat, 0)
            },
            0,
        );
        state.outbound.push_copy(&header, &[]);
        self.pump_writes(&mut state);
    }
}
