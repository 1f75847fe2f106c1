//! The bodies that the operator and sandbox APIs take, as their OpenAPI document shows
//! them. Handlers read them field by field, so that each error names its field; the
//! `FIELDS` of a body are all that it may hold.

use utoipa::ToSchema;

/// Declares a body: its schema and the names of its fields.
macro_rules! body {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$fmeta:meta])* $field:ident ($wire:literal): $kind:ty),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(ToSchema)]
        pub struct $name { $($(#[$fmeta])* #[schema(rename = $wire)] pub $field: $kind),* }

        impl $name {
            /// Names of all fields.
            pub const FIELDS: &'static [&'static str] = &[$($wire),*];
        }
    };
}

body! {
    /// A body without fields; it may be left out.
    NoFields {}
}

body! {
    /// The day whose reconciliation files are cut.
    CloseDay {
        /// UTC+8, `yyyyMMdd`.
        date("date"): String,
    }
}

body! {
    /// A new enterprise.
    NewEnterprise {
        /// For operators; 1 to 256 characters.
        name("name"): String,
    }
}

body! {
    /// Any of these; null clears `webhookUrl`, `authUrl`, `externalPublicKey` and `webhookKey`.
    EnterpriseChange {
        /// Where webhooks go.
        webhook_url("webhookUrl"): Option<String>,
        /// Where authorisation notices go.
        auth_url("authUrl"): Option<String>,
        /// PEM or bare base64 of an RSA SPKI.
        external_public_key("externalPublicKey"): Option<String>,
        /// An active API key of the enterprise; it signs webhooks.
        webhook_key("webhookKey"): Option<String>,
        /// CIDR networks that may call; empty = any (sandbox only).
        ip_allowlist("ipAllowlist"): Option<Vec<String>>,
        /// Hosts that a hosted page may redirect to.
        redirect_hosts("redirectHosts"): Option<Vec<String>>,
        /// Origins that may frame a hosted page.
        page_origins("pageOrigins"): Option<Vec<String>>,
        /// Whether the enterprise has PCI papers.
        pci("pci"): Option<bool>,
        /// How long an authorisation waits for the enterprise: 500 to 3000.
        #[schema(minimum = 500, maximum = 3000, example = 2000)]
        auth_deadline_ms("authDeadlineMs"): Option<u32>,
        /// `PKCS1` or `OAEP_SHA256`.
        rsa_padding("rsaPadding"): Option<String>,
        /// `SHA256`, `SHA1` or `SHA512`: the digest of the signatures on notices and answers.
        rsa_hash("rsaHash"): Option<String>,
        /// `TEXT` or `RAW`: whether the base64 text of a notice's ciphertext is signed, or the
        /// ciphertext. Answers may sign either.
        rsa_signed_bytes("rsaSignedBytes"): Option<String>,
        /// What decides while the enterprise does not answer.
        stand_in("standIn"): Option<StandIn>,
    }
}

body! {
    /// What decides while the enterprise does not answer.
    StandIn {
        /// `decline`; `approve_up_to` is not available yet.
        mode("mode"): String,
        /// For `approve_up_to`.
        amount("amount"): Option<String>,
        /// For `approve_up_to`.
        currency("currency"): Option<String>,
        /// For `approve_up_to`.
        daily_total("dailyTotal"): Option<String>,
    }
}

body! {
    /// How a physical card travels.
    Shipment {
        /// The carrier's number.
        tracking_number("trackingNumber"): String,
        /// The carrier.
        tracking_company_name("trackingCompanyName"): String,
    }
}

body! {
    /// Money brought to or taken from a deposit.
    FundsMovement {
        /// Numeric ISO 4217 code.
        currency("currency"): String,
        /// Major units, above zero.
        amount("amount"): String,
        /// The operator's own reference; it moves money once.
        reference("reference"): String,
    }
}

body! {
    /// Any of these; null clears `merchantPublicKey` and `webhookUrl`.
    VmAppChange {
        /// PEM or bare base64 of an RSA SPKI of 2048 to 4096 bits; answers are encrypted with it.
        merchant_public_key("merchantPublicKey"): Option<String>,
        /// Where webhooks go.
        webhook_url("webhookUrl"): Option<String>,
        /// Addresses and CIDR networks that may call; empty = any in the sandbox, none in
        /// production.
        ip_whitelist("ipWhitelist"): Option<Vec<String>>,
        /// Whether webhooks bear our own signature header.
        sign_webhooks("signWebhooks"): Option<bool>,
        /// What the app is charged for; what is not named stays as it is.
        fees("fees"): Option<VmFeesChange>,
    }
}

body! {
    /// Fees charged to an app's balance, US dollars; any of these.
    VmFeesChange {
        /// For a card, when it is opened.
        opening("opening"): Option<String>,
        /// For an approved authorisation.
        authorisation("authorisation"): Option<VmFeeChange>,
        /// For a declined authorisation.
        decline("decline"): Option<VmFeeChange>,
        /// For an approved authorisation in another currency than the card's, on top.
        cross_border("crossBorder"): Option<VmFeeChange>,
    }
}

body! {
    /// A fee; any of these.
    VmFeeChange {
        /// Of the amount in the card's currency: 0 to 100, up to two decimals.
        percent("percent"): Option<String>,
        /// Least fee, major units; with no percent it is the fee.
        least("least"): Option<String>,
    }
}

body! {
    /// Money brought to a VM app, US dollars.
    VmFunds {
        /// `balance`, which prepaid cards are loaded from, or `wallet`, which credit-line
        /// cards draw on.
        account("account"): String,
        /// Major units, above zero.
        amount("amount"): String,
        /// The operator's own reference; it moves money once in an enterprise.
        reference("reference"): String,
    }
}

body! {
    /// What an app can open cards of. The same code, profile and funding again set the area
    /// and how many cards are left.
    NewVmProduct {
        /// What createCard takes: 1 to 32 of A-Z, a-z, 0-9, `-` and `_`.
        product_code("productCode"): String,
        /// A card profile of the app's enterprise in 840.
        profile_id("profileId"): String,
        /// `save` (prepaid) or `share` (credit line).
        funding("funding"): String,
        /// Where its cards are issued, as shown; `US` if absent.
        issuing_area("issuingArea"): Option<String>,
        /// How many more cards may be opened, up to 1000000; that many if absent.
        remaining_cards("remainingCards"): Option<u32>,
    }
}

body! {
    /// How a new API key is handed over: in the answer if both fields are left out (sandbox
    /// only), else by a one-time extraction.
    NewApiKeyRequest {
        /// The mailbox that gets the extraction code.
        email("email"): Option<String>,
        /// The only address that may use it.
        source_ip("sourceIp"): Option<String>,
    }
}

body! {
    /// A new card profile.
    NewCardProfile {
        /// Owner.
        enterprise_id("enterpriseId"): String,
        /// For operators.
        name("name"): String,
        /// One prefix of 6 to 11 digits, or two joined by a hyphen.
        bin_range("binRange"): String,
        /// Card network; `VISA` if absent.
        network("network"): Option<String>,
        /// Billing currency, numeric.
        currency("currency"): String,
        /// Layout codes of its plastic.
        card_layouts("cardLayouts"): Option<Vec<String>>,
        /// Alpha-2 codes; empty = all.
        supported_countries("supportedCountries"): Option<Vec<String>>,
        /// Days that holds live.
        hold_days("holdDays"): Option<HoldDays>,
        /// Limits of each card.
        limits("limits"): Option<CardLimits>,
    }
}

body! {
    /// Days that holds live, by authorisation type.
    HoldDays {
        /// 1 to 365; 7 if absent.
        normal("NORMAL"): Option<u32>,
        /// 1 to 365; 30 if absent.
        pre_auth("PRE_AUTH"): Option<u32>,
    }
}

body! {
    /// Limits of each card, by period; absent or null = no limit.
    CardLimits {
        /// One authorisation.
        single("SINGLE"): Option<SingleLimit>,
        /// One UTC+8 day.
        daily("DAILY"): Option<PeriodLimit>,
        /// One UTC+8 month.
        monthly("MONTHLY"): Option<PeriodLimit>,
    }
}

body! {
    /// Limit of one authorisation.
    SingleLimit {
        /// Major units of the profile's currency.
        amount("amount"): Option<String>,
    }
}

body! {
    /// Limit of a period, enforced with every hold; absent or null = none of its kind.
    PeriodLimit {
        /// Major units of the profile's currency.
        amount("amount"): Option<String>,
        /// Number of authorisations.
        count("count"): Option<u32>,
    }
}

body! {
    /// The whole table of rates.
    FxRates {
        /// At most 1000; each pair once.
        rates("rates"): Vec<FxRateEntry>,
    }
}

body! {
    /// One rate: 1 unit of `from` is `rate` units of `to`.
    FxRateEntry {
        /// Currency.
        from("from"): String,
        /// Currency.
        to("to"): String,
        /// Decimal text, above zero.
        rate("rate"): String,
    }
}

body! {
    /// How far business time moves.
    ClockAdvance {
        /// 1 to 315576000 (ten years).
        seconds("seconds"): u32,
    }
}

body! {
    #[doc = " A purchase, cash withdrawal, inquiry, completion or refund. The card is named by \
        `cardId`, or by `pan`,"]
    /// `expiry` and `cvv2`.
    NewAuthorisation {
        /// The card's id.
        card_id("cardId"): Option<String>,
        /// The card's number.
        pan("pan"): Option<String>,
        /// YYMM or MM/YY.
        expiry("expiry"): Option<String>,
        /// Three digits.
        cvv2("cvv2"): Option<String>,
        /// The PIN that the shopper entered, four digits; a wrong one declines.
        pin("pin"): Option<String>,
        /// Major units.
        amount("amount"): String,
        /// Numeric ISO 4217 code.
        currency("currency"): String,
        /// `R` (default), `C`, `P` or `Q`.
        transaction_type("transactionType"): Option<String>,
        /// `NORMAL` (default), `PRE_AUTH` or `PRE_AUTH_COMPLETION`.
        auth_type("authType"): Option<String>,
        /// The reservation that a completion completes, or the purchase that a refund (type
        /// P) gives back.
        original_auth_id("originalAuthId"): Option<String>,
        /// Four digits.
        mcc("mcc"): Option<String>,
        /// Card acceptor identification.
        merchant_id("merchantId"): Option<String>,
        /// Name of the shop.
        merchant_name("merchantName"): Option<String>,
        /// Country of the shop.
        merchant_country("merchantCountry"): Option<String>,
        /// System trace audit number, 1 to 6 digits.
        stan("stan"): Option<String>,
        /// Retrieval reference number, 1 to 12 letters and digits.
        rrn("rrn"): Option<String>,
    }
}

body! {
    /// What is added to an authorisation.
    Increment {
        /// Major units of the acquirer's currency.
        amount("amount"): String,
        /// System trace audit number, 1 to 6 digits.
        stan("stan"): Option<String>,
        /// Retrieval reference number, 1 to 12 letters and digits.
        rrn("rrn"): Option<String>,
    }
}

body! {
    /// What is taken back.
    Reversal {
        /// Major units of the acquirer's currency; all that is left if absent.
        amount("amount"): Option<String>,
    }
}

body! {
    /// What is cleared.
    Clearing {
        /// Major units of the acquirer's currency; all that is left if absent.
        amount("amount"): Option<String>,
        /// Whether nothing more will come; true if absent.
        is_final("final"): Option<bool>,
    }
}

body! {
    /// A clearing that nothing authorised.
    ForcedClearing {
        /// The card.
        card_id("cardId"): String,
        /// Major units.
        amount("amount"): String,
        /// Numeric ISO 4217 code.
        currency("currency"): String,
        /// Four digits.
        mcc("mcc"): Option<String>,
        /// Card acceptor identification.
        merchant_id("merchantId"): Option<String>,
        /// Name of the shop.
        merchant_name("merchantName"): Option<String>,
        /// Country of the shop.
        merchant_country("merchantCountry"): Option<String>,
    }
}

body! {
    /// A refund of an authorisation or to a card.
    Refund {
        /// The authorisation.
        auth_id("authId"): Option<String>,
        /// The card.
        card_id("cardId"): Option<String>,
        /// Major units.
        amount("amount"): String,
        /// Numeric ISO 4217 code.
        currency("currency"): String,
        /// System trace audit number, 1 to 6 digits.
        stan("stan"): Option<String>,
        /// Retrieval reference number, 1 to 12 letters and digits.
        rrn("rrn"): Option<String>,
    }
}

body! {
    /// A purchase that the cardholder is to confirm.
    NewChallenge {
        /// The card.
        card_id("cardId"): String,
        /// Decimal text in major units.
        amount("amount"): String,
        /// Numeric ISO 4217 code.
        currency("currency"): String,
        /// Card acceptor identification.
        merchant_id("merchantId"): Option<String>,
        /// Name.
        merchant_name("merchantName"): Option<String>,
        /// Country, alpha-2.
        merchant_country("merchantCountry"): Option<String>,
        /// Four digits.
        mcc("mcc"): Option<String>,
    }
}

body! {
    /// The code that a cardholder typed.
    ChallengeAnswer {
        /// Six digits, as the card's app was told them.
        otp("otp"): String,
    }
}

body! {
    /// A reviewer's decision about a ticket.
    TicketVerdict {
        /// `pass` or `fail`.
        outcome("outcome"): String,
        /// A sentence for the enterprise.
        reason("reason"): Option<String>,
    }
}
