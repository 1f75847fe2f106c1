//! Addresses to upload documents to (cardbridge-open-api.md section 6.5.1).

use files::{Folder, ObjectKey};
use wire::cardbridge::upload::{
    GeneratePreUploadUrl, NamedFile, UploadBusinessType, UploadFileBody, UploadUrlsBody,
};

use super::call::Call;
use super::reply::{Reply, Success};

/// `POST intent-ticket/v1/generate-pre-upload-url`. Nothing is stored: an address carries all that
/// its PUT needs.
pub(crate) async fn generate_pre_upload_url(
    call: Call<GeneratePreUploadUrl>,
) -> Reply<UploadUrlsBody> {
    let request = call.body()?;
    let folder = match request.business_type {
        UploadBusinessType::CreateCardKyc => Folder::Kyc,
        UploadBusinessType::CreateCardEdd | UploadBusinessType::IncreaseLimitEdd => Folder::Edd,
    };
    let now = call.state.store.clock().real_now();
    let address = |file: NamedFile| {
        let enterprise = call.enterprise_id;
        let key = ObjectKey::new(folder, enterprise, file.file_type, now, &*call.state.random);
        let url = call.state.files.upload_url(&key, now);
        UploadFileBody { file_name: file.file_name, url, object_key: key.to_string() }
    };
    let upload_file_responses = request.files.into_iter().map(address).collect();
    Ok(Success(UploadUrlsBody { upload_file_responses }))
}
