//! Card data and PINs on the wire, each field under the secret of the key that signed
//! (cardbridge-open-api.md sections 5, 6.2.5 and 6.2.7). One IV serves all fields of a
//! body, so the ciphertexts count as clear text: they are never logged or kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{CryptoError, base64_text, field_cipher};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::body::{FieldType, body};
use super::problem::ParseError;
use super::reading::{CIPHERTEXT, Object, TEXT};
use crate::field::{Field, Kind, Table};

/// Path of card data; the body is a [`CardIdBody`](super::card::CardIdBody).
pub const RETRIEVE_PATH: &str = "/open-api/card/v1/retrieve-secure-card";
/// Path of [`ResetPin`].
pub const RESET_PIN_PATH: &str = "/open-api/card/v1/reset-pin";

/// The data of a card, encrypted for its enterprise.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecureCardBody {
    /// The card, plain.
    pub card_id: String,
    /// Ciphertext of the PAN.
    pub pan: String,
    /// Ciphertext of the expiry, YYMM.
    pub expire_date: String,
    /// Ciphertext of the CVV2.
    pub cvv2: String,
    /// The IV of all three, base64.
    pub iv: String,
}

impl SecureCardBody {
    /// Encrypts card data under the secret of the key that signed the request. The IV must be
    /// fresh: never used before under this secret.
    ///
    /// # Errors
    /// The secret is not a key.
    pub fn seal(
        card_id: String,
        [pan, expiry_yymm, cvv2]: [&str; 3],
        secret: &str,
        iv: [u8; field_cipher::IV_BYTES],
    ) -> Result<Self, CryptoError> {
        let sealed = |text: &str| field_cipher::encrypt(secret, &iv, text.as_bytes());
        Ok(Self {
            card_id,
            pan: sealed(pan)?,
            expire_date: sealed(expiry_yymm)?,
            cvv2: sealed(cvv2)?,
            iv: STANDARD.encode(iv),
        })
    }
}

/// The decrypted card data by which a holder proves that they have the card, and the new PIN.
pub struct PinProof {
    /// Expiry as written: YYMM or MM/YY.
    pub expiry: Zeroizing<String>,
    /// CVV2.
    pub cvv2: Zeroizing<String>,
    /// The PAN's last four digits.
    pub pan_last4: Zeroizing<String>,
    /// The new PIN.
    pub new_pin: Zeroizing<String>,
}

body! {
    /// `POST card/v1/reset-pin` as it travels. All ciphertexts have one IV.
    #[derive(Clone, PartialEq, Eq)]
    pub struct ResetPinBody {
        /// The card, plain.
        pub card_id: String = "cardId": Kind::Id,
        /// Ciphertext of the expiry: YYMM or MM/YY.
        pub encrypted_expire_date: String = "encryptedExpireDate": CIPHERTEXT,
        /// Ciphertext of the CVV2.
        pub encrypted_cvv2: String = "encryptedCvv2": CIPHERTEXT,
        /// Ciphertext of the PAN's last four digits.
        pub encrypted_pan_last4: String = "encryptedPanLast4": CIPHERTEXT,
        /// Ciphertext of the new PIN, four digits.
        pub encrypted_new_pin: String = "encryptedNewPin": CIPHERTEXT,
        /// The IV, 12 or 16 bytes, base64.
        pub iv: String = "iv": TEXT,
    }
}

/// `POST card/v1/reset-pin`, read.
pub struct ResetPin {
    /// The card.
    pub card_id: String,
    /// `None` if a field or the IV cannot be deciphered. Such a body is well-formed, and the answer
    /// does not tell the caller which part failed (cardbridge-open-api.md section 6.2.7).
    pub proof: Option<PinProof>,
}

impl ResetPin {
    /// Reads the body and deciphers its fields with the secret of the key that signed.
    ///
    /// # Errors
    /// A field is missing or not a text.
    pub fn parse(body: &[u8], secret: &str) -> Result<Self, ParseError> {
        ResetPinBody::parse(body).map(|body| Self::deciphered(body, secret))
    }

    /// Deciphers the fields of a body with the secret of the key that signed.
    #[must_use]
    pub fn deciphered(body: ResetPinBody, secret: &str) -> Self {
        let iv = base64_text::decode(&body.iv).unwrap_or_default();
        let plain = |text: &str| deciphered(secret, &iv, text);
        let sealed = [
            &body.encrypted_expire_date,
            &body.encrypted_cvv2,
            &body.encrypted_pan_last4,
            &body.encrypted_new_pin,
        ];
        let proof = match sealed.map(|text| plain(text)) {
            [Some(expiry), Some(cvv2), Some(pan_last4), Some(new_pin)] => {
                Some(PinProof { expiry, cvv2, pan_last4, new_pin })
            }
            _ => None,
        };
        Self { card_id: body.card_id, proof }
    }
}

fn deciphered(secret: &str, iv: &[u8], text: &str) -> Option<Zeroizing<String>> {
    let plain = field_cipher::decrypt(secret, iv, text).ok()?;
    std::str::from_utf8(&plain).ok().map(|plain| Zeroizing::new(plain.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    #[test]
    fn card_data_are_sealed_as_published() {
        let iv = std::array::from_fn(|index| u8::try_from(index).unwrap());
        let fields = ["4111111111111111", "3012", "123"];
        let body =
            SecureCardBody::seal("1133840055626895360".to_owned(), fields, SECRET, iv).unwrap();
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            concat!(
                r#"{"cardId":"1133840055626895360","#,
                r#""pan":"GdSKTegp452Z7UCPQP7gNUiUTqDsx/T8Pm+r5+lgoGs=","#,
                r#""expireDate":"HtWKTojgJIeTtXPPTpkSO3ItwaE=","#,
                r#""cvv2":"HNeI7Rpkqtcs8KG5HRXa2qafSw==","iv":"AAECAwQFBgcICQoL"}"#
            )
        );
    }

    fn reset_body(iv: &[u8], new_pin: &str) -> String {
        let sealed = |text: &str| field_cipher::encrypt(SECRET, iv, text.as_bytes()).unwrap();
        let body = ResetPinBody {
            card_id: "7".to_owned(),
            encrypted_expire_date: sealed("3208"),
            encrypted_cvv2: sealed("123"),
            encrypted_pan_last4: sealed("1111"),
            encrypted_new_pin: sealed(new_pin),
            iv: STANDARD.encode(iv),
        };
        serde_json::to_string(&body).unwrap()
    }

    #[test]
    fn a_reset_is_deciphered_with_both_iv_lengths() {
        for iv in [&[7_u8; 12][..], &[7; 16][..]] {
            let reset = ResetPin::parse(reset_body(iv, "4711").as_bytes(), SECRET).ok().unwrap();
            let proof = reset.proof.unwrap();
            assert_eq!(reset.card_id, "7");
            assert_eq!((&**proof.expiry, &**proof.cvv2), ("3208", "123"));
            assert_eq!((&**proof.pan_last4, &**proof.new_pin), ("1111", "4711"));
        }
    }

    #[test]
    fn what_cannot_be_deciphered_is_no_question_of_form() {
        let sound = reset_body(&[7; 12], "4711");
        let other_iv = sound.replace(&STANDARD.encode([7; 12]), &STANDARD.encode([8; 12]));
        let no_iv = sound.replace(&STANDARD.encode([7; 12]), "***");
        for body in [other_iv, no_iv] {
            assert!(ResetPin::parse(body.as_bytes(), SECRET).ok().unwrap().proof.is_none());
        }
        for field in ["cardId", "encryptedCvv2", "encryptedNewPin", "iv"] {
            let body = sound.replace(&format!("\"{field}\""), "\"other\"");
            let error = ResetPin::parse(body.as_bytes(), SECRET).err().unwrap();
            assert_eq!(error.to_string(), format!("{field} is missing"));
        }
    }
}
