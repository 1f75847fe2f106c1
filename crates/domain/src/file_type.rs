//! The file types of customers' documents.

/// A type of file that may be uploaded (cardbridge-open-api.md section 14, U27). `jpg` and `jpeg`
/// are two types, to keep the extension that the caller chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    /// `.pdf`
    Pdf,
    /// `.jpg`
    Jpg,
    /// `.jpeg`
    Jpeg,
    /// `.png`
    Png,
}

impl FileType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Pdf, Self::Jpg, Self::Jpeg, Self::Png];

    /// The type that a file's name indicates. Path parts before the name are dropped, not refused
    /// (operator-and-sandbox.md section 5, Files).
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.rsplit(['/', '\\']).next()?;
        let (_, extension) = name.rsplit_once('.')?;
        Self::ALL.into_iter().find(|kind| kind.extension().eq_ignore_ascii_case(extension))
    }

    /// The extension, in lower case and without its dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpg => "jpg",
            Self::Jpeg => "jpeg",
            Self::Png => "png",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpg | Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// The bytes that every file of the type begins with.
    #[must_use]
    pub const fn first_bytes(self) -> &'static [u8] {
        match self {
            Self::Pdf => b"%PDF-",
            Self::Jpg | Self::Jpeg => &[0xff, 0xd8, 0xff],
            Self::Png => b"\x89PNG\r\n\x1a\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FileType;

    #[test]
    fn the_type_is_that_of_the_last_part_of_the_name() {
        for (name, expected) in [
            ("a.pdf", Some(FileType::Pdf)),
            ("A.B.JpEg", Some(FileType::Jpeg)),
            ("../../etc/a.jpg", Some(FileType::Jpg)),
            ("C:\\scans\\a.png", Some(FileType::Png)),
            ("a.pdf/", None),
            ("a.pdf/b", None),
            ("a.pdf.exe", None),
            ("a.pdf\u{0}", None),
            ("pdf", None),
            ("", None),
        ] {
            assert_eq!(FileType::of_name(name), expected, "{name:?}");
        }
    }
}
