//! Deliveries of one-time passwords (cardbridge-open-api.md section 6.7.3).

use domain::{EnterpriseId, OtpDelivery, OtpDeliveryStatus, Timestamp};

use crate::engine::{Tx, with};
use crate::{Store, StoreError};

/// Most deliveries, those of hosted pages included, that an enterprise begins within
/// [`OTP_WINDOW_S`] (operator-and-sandbox.md section 5, Limits).
pub const MAX_OTP_DELIVERIES: i64 = 60;
/// The window of [`MAX_OTP_DELIVERIES`], seconds of real time.
pub const OTP_WINDOW_S: i64 = 60;

/// The time for which a reference is known, seconds of real time: a repetition within it sends
/// nothing.
pub const OTP_REF_KEPT_S: i64 = 30 * 24 * 60 * 60;
/// The most deliveries past that time that one new delivery of their enterprise sweeps.
const SWEEP_ROWS: i64 = 100;

/// The answer to a request to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtpClaim {
    /// The caller must deliver, and settle the delivery.
    Claimed,
    /// The reference is used.
    Known(OtpDelivery),
    /// The enterprise has begun too many.
    TooMany,
}

impl Store {
    /// The delivery with this reference of the enterprise.
    pub async fn otp_delivery(
        &self,
        enterprise_id: EnterpriseId,
        otp_send_ref: &str,
    ) -> Result<Option<OtpDelivery>, StoreError> {
        self.by_key((enterprise_id, otp_send_ref.to_owned())).await
    }

    /// Begins a delivery, and forgets those of the enterprise that are older than
    /// [`OTP_REF_KEPT_S`]. Of all callers with one reference exactly one gets
    /// [`OtpClaim::Claimed`].
    pub async fn claim_otp_delivery(
        &self,
        enterprise_id: EnterpriseId,
        otp_send_ref: &str,
        real_now: Timestamp,
    ) -> Result<OtpClaim, StoreError> {
        let request = (enterprise_id, otp_send_ref.to_owned(), real_now);
        self.write(with(request, async |tx, (owner, reference, real_now)| {
            claim(tx, *owner, reference, *real_now).await
        }))
        .await
    }

    /// Records the result of a delivery.
    pub async fn settle_otp_delivery(
        &self,
        enterprise_id: EnterpriseId,
        otp_send_ref: &str,
        status: OtpDeliveryStatus,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE otp_delivery SET status = $1 \
            WHERE enterprise_id = $2 AND otp_send_ref = $3";
        let params = [status.into(), enterprise_id.into(), otp_send_ref.into()];
        self.execute(sql, params).await.map(drop)
    }
}

async fn claim(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    otp_send_ref: &str,
    real_now: Timestamp,
) -> Result<OtpClaim, StoreError> {
    // One at a time for each enterprise, so neither the reference nor the count can be raced. A
    // lock alone would not do: under repeatable read the one who waited counts as of before.
    let turn = "UPDATE enterprise SET pci = pci WHERE enterprise_id = $1";
    tx.execute(turn, &[enterprise_id.into()]).await?;
    if let Some(known) = tx.by_key((enterprise_id, otp_send_ref.to_owned())).await? {
        return Ok(OtpClaim::Known(known));
    }
    let window_start = real_now.plus_seconds(-OTP_WINDOW_S);
    let sql = "SELECT COUNT(*) FROM otp_delivery WHERE enterprise_id = $1 AND sent_at > $2";
    let begun: Option<i64> = tx.one(sql, &[enterprise_id.into(), window_start.into()]).await?;
    if begun.unwrap_or(0) >= MAX_OTP_DELIVERIES {
        return Ok(OtpClaim::TooMany);
    }
    let forget_before = real_now.plus_seconds(-OTP_REF_KEPT_S);
    let sweep = "DELETE FROM otp_delivery WHERE enterprise_id = $1 AND otp_send_ref IN \
        (SELECT otp_send_ref FROM otp_delivery WHERE enterprise_id = $1 AND sent_at <= $2 \
        ORDER BY sent_at LIMIT $3)";
    tx.execute(sweep, &[enterprise_id.into(), forget_before.into(), SWEEP_ROWS.into()]).await?;
    let delivery = OtpDelivery { status: OtpDeliveryStatus::Pending, sent_at: real_now };
    let key = [("enterprise_id", enterprise_id.into()), ("otp_send_ref", otp_send_ref.into())];
    tx.insert_with(&delivery, &key).await?;
    Ok(OtpClaim::Claimed)
}

/// Begins the delivery of a page's password. The delivery is recorded under a reference made of the
/// page's link, which no caller can choose because it begins with a blank (`domain::is_reference`).
/// Its result is not recorded.
pub(crate) async fn claim_page_password(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    secret_hash: [u8; 32],
    real_now: Timestamp,
) -> Result<OtpClaim, StoreError> {
    let reference = secret_hash.iter().fold(" page/".to_owned(), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    });
    claim(tx, enterprise_id, &reference, real_now).await
}
