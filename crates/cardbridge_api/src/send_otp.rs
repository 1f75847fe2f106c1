//! One-time passwords that the enterprise chooses and we deliver
//! (cardbridge-open-api.md section 6.7.3). The password goes into the message only,
//! not into the store or a log.

use std::sync::Arc;
use std::time::Duration;

use cards::{CardsError, normalise_email, normalise_phone_of};
use domain::{EnterpriseId, ErrorCode, OtpDelivery, OtpDeliveryStatus, PageLanguage};
use http::StatusCode;
use mail::{Mail, MailChannel, MailKind};
use store::{OtpClaim, StoreError};
use wire::cardbridge::otp::{OtpChannel, OtpDeliveryBody, SendOtp};
use zeroize::Zeroizing;

use super::call::Call;
use super::reply::{Failure, Reply, Success};
use crate::state::ApiState;

/// Longest time that a delivery may be on its way, milliseconds; the mail server's deadline is 15
/// seconds, so one that takes longer died with its process.
const MAX_DELIVERY_MS: i64 = 20_000;
/// The interval at which a repeated request looks for the first one's result.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// `POST customer/v1/send-otp`. A reference that was used before gets the first result.
pub(crate) async fn send_otp(call: Call<SendOtp>) -> Reply<OtpDeliveryBody> {
    let request = call.body()?;
    let (enterprise_id, otp_send_ref) = (call.enterprise_id, request.otp_send_ref.clone());
    let status = match call.state.store.otp_delivery(enterprise_id, &otp_send_ref).await? {
        Some(known) => first_result(&call.state, enterprise_id, &otp_send_ref, known).await?,
        None => {
            let mail = mail(&request)?;
            if !call.state.mailer.serves(mail.channel) {
                return Err(ErrorCode::OperationNotSupport.into());
            }
            begin(&call.state, enterprise_id, &otp_send_ref, mail).await?
        }
    };
    Ok(Success(OtpDeliveryBody::new(otp_send_ref, status)))
}

async fn begin(
    state: &Arc<ApiState>,
    enterprise_id: EnterpriseId,
    otp_send_ref: &str,
    mail: Mail,
) -> Result<OtpDeliveryStatus, Failure> {
    let real_now = state.store.clock().real_now();
    match state.store.claim_otp_delivery(enterprise_id, otp_send_ref, real_now).await? {
        OtpClaim::TooMany => Err(Failure::transport(StatusCode::TOO_MANY_REQUESTS)),
        OtpClaim::Known(known) => {
            Ok(first_result(state, enterprise_id, otp_send_ref, known).await?)
        }
        OtpClaim::Claimed => {
            let (state, otp_send_ref) = (Arc::clone(state), otp_send_ref.to_owned());
            // In a separate task, so a caller who hangs up leaves no delivery without a result.
            let delivery =
                tokio::spawn(
                    async move { deliver(&state, enterprise_id, &otp_send_ref, mail).await },
                );
            Ok(delivery.await.map_err(|_| Failure::internal())??)
        }
    }
}

async fn deliver(
    state: &ApiState,
    enterprise_id: EnterpriseId,
    otp_send_ref: &str,
    mail: Mail,
) -> Result<OtpDeliveryStatus, StoreError> {
    let status = match state.mailer.send(mail).await {
        Ok(()) => OtpDeliveryStatus::Succeeded,
        Err(error) => {
            tracing::warn!(enterprise = %enterprise_id, %error, "a one-time password was not sent");
            OtpDeliveryStatus::Failed
        }
    };
    state.store.settle_otp_delivery(enterprise_id, otp_send_ref, status).await?;
    Ok(status)
}

/// The result of a delivery that another request began; waits for it, but not for ever.
async fn first_result(
    state: &ApiState,
    enterprise_id: EnterpriseId,
    otp_send_ref: &str,
    mut known: OtpDelivery,
) -> Result<OtpDeliveryStatus, StoreError> {
    while known.status == OtpDeliveryStatus::Pending {
        if state.store.clock().real_now().millis_since(known.sent_at) >= MAX_DELIVERY_MS {
            return Ok(OtpDeliveryStatus::Failed);
        }
        tokio::time::sleep(LOOK_EVERY).await;
        match state.store.otp_delivery(enterprise_id, otp_send_ref).await? {
            Some(now) => known = now,
            None => return Ok(OtpDeliveryStatus::Failed),
        }
    }
    Ok(known.status)
}

fn mail(request: &SendOtp) -> Result<Mail, CardsError> {
    let (channel, to) = match request.channel {
        OtpChannel::Email => {
            let email = request.email.as_deref().ok_or(CardsError::EmailInvalid)?;
            (MailChannel::Email, normalise_email(email)?)
        }
        OtpChannel::Sms => {
            let country = request.phone_country_code.as_deref().ok_or(CardsError::PhoneInvalid)?;
            let phone = request.phone.as_deref().ok_or(CardsError::PhoneInvalid)?;
            (MailChannel::Sms, normalise_phone_of(phone, Some(country))?)
        }
    };
    let otp = request.otp.as_str();
    let (subject, text) = match request.language {
        PageLanguage::En => (
            "Your verification code",
            format!("Your verification code is {otp}\nDo not share it with anyone.\n"),
        ),
        PageLanguage::Zh => ("您的验证码", format!("您的验证码是 {otp}\n请勿告诉他人。\n")),
    };
    let (subject, text) = (subject.to_owned(), Zeroizing::new(text));
    Ok(Mail { channel, kind: MailKind::OneTimePassword, to, subject, text })
}
