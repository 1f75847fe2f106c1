//! Header values that are not ASCII text (cardbridge-open-api.md section 3.5).

use testkit::both_engines;
use testkit::http::{Request, send};
use testkit::signing::{Caller, envelope};

both_engines!(a_header_that_is_no_text_is_ill_formed_and_not_missing, |platform| {
    let caller = Caller::new(platform).await;
    for (name, expected) in [
        ("X-DAPI-API-KEY", "DAPI_INVALID_API_KEY"),
        ("X-DAPI-TIMESTAMP", "DAPI_TIMESTAMP_FORMAT_ERROR"),
        ("X-DAPI-NONCE", "DAPI_NONCE_ILLEGAL"),
        ("X-DAPI-SIGN", "DAPI_SIGNATURE_ERROR"),
    ] {
        let signed = caller.signing().of(Request::get("/open-api/card/v1/detail?cardId=1"));
        let request = signed.without(name).header(name, "\u{661}\u{662}\u{663}");
        let answer = send(platform.public, &request).await;
        assert_eq!(envelope(&answer)["code"], expected, "{name}");
    }
});
