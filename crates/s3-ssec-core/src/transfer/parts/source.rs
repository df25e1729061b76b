//! The content of an upload in parts, part by part.

use super::PartsHalt;
use crate::plan::{MultipartPlan, PartNumber, Span, growing_part_size};
use crate::transfer::link::Link;
use crate::transfer::task::{Outcome, Task};

/// The content of an upload in parts.
#[derive(Clone, Debug)]
pub enum PartsSource {
    /// Any part of it can be read at any time.
    Known(MultipartPlan),
    /// It is read once, from its begin to its end. With its plan if its size is known; else the parts grow.
    Stream(Option<MultipartPlan>),
}

impl PartsSource {
    fn part_size(&self, number: PartNumber) -> u64 {
        match self {
            PartsSource::Known(plan) | PartsSource::Stream(Some(plan)) => plan.part_size(),
            PartsSource::Stream(None) => growing_part_size(number),
        }
    }
}

/// The parts of a source, in their order.
pub(super) struct Spans<'a> {
    source: &'a PartsSource,
    next: u64,
    offset: u64,
    is_over: bool,
}

impl<'a> Spans<'a> {
    pub(super) fn of(source: &'a PartsSource) -> Self {
        Self { source, next: 1, offset: 0, is_over: false }
    }

    /// Bytes of the parts so far.
    pub(super) fn size(&self) -> u64 {
        self.offset
    }

    /// The next part. The bytes of a stream are read.
    pub(super) async fn next(&mut self, link: &Link) -> Result<Option<(u16, Span)>, PartsHalt> {
        if self.is_over {
            return Ok(None);
        }
        let number = PartNumber::new(self.next).ok_or(PartsHalt::SourceFailed)?;
        let most = self.source.part_size(number);
        let (number, offset) = (number.number(), self.offset);
        let (length, is_last) = match self.source {
            PartsSource::Known(plan) => {
                let length = most.min(plan.size() - offset);
                (length, offset + length == plan.size())
            }
            PartsSource::Stream(_) => {
                match link.carry(Task::Read { number, offset, length: most }).await {
                    Outcome::Read { length, is_last } => (length, is_last),
                    Outcome::Abandoned => return Err(PartsHalt::Stopped),
                    _ => return Err(PartsHalt::SourceFailed),
                }
            }
        };
        (self.next, self.offset, self.is_over) = (self.next + 1, offset + length, is_last);
        Ok(Some((number, Span { offset, length })))
    }
}
