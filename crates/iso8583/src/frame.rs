//! Frames: a length, a header and a message (network-iso8583.md section 1.1).

use serde::Deserialize;
use thiserror::Error;

use crate::wiped::WipedBytes;
use crate::word::{NumberOrText, SettingsError, Word, all, choose};

/// How the length before a frame is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthPrefix {
    /// Two bytes, the higher first.
    Binary2,
    /// Four bytes, the highest first.
    Binary4,
    /// Four decimal digits.
    Ascii4,
    /// Four decimal digits in two bytes.
    Bcd2,
    /// Two bytes, the higher first, then two bytes that are written as 00 and not read.
    Binary2Zeros,
}

impl Word for LengthPrefix {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("binary2", Self::Binary2),
        ("binary4", Self::Binary4),
        ("ascii4", Self::Ascii4),
        ("bcd2", Self::Bcd2),
        ("binary2-00", Self::Binary2Zeros),
    ];
}

impl LengthPrefix {
    /// How many bytes it takes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Binary2 | Self::Bcd2 => 2,
            Self::Binary4 | Self::Ascii4 | Self::Binary2Zeros => 4,
        }
    }

    /// The largest number that it can express.
    #[must_use]
    pub const fn largest(self) -> usize {
        match self {
            Self::Binary2 | Self::Binary2Zeros => 65_535,
            Self::Binary4 => u32::MAX as usize,
            Self::Ascii4 | Self::Bcd2 => 9_999,
        }
    }

    /// The number that `bytes`, of this size, express.
    fn read(self, bytes: &[u8]) -> Option<usize> {
        let binary = |bytes: &[u8]| bytes.iter().fold(0, |sum, it| sum << 8 | usize::from(*it));
        let one = |sum, digit: u8| (digit <= 9).then(|| sum * 10 + usize::from(digit));
        match self {
            Self::Binary2 | Self::Binary4 => Some(binary(bytes)),
            Self::Binary2Zeros => Some(binary(bytes.get(..2)?)),
            Self::Ascii4 => bytes.iter().try_fold(0, |sum, it| one(sum, it.wrapping_sub(b'0'))),
            Self::Bcd2 => bytes
                .iter()
                .try_fold(0, |sum, it| one(sum, it >> 4).and_then(|sum| one(sum, it & 15))),
        }
    }

    /// Writes a number that is at most the largest.
    fn write(self, number: usize, out: &mut [u8]) {
        let digits = [1_000, 100, 10, 1].map(|weight| (number / weight % 10) as u8);
        let [.., a, b, c, d] = number.to_be_bytes();
        match self {
            Self::Binary2 => out.copy_from_slice(&[c, d]),
            Self::Binary4 => out.copy_from_slice(&[a, b, c, d]),
            Self::Ascii4 => out.copy_from_slice(&digits.map(|digit| b'0' + digit)),
            Self::Bcd2 => {
                let [thousands, hundreds, tens, ones] = digits;
                out.copy_from_slice(&[thousands << 4 | hundreds, tens << 4 | ones]);
            }
            Self::Binary2Zeros => out.copy_from_slice(&[c, d, 0, 0]),
        }
    }
}

/// What stands between the length and the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// Nothing.
    None,
    /// Five bytes: `60`, destination, origin. An answer swaps the two addresses.
    Tpdu {
        /// The header of what is not an answer.
        own: [u8; 5],
    },
    /// Bytes that are not read.
    Fixed {
        /// The header of what is not an answer.
        own: Vec<u8>,
        /// Whether an answer repeats the request's header.
        echoes: bool,
    },
}

/// The TPDU that what is not an answer carries unless the link says otherwise.
const OWN_TPDU: [u8; 5] = [0x60, 0, 0, 0, 0];
/// The longest fixed header.
const MAX_HEADER_BYTES: usize = 64;
/// The sizes that `max-frame` may have.
const MAX_FRAME_BYTES: std::ops::RangeInclusive<usize> = 256..=65_535;
/// The size of a frame if the link does not say otherwise.
const DEFAULT_MAX_FRAME_BYTES: usize = 8_192;

impl Header {
    /// How many bytes it takes.
    #[must_use]
    pub const fn size(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Tpdu { own } => own.len(),
            Self::Fixed { own, .. } => own.len(),
        }
    }

    /// The header of what is not an answer.
    #[must_use]
    pub fn own(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Tpdu { own } => own,
            Self::Fixed { own, .. } => own,
        }
    }

    /// The header of the answer to a frame that came with this header.
    #[must_use]
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        match (self, request) {
            (Self::Tpdu { .. }, [id, to1, to2, from1, from2]) => {
                vec![*id, *from1, *from2, *to1, *to2]
            }
            (Self::Fixed { echoes: true, .. }, request) if request.len() == self.size() => {
                request.to_vec()
            }
            _ => self.own().to_vec(),
        }
    }
}

/// The keys of `[[links]]` that frame a message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FramingSettings {
    /// How the length is written; `binary2` if it is missing.
    pub length: Option<String>,
    /// Whether the length counts its own bytes.
    #[serde(default)]
    pub length_includes_itself: bool,
    /// `none`, `tpdu` or a number of bytes.
    pub header: Option<NumberOrText>,
    /// In hexadecimal, the header of what is not an answer.
    pub header_own: Option<String>,
    /// `echo` or `own`: the header of answers, where it is a number of bytes.
    pub header_answer: Option<String>,
    /// Most bytes of header and message.
    pub max_frame: Option<usize>,
}

/// Which header an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AnswerHeader {
    Echo,
    Own,
}

impl Word for AnswerHeader {
    const WORDS: &'static [(&'static str, Self)] = &[("echo", Self::Echo), ("own", Self::Own)];
}

/// The frames of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framing {
    /// How the length is written.
    pub length: LengthPrefix,
    /// Whether the length counts its own bytes.
    pub length_includes_itself: bool,
    /// What stands between length and message.
    pub header: Header,
    /// Most bytes of header and message.
    pub max_frame_bytes: usize,
}

/// What the first bytes of a buffer are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The beginning of a frame, or nothing.
    Incomplete,
    /// A length of 0: no message.
    KeepAlive {
        /// The bytes that it takes.
        bytes: &'a [u8],
    },
    /// A whole frame.
    Whole {
        /// The header; shorter than the link's if the frame is.
        header: &'a [u8],
        /// The message; empty if the frame ends in or after the header.
        message: &'a [u8],
        /// How many bytes of the buffer it takes.
        size: usize,
    },
}

/// A length after which no byte can be trusted to begin a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameFault {
    /// Above `max-frame`.
    #[error("oversized")]
    Oversized,
    /// Not digits, or fewer than its own bytes although it counts them.
    #[error("bad_length")]
    BadLength,
}

/// A frame that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteError<E> {
    /// Header and message are above `max-frame`, or above what the length can express.
    #[error("the frame is too large")]
    Oversized,
    /// The message cannot be encoded.
    #[error(transparent)]
    Message(E),
}

impl Framing {
    /// Reads the framing of a link.
    ///
    /// # Errors
    /// The first key whose value cannot be used, and what it should be.
    pub fn new(settings: &FramingSettings) -> Result<Self, SettingsError> {
        let length = settings.length.as_deref();
        let length = choose("links.length", length, &all(), LengthPrefix::Binary2)?;
        let max_frame_bytes = settings.max_frame.unwrap_or(DEFAULT_MAX_FRAME_BYTES);
        if !MAX_FRAME_BYTES.contains(&max_frame_bytes) {
            return Err(SettingsError::new("links.max-frame", "a number from 256 to 65535"));
        }
        let length_includes_itself = settings.length_includes_itself;
        Ok(Self { length, length_includes_itself, header: header(settings)?, max_frame_bytes })
    }

    /// Reads the frame at the beginning of a buffer, which may hold less or more than one.
    ///
    /// # Errors
    /// The connection cannot be read any further.
    pub fn read<'a>(&self, buffer: &'a [u8]) -> Result<Frame<'a>, FrameFault> {
        let own = self.length.size();
        let Some(prefix) = buffer.get(..own) else { return Ok(Frame::Incomplete) };
        let number = self.length.read(prefix).ok_or(FrameFault::BadLength)?;
        let counted = if self.length_includes_itself { own } else { 0 };
        if number == 0 || number == counted {
            return Ok(Frame::KeepAlive { bytes: prefix });
        }
        let len = number.checked_sub(counted).ok_or(FrameFault::BadLength)?;
        if len > self.max_frame_bytes {
            return Err(FrameFault::Oversized);
        }
        let Some(content) = buffer.get(own..own + len) else { return Ok(Frame::Incomplete) };
        let (header, message) = content.split_at(self.header.size().min(len));
        Ok(Frame::Whole { header, message, size: own + len })
    }

    /// Makes a frame in one buffer: the length, this header, and the message that `encode` writes.
    ///
    /// # Errors
    /// The message cannot be encoded, or the frame is too large.
    pub fn write<E>(
        &self,
        header: &[u8],
        encode: impl FnOnce(&mut WipedBytes) -> Result<(), E>,
    ) -> Result<WipedBytes, WriteError<E>> {
        let own = self.length.size();
        let mut frame = WipedBytes::with_capacity(512);
        frame.fill(0, own);
        frame.extend(header);
        encode(&mut frame).map_err(WriteError::Message)?;
        let len = frame.len() - own;
        let number = if self.length_includes_itself { frame.len() } else { len };
        if len > self.max_frame_bytes || number > self.length.largest() {
            return Err(WriteError::Oversized);
        }
        self.length.write(number, &mut frame[..own]);
        Ok(frame)
    }
}

fn header(settings: &FramingSettings) -> Result<Header, SettingsError> {
    let should_be = || SettingsError::new("links.header", "none, tpdu, or a number from 1 to 64");
    let size = match &settings.header {
        None => return Ok(Header::None),
        Some(NumberOrText::Text(text)) if text == "none" => return Ok(Header::None),
        Some(NumberOrText::Text(text)) if text == "tpdu" => {
            let own = own(settings, OWN_TPDU.len())?.unwrap_or_else(|| OWN_TPDU.to_vec());
            return Ok(Header::Tpdu { own: own.try_into().unwrap_or(OWN_TPDU) });
        }
        Some(NumberOrText::Text(text)) => text.parse().map_err(|_| should_be())?,
        Some(NumberOrText::Number(number)) => usize::try_from(*number).map_err(|_| should_be())?,
    };
    if !(1..=MAX_HEADER_BYTES).contains(&size) {
        return Err(should_be());
    }
    let answer = settings.header_answer.as_deref();
    let answer = choose("links.header-answer", answer, &all(), AnswerHeader::Echo)?;
    let own = own(settings, size)?.unwrap_or_else(|| vec![0; size]);
    Ok(Header::Fixed { own, echoes: answer == AnswerHeader::Echo })
}

/// The header of what is not an answer.
fn own(settings: &FramingSettings, size: usize) -> Result<Option<Vec<u8>>, SettingsError> {
    let Some(text) = &settings.header_own else { return Ok(None) };
    let bytes = from_hex(text).filter(|bytes| bytes.len() == size);
    let should_be = || format!("{} hexadecimal digits", 2 * size);
    bytes.map(Some).ok_or_else(|| SettingsError::new("links.header-own", should_be()))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| {
        let [high, low] = pair else { return None };
        u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
    };
    text.as_bytes().chunks(2).map(pair).collect()
}
