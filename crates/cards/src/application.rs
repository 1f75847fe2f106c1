//! The personal data of an application: checked when it arrives, and kept sealed until its order is
//! final.

use domain::{CardProfile, Customer, CustomerId, EnterpriseId, OrderId, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use vault::{Vault, VaultError};
use wire::cardbridge::applicant::{CustomerInfo, KycInfo};
use wire::cardbridge::order::ForwardingApplication;
use zeroize::Zeroizing;

use crate::CardsError;
use crate::contact::{normalise_email, normalise_phone_of};
use crate::magic::{MagicValues, Scenario};

/// The purpose under which the vault seals applications.
const SEAL_PURPOSE: &str = "order-application";
/// The employment that needs an employer's name (cardbridge-open-api.md section 6.1.1).
const EMPLOYED: &str = "EMPLOYED";

/// Why a stored application cannot be read.
#[derive(Debug, Error)]
pub enum UnreadableError {
    /// The vault refuses to open it.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// It is not valid JSON. The parser's own text might quote it and is dropped.
    #[error("the opened application is not one")]
    Json,
}

/// The check of the body's shape, which needs nothing else.
///
/// # Errors
/// A required field is missing.
pub fn check_shape(kyc: &KycInfo) -> Result<(), CardsError> {
    if kyc.employment_status == EMPLOYED && kyc.employer_name.is_none() {
        return Err(CardsError::IllegalField("kycInfo.employerName is missing"));
    }
    Ok(())
}

/// The checks that need no customer, in the order of cardbridge-open-api.md section 6.1.1,
/// "Synchronous errors": the country, then the contact data. An application without a country is
/// served by every profile.
///
/// # Errors
/// Country, e-mail or phone.
pub fn check(
    application: &ForwardingApplication,
    profile: &CardProfile,
) -> Result<Contact, CardsError> {
    if !application.kyc_info.country.as_deref().is_none_or(|it| is_served(profile, it)) {
        return Err(CardsError::CountryNotServed);
    }
    Contact::of(&application.customer_info)
}

/// True if a profile issues cards to residents of a country (alpha-2).
pub fn is_served(profile: &CardProfile, country: &str) -> bool {
    profile.supported_countries.is_empty()
        || profile.supported_countries.iter().any(|c| c.eq_ignore_ascii_case(country))
}

/// An applicant's contact data, normalised.
#[derive(Debug, PartialEq, Eq)]
pub struct Contact {
    /// Lower case.
    pub email: Option<String>,
    /// E.164.
    pub phone: Option<String>,
}

impl Contact {
    /// Reads and normalises contact data.
    ///
    /// # Errors
    /// Both e-mail and phone are missing, or one of them is ill-formed.
    pub fn of(info: &CustomerInfo) -> Result<Self, CardsError> {
        if info.email.is_none() && info.phone.is_none() {
            return Err(CardsError::ContactMissing);
        }
        let country_code = info.phone_country_code.as_deref();
        let phone = info.phone.as_deref().map(|phone| normalise_phone_of(phone, country_code));
        let phone = phone.transpose()?;
        let email = info.email.as_deref().map(normalise_email).transpose()?;
        Ok(Self { email, phone })
    }

    /// The customer that an application describes; `customer_id` is used if it is new.
    pub fn into_customer(
        self,
        enterprise_id: EnterpriseId,
        customer_id: CustomerId,
        info: &CustomerInfo,
        now: Timestamp,
    ) -> Customer {
        Customer {
            enterprise_id,
            customer_id,
            customer_ref: info.customer_ref.clone(),
            email: self.email,
            phone: self.phone,
            phone_country_code: info.phone_country_code.clone(),
            created_at: now,
            modified_at: now,
        }
    }
}

/// The scenario that an application's magic words choose.
pub fn scenario(info: &CustomerInfo, kyc: &KycInfo) -> Scenario {
    Scenario::of(&MagicValues {
        share_token: &kyc.sumsub_share_token,
        customer_ref: info.customer_ref.as_deref(),
        email: info.email.as_deref(),
    })
}

#[derive(Serialize)]
struct Sealing<'a> {
    customer_info: &'a CustomerInfo,
    kyc_info: &'a KycInfo,
}

/// Seals an application under its order.
pub fn seal(
    vault: &Vault,
    enterprise_id: EnterpriseId,
    order_id: OrderId,
    customer_info: &CustomerInfo,
    kyc_info: &KycInfo,
) -> Vec<u8> {
    let sealing = Sealing { customer_info, kyc_info };
    let json = serde_json::to_vec(&sealing).expect("structs of texts are JSON");
    let json = Zeroizing::new(json);
    vault.seal_secret(enterprise_id, SEAL_PURPOSE, &order_id.to_string(), &json)
}

/// The part of a stored application that its scenario depends on.
#[derive(Deserialize)]
struct Kept<'a> {
    #[serde(borrow)]
    customer_info: KeptContact<'a>,
    #[serde(borrow)]
    kyc_info: KeptKyc<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptContact<'a> {
    #[serde(borrow)]
    customer_ref: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    email: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptKyc<'a> {
    #[serde(borrow)]
    sumsub_share_token: std::borrow::Cow<'a, str>,
}

/// The scenario of an order, from its stored application.
///
/// # Errors
/// [`UnreadableError`].
pub fn scenario_of_sealed(
    vault: &Vault,
    enterprise_id: EnterpriseId,
    order_id: OrderId,
    sealed: &[u8],
) -> Result<Scenario, UnreadableError> {
    let json = vault.open_secret(enterprise_id, SEAL_PURPOSE, &order_id.to_string(), sealed)?;
    let kept: Kept<'_> = serde_json::from_slice(&json).map_err(|_| UnreadableError::Json)?;
    Ok(Scenario::of(&MagicValues {
        share_token: &kept.kyc_info.sumsub_share_token,
        customer_ref: kept.customer_info.customer_ref.as_deref(),
        email: kept.customer_info.email.as_deref(),
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{ErrorCode, ProfileId, SystemRandom};
    use vault::MasterKey;

    use super::*;
    use crate::OrderOutcome;

    fn profile(countries: &[&str]) -> CardProfile {
        let (owner, id) = (EnterpriseId::from_i64(1), ProfileId::from_i64(2));
        let (name, bin_range) = ("plain".into(), "41111100-41111199".parse().unwrap());
        CardProfile {
            supported_countries: countries.iter().map(|&c| c.to_owned()).collect(),
            ..CardProfile::visa_usd(owner, id, name, bin_range, Timestamp::from_micros(0))
        }
    }

    fn application() -> ForwardingApplication {
        ForwardingApplication {
            profile_id: "2".into(),
            card_order_ref: "ord-1".into(),
            customer_info: CustomerInfo {
                phone_country_code: Some("86".into()),
                phone: Some("+86 138 0013 8000".into()),
                email: Some("Jane@Example.com".into()),
                customer_ref: Some("jane".into()),
            },
            kyc_info: KycInfo {
                sumsub_share_token: "edd\"1".into(),
                country: Some("SG".into()),
                employment_status: "STUDENT".into(),
                source_of_funds: "OTHERS".into(),
                source_of_wealth: "OTHERS".into(),
                ..KycInfo::default()
            },
        }
    }

    #[test]
    fn a_sound_application_is_normalised() {
        let contact = check(&application(), &profile(&["sg", "MY"])).unwrap();
        assert_eq!(contact.email.as_deref(), Some("jane@example.com"));
        assert_eq!(contact.phone.as_deref(), Some("+8613800138000"));
    }

    #[test]
    fn checks_come_in_the_published_order() {
        let code = |change: &dyn Fn(&mut ForwardingApplication)| {
            let mut application = application();
            change(&mut application);
            check(&application, &profile(&["SG"])).err().map(|error| error.code())
        };
        let mut steps: Vec<fn(&mut ForwardingApplication)> = vec![
            |a| a.customer_info.email = Some("nowhere".into()),
            |a| a.customer_info.phone = Some("12".into()),
            |a| (a.customer_info.email, a.customer_info.phone) = (None, None),
            |a| a.kyc_info.country = Some("MY".into()),
        ];
        let mut codes = Vec::new();
        for last in 1..=steps.len() {
            codes.push(code(&|application| steps[..last].iter().for_each(|s| s(application))));
        }
        assert_eq!(
            codes,
            [
                Some(ErrorCode::EmailInvalid),
                Some(ErrorCode::PhoneInvalid),
                Some(ErrorCode::CustomerEmailOrPhoneRequired),
                Some(ErrorCode::CardProfileNotSupportingCountryCodes),
            ]
        );
        steps.clear();
        assert_eq!(code(&|a| a.kyc_info.country = None), None);
        assert_eq!(code(&|a| a.customer_info.email = None), None);
    }

    #[test]
    fn an_employed_applicant_must_name_an_employer() {
        let mut kyc = application().kyc_info;
        kyc.employment_status = EMPLOYED.into();
        assert_eq!(
            check_shape(&kyc).err().map(|error| error.code()),
            Some(ErrorCode::SysIllegalParam)
        );
        kyc.employer_name = Some("Acme".into());
        assert!(check_shape(&kyc).is_ok());
    }

    #[test]
    fn a_sealed_application_keeps_its_scenario_and_opens_for_its_order_only() {
        let key = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
        let vault = Vault::new(key, Arc::new(SystemRandom));
        let (enterprise, order) = (EnterpriseId::from_i64(1), OrderId::from_i64(9));
        let given = application();
        let sealed = seal(&vault, enterprise, order, &given.customer_info, &given.kyc_info);
        assert!(!sealed.windows(4).any(|w| w == b"Jane"));
        let scenario = scenario_of_sealed(&vault, enterprise, order, &sealed).unwrap();
        assert_eq!(scenario, Scenario { outcome: OrderOutcome::Edd, slow: false });
        let other = OrderId::from_i64(10);
        assert!(scenario_of_sealed(&vault, enterprise, other, &sealed).is_err());
    }
}
