//! How a content is cut: multipart plans for uploads, range plans for downloads. Arithmetic only.

use crate::digest::PIECE_LENGTH;

/// Bytes in a mebibyte.
pub const MIB: u64 = 1 << 20;
/// Up to this size an object is written with one PUT, its record in the same request.
pub const SINGLE_PUT_MAX: u64 = 16 * MIB;
/// Smallest part but the last (AWS; RGW answers EntityTooSmall below it).
pub const PART_MIN: u64 = 5 * MIB;
/// Largest part (AWS, RGW `rgw_max_put_size`).
pub const PART_MAX: u64 = 5 << 30;
/// Most parts of one upload (AWS, RGW `rgw_multipart_part_upload_limit`).
pub const PARTS_MAX: u64 = 10_000;
/// Largest object (AWS).
pub const OBJECT_MAX: u64 = 5 << 40;

/// True for a size that an object of some server can have: as many parts as there can be, all of the
/// largest. Any other size in an answer is a mistake.
pub fn is_possible_size(size: u64) -> bool {
    size <= PARTS_MAX * PART_MAX
}

/// A content is too large for S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{size} bytes are more than the 5 TiB that S3 takes as one object")]
pub struct TooLarge {
    /// Size in bytes.
    pub size: u64,
}

/// Number of a part in its upload: 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(u16);

impl PartNumber {
    /// Accepts 1 to 10,000.
    pub fn new(number: u64) -> Option<Self> {
        (1..=PARTS_MAX).contains(&number).then(|| u16::try_from(number).ok().map(Self))?
    }

    /// The number, as S3 counts: from 1.
    pub fn number(self) -> u16 {
        self.0
    }
}

/// A run of bytes of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

impl Span {
    /// The value of a `Range` header. The span must not be empty.
    pub fn range_header(self) -> String {
        format!("bytes={}-{}", self.offset, self.offset + self.length - 1)
    }
}

/// One part of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 1.
    pub number: PartNumber,
    /// Its bytes.
    pub span: Span,
}

/// How an upload of known size is cut: equal parts, the last one shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultipartPlan {
    size: u64,
    part_size: u64,
}

impl MultipartPlan {
    /// Plans parts of `wanted` bytes, or of more where 10,000 of them would not do.
    ///
    /// Parts are few and large, because RGW restarts its cipher in every part: equal blocks at
    /// equal offsets of two parts show as equal ciphertext.
    pub fn new(size: u64, wanted: u64) -> Result<Self, TooLarge> {
        if size > OBJECT_MAX {
            return Err(TooLarge { size });
        }
        let wanted = wanted.clamp(PART_MIN, PART_MAX).max(size.div_ceil(PARTS_MAX));
        // Whole pieces, so that parts can be hashed apart: see `digest`.
        Ok(Self { size, part_size: wanted.next_multiple_of(PIECE_LENGTH) })
    }

    /// Bytes in every part but the last.
    pub fn part_size(&self) -> u64 {
        self.part_size
    }

    /// Size of the whole in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Number of parts; an empty content has one empty part.
    pub fn part_count(&self) -> u64 {
        self.size.div_ceil(self.part_size).max(1)
    }

    /// The parts in order.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let plan = *self;
        (0..plan.part_count()).filter_map(move |index| {
            let offset = index * plan.part_size;
            let length = plan.part_size.min(plan.size - offset);
            Some(Part { number: PartNumber::new(index + 1)?, span: Span { offset, length } })
        })
    }
}

/// Size of part `number` of an upload whose total is unknown: 16 MiB at first, doubled after every
/// 1,000 parts, so that 10,000 of them reach 5 TiB and most contents stay cheap in memory.
pub fn growing_part_size(number: PartNumber) -> u64 {
    let doublings = u32::from((number.0 - 1) / 1000);
    ((16 * MIB) << doublings).min(PART_MAX)
}

/// Spans of `span_size` bytes that cover `size` bytes in order.
pub fn ranges(size: u64, span_size: u64) -> impl Iterator<Item = Span> {
    (0..size.div_ceil(span_size)).map(move |index| {
        let offset = index * span_size;
        Span { offset, length: span_size.min(size - offset) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_content_within_the_limits() {
        let sizes = [0, 1, PART_MIN, 16 * MIB + 1, 1 << 30, 80 << 30, (1 << 40) + 7, OBJECT_MAX];
        for size in sizes {
            for wanted in [1, PART_MIN, 64 * MIB, 6 << 30] {
                let plan = MultipartPlan::new(size, wanted).unwrap();
                let mut next = 0;
                let mut count = 0;
                for part in plan.parts() {
                    assert_eq!(part.span.offset, next);
                    next += part.span.length;
                    count += 1;
                    assert_eq!(u64::from(part.number.number()), count);
                    assert!(part.span.length <= PART_MAX);
                    assert_eq!(part.span.offset % PIECE_LENGTH, 0);
                    assert!(next == size || part.span.length >= PART_MIN);
                }
                assert_eq!((next, count), (size, plan.part_count()));
                assert!(count <= PARTS_MAX);
            }
        }
        let size = OBJECT_MAX + 1;
        assert_eq!(MultipartPlan::new(size, PART_MIN), Err(TooLarge { size }));
    }

    #[test]
    fn part_numbers_are_1_to_10000() {
        assert_eq!(PartNumber::new(0), None);
        assert_eq!(PartNumber::new(10_001), None);
        assert_eq!(PartNumber::new(10_000).map(PartNumber::number), Some(10_000));
    }

    #[test]
    fn growing_parts_reach_the_largest_object() {
        let total: u64 = (1..=PARTS_MAX).filter_map(PartNumber::new).map(growing_part_size).sum();
        assert!(total >= OBJECT_MAX);
    }

    #[test]
    fn ranges_cover_the_content() {
        assert_eq!(ranges(0, 5).count(), 0);
        let spans: Vec<_> = ranges(11, 5).map(Span::range_header).collect();
        assert_eq!(spans, ["bytes=0-4", "bytes=5-9", "bytes=10-10"]);
    }
}
