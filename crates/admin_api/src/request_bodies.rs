//! The bodies that the operator and sandbox APIs take: their tables of fields, which handlers read
//! by and the OpenAPI document shows.

use domain::Enterprise;
use provision::MAX_REMAINING_CARDS;
use wire::field::{Field, Kind, Table};

/// Most days that a hold may live.
const MAX_HOLD_DAYS: u32 = 365;
/// Longest issuing area.
const MAX_AREA_CHARS: usize = 64;
/// Most seconds of one advance: ten years.
const MAX_ADVANCE_SECONDS: u32 = 315_576_000;
const AUTH_DEADLINE_MS: Kind = Kind::Whole {
    least: Enterprise::MIN_AUTH_DEADLINE_MS,
    most: Enterprise::MAX_AUTH_DEADLINE_MS,
    example: Some(2_000),
};

pub(crate) const STAN: Field = Field::text("stan", "System trace audit number, 1 to 6 digits.");
pub(crate) const RRN: Field =
    Field::text("rrn", "Retrieval reference number, 1 to 12 letters and digits.");
pub(crate) const MERCHANT_ID: Field = Field::text("merchantId", "Card acceptor identification.");
pub(crate) const MERCHANT_NAME: Field = Field::text("merchantName", "Name of the shop.");
pub(crate) const MERCHANT_CITY: Field = Field::text("merchantCity", "City of the shop.");
pub(crate) const MERCHANT_COUNTRY: Field = Field::text("merchantCountry", "Country of the shop.");
pub(crate) const MCC: Field = Field::text("mcc", "Four digits.");
pub(crate) const REFERENCE: Field =
    Field::text("reference", "The operator's own reference; it moves money once.").required();

pub(crate) const NO_FIELDS: Table =
    Table::named("NoFields", "A body without fields; it may be left out.", &[]);

pub(crate) const CLOSE_DAY: Table = Table::named(
    "CloseDay",
    "The day whose reconciliation files are cut.",
    &[Field::text("date", "UTC+8, `yyyyMMdd`.").required()],
);

pub(crate) const NEW_ENTERPRISE: Table = Table::named(
    "NewEnterprise",
    "A new enterprise.",
    &[Field::text("name", "For operators; 1 to 256 characters.").required()],
);

pub(crate) const ENTERPRISE_CHANGE: Table = Table::named(
    "EnterpriseChange",
    "Any of these; null clears `webhookUrl`, `authUrl`, `externalPublicKey` and `webhookKey`.",
    &[
        Field::long_text("webhookUrl", "Where webhooks go."),
        Field::long_text("authUrl", "Where authorisation notices go."),
        Field::long_text("externalPublicKey", "PEM or bare base64 of an RSA SPKI."),
        Field::text("webhookKey", "An active API key of the enterprise; it signs webhooks."),
        Field::texts("ipAllowlist", "CIDR networks that may call; empty = any (sandbox only)."),
        Field::texts("redirectHosts", "Hosts that a hosted page may redirect to."),
        Field::texts("pageOrigins", "Origins that may frame a hosted page."),
        Field::boolean("pci", "Whether the enterprise has PCI papers."),
        Field::of(
            "authDeadlineMs",
            "Time that an authorisation waits for the enterprise: 500 to 3000.",
            AUTH_DEADLINE_MS,
        ),
        Field::text("rsaPadding", "`PKCS1` or `OAEP_SHA256`."),
        Field::text(
            "rsaHash",
            "`SHA256`, `SHA1` or `SHA512`: the digest of the signatures on notices and answers.",
        ),
        Field::text(
            "rsaSignedBytes",
            "`TEXT` or `RAW`: whether the base64 text of a notice's ciphertext is signed, or the\n\
             ciphertext. Answers may sign either.",
        ),
        Field::object("standIn", "What decides while the enterprise does not answer.", &STAND_IN),
    ],
);

pub(crate) const STAND_IN: Table = Table::named(
    "StandIn",
    "What decides while the enterprise does not answer.",
    &[
        Field::text(
            "mode",
            "`decline`, or `approve_up_to`: purchases and cash of type NORMAL within the limits\n\
             that follow are approved where the enterprise gave no usable answer.",
        )
        .required(),
        Field::text("amount", "The most of one authorisation with its increments; major units."),
        Field::text("currency", "The only billing currency, ISO 4217."),
        Field::text("dailyTotal", "The most of a UTC+8 day; major units."),
    ],
);

pub(crate) const SHIPMENT: Table = Table::named(
    "Shipment",
    "How a physical card travels.",
    &[
        Field::text("trackingNumber", "The carrier's number.").required(),
        Field::text("trackingCompanyName", "The carrier.").required(),
    ],
);

pub(crate) const FUNDS_MOVEMENT: Table = Table::named(
    "FundsMovement",
    "Money brought to or taken from a deposit.",
    &[
        Field::text("currency", "Numeric ISO 4217 code.").required(),
        Field::text("amount", "Major units, above zero.").required(),
        REFERENCE,
    ],
);

pub(crate) const VM_APP_CHANGE: Table = Table::named(
    "VmAppChange",
    "Any of these; null clears `merchantPublicKey` and `webhookUrl`.",
    &[
        Field::long_text(
            "merchantPublicKey",
            "PEM or bare base64 of an RSA SPKI of 2048 to 4096 bits; answers are encrypted with \
             it.",
        ),
        Field::long_text("webhookUrl", "Where webhooks go."),
        Field::texts(
            "ipWhitelist",
            "Addresses and CIDR networks that may call; empty = any in the sandbox, none in\n\
             production.",
        ),
        Field::boolean("signWebhooks", "Whether webhooks carry our own signature header."),
        Field::object(
            "fees",
            "What the app is charged for; what is not named stays as it is.",
            &VM_FEES_CHANGE,
        ),
    ],
);

pub(crate) const VM_FEES_CHANGE: Table = Table::named(
    "VmFeesChange",
    "Fees charged to an app's balance, US dollars; any of these.",
    &[
        Field::text("opening", "For a card, when it is opened."),
        Field::object("authorisation", "For an approved authorisation.", &VM_FEE_CHANGE),
        Field::object("decline", "For a declined authorisation.", &VM_FEE_CHANGE),
        Field::object(
            "crossBorder",
            "For an approved authorisation in another currency than the card's, on top.",
            &VM_FEE_CHANGE,
        ),
    ],
);

pub(crate) const VM_FEE_CHANGE: Table = Table::named(
    "VmFeeChange",
    "A fee; any of these.",
    &[
        Field::text(
            "percent",
            "Of the amount in the card's currency: 0 to 100, up to two decimals.",
        ),
        Field::text("least", "Least fee, major units; with no percent it is the fee."),
    ],
);

pub(crate) const VM_FUNDS: Table = Table::named(
    "VmFunds",
    "Money brought to a VM app, US dollars.",
    &[
        Field::text(
            "account",
            "`balance`, which prepaid cards are loaded from, or `wallet`, which credit-line\n\
             cards draw on.",
        )
        .required(),
        Field::text("amount", "Major units, above zero.").required(),
        REFERENCE.meaning("The operator's own reference; it moves money once in an enterprise."),
    ],
);

pub(crate) const NEW_VM_PRODUCT: Table = Table::named(
    "NewVmProduct",
    "What an app can open cards of. The same code, profile and funding again set the area\n\
             and how many cards are left.",
    &[
        Field::text("productCode", "What createCard takes: 1 to 32 of A-Z, a-z, 0-9, `-` and `_`.")
            .required(),
        Field::text("profileId", "A card profile of the app's enterprise in 840.").required(),
        Field::text("funding", "`save` (prepaid) or `share` (credit line).").required(),
        Field::of(
            "issuingArea",
            "Where its cards are issued, as shown; `US` if absent.",
            Kind::Text { max_chars: MAX_AREA_CHARS },
        ),
        Field::whole(
            "remainingCards",
            "How many more cards may be opened, up to 1000000; that many if absent.",
            0,
            MAX_REMAINING_CARDS,
        ),
    ],
);

pub(crate) const NEW_API_KEY_REQUEST: Table = Table::named(
    "NewApiKeyRequest",
    "How a new API key is handed over: in the answer if both fields are left out (sandbox\n\
             only), otherwise by a one-time extraction.",
    &[
        Field::text("email", "The mailbox that gets the extraction code."),
        Field::text("sourceIp", "The only address that may use it."),
    ],
);

pub(crate) const NEW_CARD_PROFILE: Table = Table::named(
    "NewCardProfile",
    "A new card profile.",
    &[
        Field::text("enterpriseId", "Owner.").required(),
        Field::text("name", "For operators.").required(),
        Field::text("binRange", "One prefix of 6 to 11 digits, or two joined by a hyphen.")
            .required(),
        Field::text("network", "Card network; `VISA` if absent."),
        Field::text("currency", "Billing currency, numeric.").required(),
        Field::texts("cardLayouts", "Layout codes of its plastic."),
        Field::texts("supportedCountries", "Alpha-2 codes; empty = all."),
        Field::object("holdDays", "Days that holds live.", &HOLD_DAYS),
        Field::object("limits", "Limits of each card.", &CARD_LIMITS),
    ],
);

pub(crate) const HOLD_DAYS: Table = Table::named(
    "HoldDays",
    "Days that holds live, by authorisation type.",
    &[
        Field::whole("NORMAL", "1 to 365; 7 if absent.", 1, MAX_HOLD_DAYS),
        Field::whole("PRE_AUTH", "1 to 365; 30 if absent.", 1, MAX_HOLD_DAYS),
    ],
);

pub(crate) const CARD_LIMITS: Table = Table::named(
    "CardLimits",
    "Limits of each card, by period; absent or null = no limit.",
    &[
        Field::object("SINGLE", "One authorisation.", &SINGLE_LIMIT),
        Field::object("DAILY", "One UTC+8 day.", &PERIOD_LIMIT),
        Field::object("MONTHLY", "One UTC+8 month.", &PERIOD_LIMIT),
    ],
);

pub(crate) const SINGLE_LIMIT: Table = Table::named(
    "SingleLimit",
    "Limit of one authorisation.",
    &[Field::text("amount", "Major units of the profile's currency.")],
);

pub(crate) const PERIOD_LIMIT: Table = Table::named(
    "PeriodLimit",
    "Limit of a period, enforced with every hold; absent or null = none of its kind.",
    &[
        Field::text("amount", "Major units of the profile's currency."),
        Field::whole("count", "Number of authorisations.", 1, u32::MAX),
    ],
);

pub(crate) const FX_RATES: Table = Table::named(
    "FxRates",
    "The whole table of rates.",
    &[Field::objects("rates", "At most 1000; each pair once.", &FX_RATE_ENTRY).required()],
);

pub(crate) const FX_RATE_ENTRY: Table = Table::named(
    "FxRateEntry",
    "One rate: 1 unit of `from` is `rate` units of `to`.",
    &[
        Field::text("from", "Currency.").required(),
        Field::text("to", "Currency.").required(),
        Field::text("rate", "Decimal text, above zero.").required(),
    ],
);

pub(crate) const CLOCK_ADVANCE: Table = Table::named(
    "ClockAdvance",
    "How far business time moves.",
    &[Field::whole("seconds", "1 to 315576000 (ten years).", 1, MAX_ADVANCE_SECONDS).required()],
);

pub(crate) const NEW_AUTHORISATION: Table = Table::named(
    "NewAuthorisation",
    "A purchase, cash withdrawal, inquiry, completion or refund, asked for or stated by an\n\
             advice. The card is named by `cardId`, or by `pan`, `expiry` and `cvv2`.",
    &[
        Field::text("cardId", "The card's id."),
        Field::text("pan", "The card's number."),
        Field::text("expiry", "YYMM or MM/YY."),
        Field::text("cvv2", "Three digits."),
        Field::text("pin", "The PIN that the shopper entered, four digits; a wrong one declines."),
        Field::text("amount", "Major units.").required(),
        Field::text("currency", "Numeric ISO 4217 code.").required(),
        Field::text(
            "messageClass",
            "`request` (default) and `single`, whose approval is posted at once, ask the\n\
             enterprise; `advice` and `single_advice`, which posts, state what the network\n\
             decided.",
        ),
        Field::object("advice", "The network's decision; approved if absent.", &NETWORK_DECISION),
        Field::text(
            "entryMode",
            "How the card was read, for the receipt: `UNKNOWN`, `MANUAL`, `MAGSTRIPE`, `CHIP`,\n\
             `CONTACTLESS`, `CONTACTLESS_MAGSTRIPE`, `ON_FILE`, `FALLBACK`, `ECOMMERCE` or\n\
             `OTHER`.",
        ),
        Field::text(
            "cashBackAmount",
            "The part of a purchase that is paid out in cash, major units; for the receipt.",
        ),
        Field::text("transactionType", "`R` (default), `C`, `P` or `Q`."),
        Field::text("authType", "`NORMAL` (default), `PRE_AUTH` or `PRE_AUTH_COMPLETION`."),
        Field::text(
            "originalAuthId",
            "The reservation that a completion completes, the purchase that a refund (type\n\
             P) gives back, what an advice raises, or what a `single_advice` posts.",
        ),
        MCC,
        MERCHANT_ID,
        MERCHANT_NAME,
        MERCHANT_CITY,
        MERCHANT_COUNTRY,
        STAN,
        RRN,
    ],
);

pub(crate) const NETWORK_DECISION: Table = Table::named(
    "NetworkDecision",
    "What the network decided in the enterprise's place; for advices.",
    &[
        Field::text(
            "responseCode",
            "The network's own code, two letters or digits; `00` if absent. 00, 08, 10, 11,\n\
             16, 85 and 87 approve.",
        ),
        Field::text("authCode", "The code of an approval: 1 to 6 letters and digits."),
    ],
);

pub(crate) const INCREMENT: Table = Table::named(
    "Increment",
    "What is added to an authorisation.",
    &[Field::text("amount", "Major units of the acquirer's currency.").required(), STAN, RRN],
);

pub(crate) const REVERSAL: Table =
    Table::named("Reversal", "What is taken back.", &[AMOUNT_TAKEN_BACK, REMAINING_AMOUNT]);

const AMOUNT_TAKEN_BACK: Field =
    Field::text("amount", "Major units of the acquirer's currency; all that is left if absent.");

const REMAINING_AMOUNT: Field = Field::text(
    "remainingAmount",
    "In place of `amount`: how much of it and its increments is to remain. Sent again, it\n\
     gives nothing back.",
);

pub(crate) const OPERATOR_REVERSAL: Table = Table::named(
    "OperatorReversal",
    "What an operator takes back, and why.",
    &[
        AMOUNT_TAKEN_BACK,
        REMAINING_AMOUNT,
        Field::text("reason", "Stands in the reversal's receipt and in the log.").required(),
    ],
);

pub(crate) const CLEARING: Table = Table::named(
    "Clearing",
    "What is cleared.",
    &[
        Field::text(
            "amount",
            "Major units of the acquirer's currency; all that is left if absent.",
        ),
        Field::boolean("final", "Whether nothing more will come; true if absent."),
    ],
);

pub(crate) const FORCED_CLEARING: Table = Table::named(
    "ForcedClearing",
    "A clearing that nothing authorised.",
    &[
        Field::text("cardId", "The card.").required(),
        Field::text("amount", "Major units.").required(),
        Field::text("currency", "Numeric ISO 4217 code.").required(),
        MCC,
        MERCHANT_ID,
        MERCHANT_NAME,
        MERCHANT_CITY,
        MERCHANT_COUNTRY,
    ],
);

pub(crate) const REFUND: Table = Table::named(
    "Refund",
    "A refund of an authorisation or to a card.",
    &[
        Field::text("authId", "The authorisation."),
        Field::text("cardId", "The card."),
        Field::text("amount", "Major units.").required(),
        Field::text("currency", "Numeric ISO 4217 code.").required(),
        STAN,
        RRN,
    ],
);

pub(crate) const NEW_CHALLENGE: Table = Table::named(
    "NewChallenge",
    "A purchase that the cardholder is to confirm.",
    &[
        Field::text("cardId", "The card.").required(),
        Field::text("amount", "Decimal text in major units.").required(),
        Field::text("currency", "Numeric ISO 4217 code.").required(),
        MERCHANT_ID,
        MERCHANT_NAME.meaning("Name."),
        MERCHANT_CITY.meaning("City."),
        MERCHANT_COUNTRY.meaning("Country, alpha-2."),
        MCC,
    ],
);

pub(crate) const CHALLENGE_ANSWER: Table = Table::named(
    "ChallengeAnswer",
    "The code that a cardholder typed.",
    &[Field::text("otp", "Six digits, as the card's app was told them.").required()],
);

pub(crate) const TICKET_VERDICT: Table = Table::named(
    "TicketVerdict",
    "A reviewer's decision about a ticket.",
    &[
        Field::text("outcome", "`pass` or `fail`.").required(),
        Field::text("reason", "A sentence for the enterprise."),
    ],
);
