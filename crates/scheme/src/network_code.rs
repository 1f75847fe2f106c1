//! What the codes of networks stand for.

use domain::ResponseCode;

/// The code of a decline by the network; `None` if it approved (network-iso8583.md section 4.2).
pub(crate) fn decline_of(code: &str) -> Option<ResponseCode> {
    match code {
        "00" | "08" | "10" | "11" | "16" | "85" | "87" => None,
        "51" | "61" | "65" => Some(ResponseCode::InsufficientFunds),
        "68" | "91" | "96" => Some(ResponseCode::NoResponse),
        _ => Some(ResponseCode::NotAllowed),
    }
}
