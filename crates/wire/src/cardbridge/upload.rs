//! Addresses to upload documents to (cardbridge-open-api.md section 6.5.1).

use domain::FileType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::shown_by_table;
use super::problem::{ParseError, Problem};
use super::reading::{Object, check_text};
use crate::field;
use crate::field::{Field, Kind, MAX_TEXT_CHARS, Table};

/// Path of [`GeneratePreUploadUrl`].
pub const GENERATE_PRE_UPLOAD_URL_PATH: &str = "/open-api/intent-ticket/v1/generate-pre-upload-url";

/// Most files of one request.
pub const MAX_FILES: usize = 10;

domain::text_enum! {
    /// The purpose of uploaded files (cardbridge-open-api.md section 12, uploadBusinessType).
    UploadBusinessType {
        /// Evidence for a card order.
        CreateCardEdd = "CREATE_CARD_EDD",
        /// Evidence for a higher limit.
        IncreaseLimitEdd = "INCREASE_LIMIT_EDD",
        /// Proof of identity and address.
        CreateCardKyc = "CREATE_CARD_KYC",
    }
}

/// A file that is going to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Its name, without path parts and control characters.
    pub file_name: String,
    /// The type that its extension indicates.
    pub file_type: FileType,
}

/// `POST intent-ticket/v1/generate-pre-upload-url`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratePreUploadUrl {
    /// One to [`MAX_FILES`], in the caller's order; a name may occur twice.
    pub files: Vec<NamedFile>,
    /// Their purpose.
    pub business_type: UploadBusinessType,
}

shown_by_table!(GeneratePreUploadUrl);

impl GeneratePreUploadUrl {
    const TABLE: Table = Table::named(
        "GeneratePreUploadUrl",
        "",
        &[
            Field::of("fileNames", "", Kind::FileNames { most: MAX_FILES }).required(),
            Field::of("businessType", "What they are for", Kind::Word(UploadBusinessType::TEXTS))
                .required(),
        ],
    );

    /// Reads the body.
    ///
    /// # Errors
    /// No names, too many, one that is too long or has an extension that is not taken, or
    /// no known businessType.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let object = Object::parse(body)?;
        let (file_names, business_type) =
            (field!(Self::TABLE, "fileNames"), field!(Self::TABLE, "businessType"));
        let names = object.any_text_list(file_names)?.unwrap_or_default();
        if names.is_empty() {
            return Err(object.wrong(file_names, Problem::Missing));
        }
        if names.len() > MAX_FILES {
            return Err(object.wrong(file_names, Problem::TooLong));
        }
        let purpose = object.text(business_type.optional())?;
        let named = |(index, name): (usize, &String)| {
            named(name).map_err(|it| ParseError::new(format!("fileNames[{index}]"), it))
        };
        let files = names.iter().enumerate().map(named).collect::<Result<_, _>>()?;
        let business_type = purpose
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| object.wrong(business_type, Problem::NotAnUploadPurpose))?;
        Ok(Self { files, business_type })
    }
}

/// Path parts and control characters are dropped from a name, not refused (operator-and-sandbox.md
/// section 5, Files).
fn named(sent: &str) -> Result<NamedFile, Problem> {
    let plain: String = sent.chars().filter(|c| !c.is_control()).collect();
    check_text(&plain, MAX_TEXT_CHARS)?;
    let file_name = plain.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let file_type = FileType::of_name(&file_name).ok_or(Problem::NotAFileType)?;
    Ok(NamedFile { file_name, file_type })
}

/// The address for one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadFileBody {
    /// The name as it was sent, without path parts and control characters.
    pub file_name: String,
    /// Takes one PUT of the raw bytes; valid for one hour.
    pub url: String,
    /// What later stands for the file in `filePath`, `poaDocUrlList` and the like.
    pub object_key: String,
}

/// Where all files go, in the order of the request. An object: unchanged clients cannot
/// read a bare array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadUrlsBody {
    /// One for each file.
    pub upload_file_responses: Vec<UploadFileBody>,
}

#[cfg(test)]
mod tests {
    use domain::ErrorCode;

    use super::*;

    fn parse(names: &str, business_type: &str) -> Result<GeneratePreUploadUrl, ParseError> {
        let body = format!(r#"{{"fileNames":{names},"businessType":{business_type}}}"#);
        GeneratePreUploadUrl::parse(body.as_bytes())
    }

    #[test]
    fn names_keep_their_order_and_lose_paths_and_control_characters() {
        let names = r#"["b.PDF","../a.jpg","b.PDF","C:\\x\\c\r\nd\u0000\u009b.png"]"#;
        let request = parse(names, "\"CREATE_CARD_KYC\"").unwrap();
        let names: Vec<_> = request.files.iter().map(|file| file.file_name.as_str()).collect();
        assert_eq!(names, ["b.PDF", "a.jpg", "b.PDF", "cd.png"]);
        assert_eq!(request.files[0].file_type, FileType::Pdf);
        assert_eq!(request.business_type, UploadBusinessType::CreateCardKyc);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |names: &str, business_type: &str| {
            let error = parse(names, business_type).unwrap_err();
            (error.code(), error.to_string())
        };
        let known = "\"CREATE_CARD_EDD\"";
        let long = format!("[\"{}.pdf\"]", "x".repeat(MAX_TEXT_CHARS));
        let many = format!("[{}\"a.pdf\"]", "\"a.pdf\",".repeat(MAX_FILES));
        for (names, said) in [
            ("null", "fileNames is missing"),
            ("[]", "fileNames is missing"),
            ("\"a.pdf\"", "fileNames has the wrong type"),
            (&many, "fileNames is too long"),
            (&long, "fileNames[0] is too long"),
            (r#"["a.pdf",""]"#, "fileNames[1] must end in .pdf, .jpg, .jpeg or .png"),
            (r#"["a.exe"]"#, "fileNames[0] must end in .pdf, .jpg, .jpeg or .png"),
            (r#"["a.pdf/"]"#, "fileNames[0] must end in .pdf, .jpg, .jpeg or .png"),
        ] {
            assert_eq!(refused(names, known), (ErrorCode::SysIllegalParam, said.to_owned()));
        }
        for business_type in ["null", "\"\"", "\"KYC\"", "\"create_card_kyc\"", "7"] {
            let (code, _) = refused(r#"["a.pdf"]"#, business_type);
            assert_eq!(code, ErrorCode::UploadBusinessTypeError, "{business_type}");
        }
    }
}
