//! Collectives over the members of one group.

use std::time::Instant;

use shoal_frame::FrameKind;

use crate::channel::{Channel, Incoming, Outgoing, exchange};
use crate::deadline::Deadline;
use crate::error::FabricError;
use crate::message::{Envelope, MessageInfo};

/// Largest contribution that is sent whole to every member. Below it the number of messages decides, above it the
/// number of bytes. Measured on loopback sockets; the crossing lies between 16 and 64 KiB for 2 to 4 members.
const ONE_SHOT_BYTES: usize = 32 << 10;

/// The members of a stage, or any other list of members, in the order of their ranks.
///
/// All members call the same collectives in the same order; a member that does not is reported by name as
/// `TRANSPORT_DESYNCHRONIZED`. Sums are made in the order of the ranks, so that all members hold the same bits. With
/// one member every collective is the identity. After an error the group is not usable: make a new one, with another
/// id, when the cause is gone.
#[derive(Debug)]
pub struct Group {
    tag: u64,
    rank: usize,
    /// One per rank; none for this member itself.
    channels: Vec<Option<Channel>>,
    sequence: u32,
    step: u64,
    /// What the others have sent, one part after the other. It never shrinks: growing would clear it every time.
    scratch: Vec<u8>,
    /// This member's own contribution as bytes.
    contribution: Vec<u8>,
}

impl Group {
    /// A group from its channels in the order of the ranks, `None` standing for this member.
    ///
    /// # Errors
    /// The list and `rank` do not fit together.
    pub fn new(id: u32, rank: usize, channels: Vec<Option<Channel>>) -> Result<Self, FabricError> {
        let own_place = channels.get(rank).is_some_and(Option::is_none);
        if !own_place || channels.iter().filter(|channel| channel.is_none()).count() != 1 {
            return Err(FabricError::InvalidArgument {
                reason: format!("the group {id} needs a channel to every rank but the own one, {rank}"),
            });
        }
        Ok(Self {
            tag: u64::from(id),
            rank,
            channels,
            sequence: 0,
            step: 0,
            scratch: Vec::new(),
            contribution: Vec::new(),
        })
    }

    /// This member's place in the list.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many members there are.
    pub fn size(&self) -> usize {
        self.channels.len()
    }

    /// The step that the following collectives belong to. Members at different steps are out of step.
    pub fn set_step(&mut self, step: u64) {
        self.step = step;
    }

    /// Replaces `values` by the sum over all members, element by element and in the order of the ranks.
    ///
    /// # Errors
    /// A member is lost, out of step (also when its length differs), or the deadline passed.
    pub fn all_reduce_sum_f32(&mut self, values: &mut [f32], deadline: Deadline) -> Result<(), FabricError> {
        if self.size() == 1 {
            return Ok(());
        }
        if size_of_val(values) <= ONE_SHOT_BYTES {
            return self.reduce_one_shot(values, deadline);
        }
        self.reduce_scatter_gather(values, deadline)
    }

    /// Everybody sends everything to everybody and adds up for itself.
    fn reduce_one_shot(&mut self, values: &mut [f32], deadline: Deadline) -> Result<(), FabricError> {
        let part = size_of_val(values);
        let lengths: Vec<usize> = (0..self.size())
            .map(|rank| if rank == self.rank { 0 } else { part })
            .collect();
        let mut contribution = std::mem::take(&mut self.contribution);
        write_f32(values, &mut contribution);
        let bytes: Vec<&[u8]> = vec![&contribution; self.size()];
        let result = self.exchange_parts(&bytes, &lengths, deadline);
        self.contribution = contribution;
        result?;
        self.sum_in_rank_order(values, 0..values.len());
        Ok(())
    }

    /// Each member sums one part of the values for all (reduce-scatter) and then tells the others (all-gather).
    fn reduce_scatter_gather(&mut self, values: &mut [f32], deadline: Deadline) -> Result<(), FabricError> {
        let (size, count) = (self.size(), values.len());
        let bounds = |rank: usize| count * rank / size..count * (rank + 1) / size;
        let mine = bounds(self.rank);

        let mut contribution = std::mem::take(&mut self.contribution);
        write_f32(values, &mut contribution);
        let parts: Vec<&[u8]> = (0..size)
            .map(|rank| &contribution[bounds(rank).start * F32_BYTES..bounds(rank).end * F32_BYTES])
            .collect();
        let lengths: Vec<usize> = (0..size)
            .map(|rank| if rank == self.rank { 0 } else { mine.len() * F32_BYTES })
            .collect();
        let scattered = self.exchange_parts(&parts, &lengths, deadline);
        self.contribution = contribution;
        scattered?;
        self.sum_in_rank_order(&mut values[mine.clone()], mine.clone());

        let mut contribution = std::mem::take(&mut self.contribution);
        write_f32(&values[mine], &mut contribution);
        let parts: Vec<&[u8]> = vec![&contribution; size];
        let lengths: Vec<usize> = (0..size)
            .map(|rank| {
                if rank == self.rank {
                    0
                } else {
                    bounds(rank).len() * F32_BYTES
                }
            })
            .collect();
        let gathered = self.exchange_parts(&parts, &lengths, deadline);
        self.contribution = contribution;
        gathered?;
        let mut offset = 0;
        for (rank, length) in lengths.iter().enumerate().filter(|(rank, _)| *rank != self.rank) {
            read_f32(&self.scratch[offset..offset + length], &mut values[bounds(rank)]);
            offset += length;
        }
        Ok(())
    }

    /// Adds up the parts in `scratch` and, at this member's rank, the part `own` of its contribution.
    fn sum_in_rank_order(&self, values: &mut [f32], own: std::ops::Range<usize>) {
        let part = values.len() * F32_BYTES;
        let own = &self.contribution[own.start * F32_BYTES..own.end * F32_BYTES];
        let mut others = self.scratch.chunks_exact(part.max(1));
        for rank in 0..self.size() {
            let bytes = if rank == self.rank { Some(own) } else { others.next() };
            match bytes {
                Some(bytes) if rank == 0 => read_f32(bytes, values),
                Some(bytes) => add_f32(bytes, values),
                // Only with no values at all is there nothing to add.
                None => {}
            }
        }
    }

    /// Puts every member's bytes, one after the other in the order of the ranks, into `gathered` at all members. The
    /// lengths may differ but every member must know them all.
    ///
    /// # Errors
    /// A member is lost or out of step (also when its length differs), the deadline passed, or `lengths` does not fit.
    pub fn all_gather(
        &mut self,
        contribution: &[u8],
        lengths: &[usize],
        gathered: &mut Vec<u8>,
        deadline: Deadline,
    ) -> Result<(), FabricError> {
        self.check_lengths(contribution, lengths)?;
        let bytes: Vec<&[u8]> = vec![contribution; self.size()];
        self.exchange_parts(&bytes, &self.without_own(lengths), deadline)?;
        self.assemble(contribution, lengths, gathered);
        Ok(())
    }

    /// Like [`Group::all_gather`], but only rank 0 gets the bytes; at the others `gathered` becomes empty.
    ///
    /// # Errors
    /// As for [`Group::all_gather`].
    pub fn gather(
        &mut self,
        contribution: &[u8],
        lengths: &[usize],
        gathered: &mut Vec<u8>,
        deadline: Deadline,
    ) -> Result<(), FabricError> {
        self.check_lengths(contribution, lengths)?;
        if self.rank == 0 {
            let channels: Vec<usize> = (1..self.size()).collect();
            self.exchange_with(&[], &channels, &self.without_own(lengths), deadline)?;
            self.assemble(contribution, lengths, gathered);
            return Ok(());
        }
        gathered.clear();
        self.exchange_with(&[(0, contribution)], &[], &[], deadline)
    }

    /// Copies the bytes of the member `root` over those of all others.
    ///
    /// # Errors
    /// A member is lost or out of step (also when its length differs), the deadline passed, or there is no such rank.
    pub fn broadcast(&mut self, root: usize, bytes: &mut [u8], deadline: Deadline) -> Result<(), FabricError> {
        if root >= self.size() {
            return Err(FabricError::InvalidArgument {
                reason: format!("the group has no rank {root}"),
            });
        }
        if self.rank == root {
            let sends: Vec<(usize, &[u8])> = (0..self.size())
                .filter(|rank| *rank != root)
                .map(|rank| (rank, &*bytes))
                .collect();
            return self.exchange_with(&sends, &[], &[], deadline);
        }
        let mut lengths = vec![0; self.size()];
        lengths[root] = bytes.len();
        self.exchange_with(&[], &[root], &lengths, deadline)?;
        bytes.copy_from_slice(&self.scratch[..bytes.len()]);
        Ok(())
    }

    /// Returns when every member has come here.
    ///
    /// # Errors
    /// A member is lost or out of step, or the deadline passed.
    pub fn barrier(&mut self, deadline: Deadline) -> Result<(), FabricError> {
        let nothing: Vec<&[u8]> = vec![&[]; self.size()];
        self.exchange_parts(&nothing, &vec![0; self.size()], deadline)
    }

    fn check_lengths(&self, contribution: &[u8], lengths: &[usize]) -> Result<(), FabricError> {
        if lengths.len() != self.size() || lengths[self.rank] != contribution.len() {
            return Err(FabricError::InvalidArgument {
                reason: format!(
                    "{} lengths for {} members, with {} bytes at rank {}",
                    lengths.len(),
                    self.size(),
                    contribution.len(),
                    self.rank
                ),
            });
        }
        Ok(())
    }

    fn without_own(&self, lengths: &[usize]) -> Vec<usize> {
        let mut lengths = lengths.to_vec();
        lengths[self.rank] = 0;
        lengths
    }

    fn assemble(&self, contribution: &[u8], lengths: &[usize], gathered: &mut Vec<u8>) {
        gathered.clear();
        let mut offset = 0;
        for (rank, length) in lengths.iter().enumerate() {
            if rank == self.rank {
                gathered.extend_from_slice(contribution);
            } else {
                gathered.extend_from_slice(&self.scratch[offset..offset + length]);
                offset += length;
            }
        }
    }

    /// Sends `parts[rank]` to every other rank and receives `lengths[rank]` bytes from each into `scratch`.
    fn exchange_parts(&mut self, parts: &[&[u8]], lengths: &[usize], deadline: Deadline) -> Result<(), FabricError> {
        let others: Vec<usize> = (0..self.size()).filter(|rank| *rank != self.rank).collect();
        let sends: Vec<(usize, &[u8])> = others.iter().map(|rank| (*rank, parts[*rank])).collect();
        self.exchange_with(&sends, &others, lengths, deadline)
    }

    /// One phase of a collective: messages to some ranks and from some (ascending), checked for order and length.
    fn exchange_with(
        &mut self,
        sends: &[(usize, &[u8])],
        sources: &[usize],
        lengths: &[usize],
        deadline: Deadline,
    ) -> Result<(), FabricError> {
        let started = Instant::now();
        self.sequence = self.sequence.wrapping_add(1);
        let envelope = Envelope::new(FrameKind::Collective, self.tag)
            .with_step(self.step)
            .with_sequence(self.sequence);
        let total: usize = sources.iter().map(|rank| lengths[*rank]).sum();
        if self.scratch.len() < total {
            self.scratch.resize(total, 0);
        }

        let outgoing: Vec<Outgoing<'_>> = sends
            .iter()
            .filter_map(|(rank, bytes)| {
                self.channels[*rank].as_ref().map(|channel| Outgoing {
                    channel,
                    envelope,
                    bytes,
                })
            })
            .collect();
        let mut incoming = Vec::with_capacity(sources.len());
        let mut rest = &mut self.scratch[..total];
        for rank in sources {
            let (bytes, others) = rest.split_at_mut(lengths[*rank]);
            rest = others;
            if let Some(channel) = &self.channels[*rank] {
                incoming.push(Incoming {
                    channel,
                    kind: FrameKind::Collective,
                    tag: self.tag,
                    bytes,
                });
            }
        }
        let infos = exchange(&outgoing, &mut incoming, deadline).map_err(|error| match error {
            // The length is part of what members must agree on.
            FabricError::MessageTooLarge { peer, length, limit } => FabricError::Desynchronized {
                peer,
                reason: format!(
                    "it sent {length} bytes for collective {}, expected were {limit}",
                    envelope.sequence
                ),
            },
            FabricError::Timeout { peers, .. } => FabricError::Timeout {
                operation: format!(
                    "collective {} of group {} in step {}",
                    envelope.sequence, self.tag, self.step
                ),
                peers,
                waited: started.elapsed(),
            },
            error => error,
        })?;
        for (message, info) in incoming.iter().zip(&infos) {
            check_agreement(&envelope, message, info)?;
        }
        Ok(())
    }
}

fn check_agreement(expected: &Envelope, message: &Incoming<'_>, found: &MessageInfo) -> Result<(), FabricError> {
    let agrees = found.envelope.sequence == expected.sequence
        && found.envelope.step == expected.step
        && found.length == message.bytes.len();
    if agrees {
        return Ok(());
    }
    Err(FabricError::Desynchronized {
        peer: message.channel.peer().clone(),
        reason: format!(
            "it sent {} bytes for collective {} of step {}, expected were {} bytes for collective {} of step {}",
            found.length,
            found.envelope.sequence,
            found.envelope.step,
            message.bytes.len(),
            expected.sequence,
            expected.step
        ),
    })
}

const F32_BYTES: usize = size_of::<f32>();

fn write_f32(values: &[f32], bytes: &mut Vec<u8>) {
    bytes.resize(size_of_val(values), 0);
    for (chunk, value) in bytes.as_chunks_mut::<F32_BYTES>().0.iter_mut().zip(values) {
        *chunk = value.to_le_bytes();
    }
}

fn f32_values(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes
        .as_chunks::<F32_BYTES>()
        .0
        .iter()
        .map(|chunk| f32::from_le_bytes(*chunk))
}

fn read_f32(bytes: &[u8], values: &mut [f32]) {
    for (value, found) in values.iter_mut().zip(f32_values(bytes)) {
        *value = found;
    }
}

fn add_f32(bytes: &[u8], values: &mut [f32]) {
    for (value, found) in values.iter_mut().zip(f32_values(bytes)) {
        *value += found;
    }
}
