//! How the messages of a script are written and read.

use crypto::{MacPadding, TdesKey};
use iso8583::{Framing, Layout, MacPlace, Message, WipedBytes, decode, encode, encode_with_mac};

use super::step::FrameShape;

/// The layout, the frames and the keys of a script.
pub struct Codec {
    /// How messages are laid out.
    pub layout: Layout,
    /// How they are framed.
    pub framing: Framing,
    /// The zone PIN key.
    pub zpk: Option<TdesKey>,
    /// The zone authentication key.
    pub zak: Option<TdesKey>,
}

/// The fields of the MAC.
const MAC_FIELDS: [u8; 2] = [64, 128];

/// A message that was got.
pub struct Got {
    /// The message.
    pub message: Message,
    /// Whether its MAC is right; `None` without a MAC or a key.
    pub mac_is_right: Option<bool>,
}

impl Codec {
    /// The frame of a message. It gets a MAC if there is a key, `is_signed` is set and the message
    /// has none of its own.
    ///
    /// # Errors
    /// The field that does not fit, or that the frame is too large.
    pub fn frame(
        &self,
        message: &Message,
        header: &[u8],
        is_signed: bool,
        shape: &FrameShape,
    ) -> Result<WipedBytes, String> {
        if let Some(raw) = &shape.raw {
            let mut frame = WipedBytes::with_capacity(raw.len());
            frame.extend(raw);
            return Ok(frame);
        }
        let mut text = WipedBytes::with_capacity(512);
        let has_mac = MAC_FIELDS.iter().any(|field| message.get(*field).is_some());
        let written = match &self.zak {
            Some(zak) if is_signed && !has_mac => {
                let mac = |text: &[u8]| zak.mac(text, MacPadding::Zeros);
                encode_with_mac(&self.layout, message, &mut text, mac)
            }
            _ => encode(&self.layout, message, &mut text),
        };
        written.map_err(|error| format!("fields.{}: {}", error.field, error.fault))?;
        let stated = i64::try_from(text.len()).unwrap_or(i64::MAX);
        let stated = stated.checked_add(shape.length_offset.unwrap_or(0));
        let stated = stated.and_then(|it| usize::try_from(it).ok());
        let stated = stated.ok_or("frame.length-offset: the length would be below 0")?;
        if stated > self.framing.max_frame_bytes {
            return Err("the frame is larger than max-frame".to_owned());
        }
        // The length that a text of the stated size has, before the text that is sent.
        let frame = self.framing.write(header, |out| {
            out.fill(0, stated);
            Ok::<_, std::convert::Infallible>(())
        });
        let mut frame = frame.map_err(|error| error.to_string())?;
        frame.truncate(self.framing.length.size() + header.len());
        frame.extend(&text);
        if let Some(bytes) = shape.bytes {
            frame.truncate(bytes);
        }
        Ok(frame)
    }

    /// The message as its receiver decodes it: filled up to the lengths of its formats.
    ///
    /// # Errors
    /// The field that does not fit.
    pub fn as_received(&self, message: &Message) -> Result<Message, String> {
        let mut text = WipedBytes::with_capacity(512);
        let written = encode(&self.layout, message, &mut text);
        written.map_err(|error| format!("fields.{}: {}", error.field, error.fault))?;
        let decoded = decode(&self.layout, &text);
        decoded.map(|it| it.message).map_err(|error| format!("fields.{}: {error}", error.field))
    }

    /// The message of these bytes.
    ///
    /// # Errors
    /// The fault of a message that cannot be decoded.
    pub fn read(&self, bytes: &[u8]) -> Result<Got, String> {
        let decoded = decode(&self.layout, bytes).map_err(|error| error.to_string())?;
        let message = decoded.message;
        let is_right = |(zak, MacPlace { field, offset }): (&TdesKey, MacPlace)| {
            let mac = message.get(field).unwrap_or_default();
            zak.mac_matches(bytes.get(..offset).unwrap_or_default(), MacPadding::Zeros, mac)
        };
        let mac_is_right = self.zak.as_ref().zip(decoded.mac).map(is_right);
        Ok(Got { message, mac_is_right })
    }
}
