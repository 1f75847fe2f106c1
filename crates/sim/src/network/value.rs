//! Values of a script: text with parts in braces that are filled in when a message is made.

use zeroize::Zeroizing;

/// One part of a value.
pub enum Piece {
    /// Text as it stands.
    Text(Zeroizing<String>),
    /// `{now}`
    Now,
    /// `{stan}`
    Stan,
    /// `{rrn}`
    Rrn,
    /// `{NAME.11}`: a field of a message that was sent or got.
    Field {
        /// The step's name.
        name: String,
        /// The field.
        number: u8,
    },
    /// `{NAME}`: one of `[vars]`.
    Variable(String),
    /// `{pin:1234}`
    Pin(Zeroizing<String>),
    /// `{original:NAME}`
    Original(String),
}

/// A value with its parts in order.
pub struct Template(pub Vec<Piece>);

impl Template {
    /// Reads a value.
    ///
    /// # Errors
    /// What is wrong with its braces.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (inner, after) = after.split_once('}').ok_or("a brace is not closed")?;
            if !before.is_empty() {
                pieces.push(Piece::Text(Zeroizing::new(before.to_owned())));
            }
            pieces.push(piece(inner)?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(Zeroizing::new(rest.to_owned())));
        }
        Ok(Self(pieces))
    }

    /// Whether every making gives the same, apart from messages and variables.
    pub fn is_settled(&self) -> bool {
        let is_settled =
            |it: &Piece| matches!(it, Piece::Text(_) | Piece::Field { .. } | Piece::Variable(_));
        self.0.iter().all(is_settled)
    }
}

fn piece(inner: &str) -> Result<Piece, String> {
    if let Some(pin) = inner.strip_prefix("pin:") {
        return Ok(Piece::Pin(Zeroizing::new(pin.to_owned())));
    }
    if let Some(name) = inner.strip_prefix("original:") {
        return Ok(Piece::Original(name.to_owned()));
    }
    match (inner, inner.rsplit_once('.')) {
        ("now", _) => Ok(Piece::Now),
        ("stan", _) => Ok(Piece::Stan),
        ("rrn", _) => Ok(Piece::Rrn),
        (_, Some((name, number))) => {
            let number = number.parse().ok().filter(|it| (2..=128).contains(it));
            let number = number.ok_or_else(|| format!("{{{inner}}} names no field"))?;
            Ok(Piece::Field { name: name.to_owned(), number })
        }
        _ => Ok(Piece::Variable(inner.to_owned())),
    }
}
