//! The table of the operator API.

use super::{
    api_keys, authorisations, cards, deliveries, documents, enterprises, events, funds, fx_rates,
    jobs, key_extraction, ledger, links, network_messages, outstandings, plastic, profiles, recon,
    reveals, tickets, transactions, vm_apps, vm_products,
};
use crate::request_bodies::{
    CLOSE_DAY, ENTERPRISE_CHANGE, FUNDS_MOVEMENT, FX_RATES, NEW_API_KEY_REQUEST, NEW_CARD_PROFILE,
    NEW_ENTERPRISE, NEW_VM_PRODUCT, NO_FIELDS, OPERATOR_REVERSAL, SHIPMENT, TICKET_VERDICT,
    VM_APP_CHANGE, VM_FUNDS,
};
use crate::route::{Group, route};

/// The whole table, in the order of the document's tags.
pub(super) fn table() -> Vec<Group> {
    vec![
        enterprises(),
        cards(),
        authorisations(),
        webhooks(),
        events(),
        tickets(),
        vm_apps(),
        ledger(),
        recon(),
        fx_rates(),
        links(),
        files(),
        jobs(),
    ]
}

fn enterprises() -> Group {
    Group {
        tag: "enterprises",
        meaning: "Enterprises, their settings, API keys and deposits.",
        routes: vec![
            route("POST /admin/v1/enterprises", "create_enterprise", enterprises::create)
                .about("Creates an enterprise with the platform's key pair for it.")
                .takes(NEW_ENTERPRISE),
            route("GET /admin/v1/enterprises", "list_enterprises", enterprises::list)
                .about("Enterprises, newest first unless asked otherwise.")
                .paged(),
            route("GET /admin/v1/enterprises/{id}", "read_enterprise", enterprises::read)
                .about("One enterprise."),
            route("PATCH /admin/v1/enterprises/{id}", "patch", enterprises::patch)
                .about("Changes the fields that are given.")
                .takes(ENTERPRISE_CHANGE),
            route("POST /admin/v1/enterprises/{id}/deposits", "deposit", funds::deposit)
                .about("Brings money to the deposit. The same reference again moves nothing.")
                .takes(FUNDS_MOVEMENT),
            route("POST /admin/v1/enterprises/{id}/withdrawals", "withdraw", funds::withdraw)
                .about("Takes money from the deposit, never what is held.")
                .takes(FUNDS_MOVEMENT),
            route("POST /admin/v1/enterprises/{id}/api-keys", "create_api_key", api_keys::create)
                .about(
                    "Adds an API key: in the answer (sandbox only), or by a one-time extraction, \
                     whose code goes to the mailbox; that answer has no secret.",
                )
                .takes(NEW_API_KEY_REQUEST)
                .gives::<api_keys::HandedOverBody>(),
            route("GET /admin/v1/enterprises/{id}/api-keys", "list_api_keys", api_keys::list)
                .about(
                    "Every API key of an enterprise, newest first unless asked otherwise, revoked \
                     ones too. No secret is in it.",
                )
                .asks(["order"]),
            route(
                "GET /admin/v1/enterprises/{id}/key-extraction-attempts",
                "list_key_extraction_attempts",
                key_extraction::list_attempts,
            )
            .about("Attempts to fetch an enterprise's keys, newest first unless asked otherwise.")
            .paged(),
            route(
                "DELETE /admin/v1/enterprises/{id}/api-keys/{apiKey}",
                "revoke",
                api_keys::revoke,
            )
            .about("Revokes an API key at once."),
        ],
    }
}

fn cards() -> Group {
    Group {
        tag: "cards",
        meaning: "Card profiles, cards and their plastic.",
        routes: vec![
            route("POST /admin/v1/card-profiles", "create_card_profile", profiles::create)
                .about("Creates a card profile.")
                .takes(NEW_CARD_PROFILE),
            route("GET /admin/v1/card-profiles", "list_card_profiles", profiles::list)
                .about("Card profiles, newest first unless asked otherwise.")
                .asks(["enterpriseId"])
                .paged(),
            route("GET /admin/v1/cards/{id}", "read_card", cards::read).about("One card."),
            route("POST /admin/v1/cards/{id}/block", "block", cards::block)
                .about("The issuer's own freeze.")
                .takes(NO_FIELDS),
            route("POST /admin/v1/cards/{id}/unblock", "unblock", cards::unblock)
                .about("Lifts the issuer's freeze.")
                .takes(NO_FIELDS),
            route("POST /admin/v1/cards/{id}/emboss", "emboss", plastic::emboss)
                .about("The card is embossed; only then can it be activated.")
                .takes(NO_FIELDS),
            route("POST /admin/v1/cards/{id}/ship", "ship", plastic::ship)
                .about("The embossed card is on its way; a second time corrects how.")
                .takes(SHIPMENT),
            route("GET /admin/v1/cards/{id}/plastic", "read_plastic", plastic::read)
                .about("What the embosser needs to know. Personal data: not to be kept on the way.")
                .gives::<plastic::PlasticBody>(),
            route("GET /admin/v1/cards/{id}/reveals", "list_reveals", reveals::list)
                .about("Who opened this card's data, and why.")
                .asks(["order"]),
        ],
    }
}

fn authorisations() -> Group {
    Group {
        tag: "authorisations",
        meaning: "Authorisations with their receipts, transactions and bills.",
        routes: vec![
            route("GET /admin/v1/authorisations", "list_authorisations", authorisations::list)
                .about("Authorisations, newest first unless asked otherwise.")
                .asks(["cardId", "enterpriseId", "from", "to"])
                .paged(),
            route("GET /admin/v1/authorisations/{id}", "read_authorisation", authorisations::read)
                .about("The decision receipt."),
            route(
                "POST /admin/v1/authorisations/{id}/reverse",
                "reverse_for_network",
                authorisations::reverse,
            )
            .about(
                "Reverses an approved authorisation in the network's place, and tells the \
                 enterprise. What is held is released, what a message posted is posted back, and \
                 what a refund gave is taken back. A repeat of the authorisation by the network \
                 still gets its first answer.",
            )
            .takes(OPERATOR_REVERSAL),
            route("GET /admin/v1/transactions", "list_transactions", transactions::list)
                .about("Posted transactions, newest first unless asked otherwise.")
                .asks(["cardId", "enterpriseId", "authId"])
                .paged(),
            route("GET /admin/v1/transactions/{id}", "read_transaction", transactions::read)
                .about("One posted transaction."),
            route("GET /admin/v1/outstandings/{id}", "read_outstanding", outstandings::read)
                .about("A bill with its authorisations and transactions."),
        ],
    }
}

fn webhooks() -> Group {
    Group {
        tag: "webhooks",
        meaning: "Webhooks and the tries to deliver them.",
        routes: vec![
            route("GET /admin/v1/webhook-deliveries", "list_webhook_deliveries", deliveries::list)
                .about("Webhooks, newest first unless asked otherwise.")
                .asks(["status", "businessId", "enterpriseId"])
                .paged(),
            route(
                "GET /admin/v1/webhook-deliveries/{id}",
                "read_webhook_delivery",
                deliveries::read,
            )
            .about("One webhook with its tries."),
            route("POST /admin/v1/webhook-deliveries/{id}/resend", "resend", deliveries::resend)
                .about("Sends a delivered or parked webhook again, to the URL in force now.")
                .takes(NO_FIELDS),
        ],
    }
}

fn events() -> Group {
    Group {
        tag: "events",
        meaning: "What happened, in one order.",
        routes: vec![
            route("GET /admin/v1/events", "list_events", events::list)
                .about(
                    "Decisions, webhooks, network messages and jobs of all processes, kept for \
                     40 days; newest first unless asked otherwise. An event appears within \
                     seconds after its commit, always behind those that are there: whoever reads \
                     with `order=asc` and goes on later with the cursor `asc-` and the last \
                     `position` misses nothing. With `enterpriseId` cursors go by `number`.",
                )
                .asks(["enterpriseId"])
                .paged(),
        ],
    }
}

fn tickets() -> Group {
    Group {
        tag: "tickets",
        meaning: "Decisions about identity checks and evidence.",
        routes: vec![
            route(
                "POST /admin/v1/kyc-tickets/{id}/decide",
                "decide_kyc_ticket_as_operator",
                tickets::decide_kyc,
            )
            .about("Decides a KYC ticket; orders that wait for it go on or fail.")
            .takes(TICKET_VERDICT),
            route(
                "POST /admin/v1/intent-tickets/{id}/decide",
                "decide_intent_ticket_as_operator",
                tickets::decide_intent,
            )
            .about(
                "Decides an intent ticket; an order that waits for its evidence goes on or fails.",
            )
            .takes(TICKET_VERDICT),
        ],
    }
}

fn vm_apps() -> Group {
    Group {
        tag: "vm-apps",
        meaning: "Apps of the VM API.",
        routes: vec![
            route("POST /admin/v1/enterprises/{id}/vm-apps", "create_vm_app", vm_apps::create)
                .about(
                    "Creates an app of the VM API; in the sandbox with a prepaid and a credit-line \
                     product.",
                )
                .takes(NO_FIELDS)
                .gives::<vm_apps::NewVmAppBody>(),
            route("GET /admin/v1/enterprises/{id}/vm-apps", "list_vm_apps", vm_apps::list)
                .about("The apps of an enterprise, without their secrets.")
                .paged(),
            route("GET /admin/v1/vm-apps/{appId}", "read_vm_app", vm_apps::read)
                .about("One app, without its secret."),
            route("PATCH /admin/v1/vm-apps/{appId}", "patch_vm_app", vm_apps::patch)
                .about("Changes the fields that are given.")
                .takes(VM_APP_CHANGE),
            route("POST /admin/v1/vm-apps/{appId}/funds", "fund_vm_app", vm_apps::fund)
                .about("Brings money to an app. The same reference again moves nothing.")
                .takes(VM_FUNDS),
            route(
                "GET /admin/v1/vm-apps/{appId}/webhook-secret",
                "read_vm_app_webhook_secret",
                vm_apps::webhook_secret,
            )
            .about(
                "The secret that signs an app's webhooks while `signWebhooks` is on. It is always \
                 the same.",
            )
            .gives::<vm_apps::WebhookSecretBody>(),
            route("POST /admin/v1/vm-apps/{appId}/products", "put_vm_product", vm_products::put)
                .about(
                    "Opens a product to an app, or sets the area and what is left of one that it \
                     has.",
                )
                .takes(NEW_VM_PRODUCT),
            route("GET /admin/v1/vm-apps/{appId}/products", "list_vm_products", vm_products::list)
                .about("All products of an app."),
        ],
    }
}

fn ledger() -> Group {
    Group {
        tag: "ledger",
        meaning: "Accounts, and the proof that they add up.",
        routes: vec![
            route("GET /admin/v1/ledger/accounts", "accounts", ledger::accounts)
                .about("Ledger accounts, newest first unless asked otherwise.")
                .asks(["enterpriseId"])
                .paged(),
            route("GET /admin/v1/ledger/verify", "verify", ledger::verify)
                .about("Derives every balance again from its entries."),
        ],
    }
}

fn recon() -> Group {
    Group {
        tag: "recon",
        meaning: "Reconciliation files.",
        routes: vec![
            route("POST /admin/v1/recon/close-day", "close_day", recon::close_day)
                .about("Cuts the files of a UTC+8 day, as far as it has come.")
                .takes(CLOSE_DAY),
            route("GET /admin/v1/recon/verify", "verify_recon", recon::verify)
                .about(
                    "Builds the files of a day again from the ledger and explains every \
                     difference.",
                )
                .asks(["date"]),
        ],
    }
}

fn fx_rates() -> Group {
    Group {
        tag: "fx-rates",
        meaning: "The table of exchange rates.",
        routes: vec![
            route("GET /admin/v1/fx-rates", "read_fx_rates", fx_rates::read)
                .about("The table in force."),
            route("PUT /admin/v1/fx-rates", "replace", fx_rates::replace)
                .about("Replaces the whole table.")
                .takes(FX_RATES),
        ],
    }
}

fn links() -> Group {
    Group {
        tag: "links",
        meaning: "Links to card networks.",
        routes: vec![
            route("GET /admin/v1/links", "list_links", links::list)
                .about("The links of the process that answers, with their connections."),
            route("GET /admin/v1/links/{name}", "read_link", links::read).about("One link."),
            route(
                "GET /admin/v1/network-messages",
                "list_network_messages",
                network_messages::list,
            )
            .about("Messages that links brought, newest first unless asked otherwise.")
            .asks(["link", "mti", "acquirer", "stan", "rrn", "authId"])
            .asks(["delivery", "unposted", "from", "to"])
            .paged(),
            route("POST /admin/v1/links/{name}/sign-on", "sign_on_link", links::sign_on)
                .about(
                    "Signs on at every peer of the link. A connection takes requests once its peer \
                     answers 00.",
                )
                .takes(NO_FIELDS),
            route("POST /admin/v1/links/{name}/sign-off", "sign_off_link", links::sign_off)
                .about("Signs off at every peer of the link: requests that come get 91.")
                .takes(NO_FIELDS),
            route("POST /admin/v1/links/{name}/echo", "echo_link", links::echo)
                .about("Sends an echo test on every connection of the link.")
                .takes(NO_FIELDS),
            route("POST /admin/v1/links/{name}/cut-over", "cut_over_link", links::cut_over)
                .about(
                    "Announces a cut-over on every connection of the link. Its reconciliation \
                     window is closed once a peer answers 00; within a minute after a cut-over \
                     of the peer it is taken for the same.",
                )
                .takes(NO_FIELDS),
            route(
                "POST /admin/v1/links/{name}/key-request",
                "request_link_key",
                links::key_request,
            )
            .about("Asks every peer of the link for a new key, which it then sends by itself.")
            .takes(NO_FIELDS),
            route("POST /admin/v1/links/{name}/drain", "drain_link", links::drain)
                .about(
                    "Refuses requests with 91 until `resume` or a restart; what is under way is \
                     answered.",
                )
                .takes(NO_FIELDS),
            route("POST /admin/v1/links/{name}/resume", "resume_link", links::resume)
                .about("Takes requests again; each connection is in the state that it had before.")
                .takes(NO_FIELDS),
        ],
    }
}

fn files() -> Group {
    Group {
        tag: "files",
        meaning: "Uploaded documents.",
        routes: vec![
            route("GET /admin/v1/files/{*objectKey}", "read_file", documents::read)
                .about(
                    "An uploaded document, as a file to save: browsers should not open an image or \
                     a PDF of unknown origin. Where documents are kept in a bucket, the answer is \
                     a redirection to the bucket, valid for a minute.",
                )
                .gives_file(),
        ],
    }
}

fn jobs() -> Group {
    Group {
        tag: "jobs",
        meaning: "Work in the background that was given up.",
        routes: vec![
            route("GET /admin/v1/jobs", "list_jobs", jobs::list)
                .about(
                    "Parked jobs, newest first unless asked otherwise. The log tells why each \
                     failed.",
                )
                .asks(["parked"])
                .paged(),
            route("POST /admin/v1/jobs/{id}/retry", "retry_job", jobs::retry)
                .about(
                    "Makes a parked job due at once, with all its attempts before it; a job that \
                     is not parked is not found.",
                )
                .takes(NO_FIELDS),
        ],
    }
}
