//! The records of the domain and their tables.

use domain::{
    ApiKey, Authorisation, Card, CardOrder, CardProfile, Customer, Enterprise, ExtractionAttempt,
    FxRate, GuidanceLink, IntentTicket, KeyExtraction, KycTicket, OtpDelivery, Posting, Reveal,
    ThreeDsChallenge, VelocityUse, VmApp, VmCard, VmFees, VmFlow, VmProduct, WebhookEvent,
};
use ledger::{Account, Transfer};

use super::{none_as_zero, packed_or_plain, record};

record! {
    Account in "ledger_account" key (enterprise_id, account_id)
    fixed (currency, purpose, owner_id) {
        enterprise_id,
        account_id,
        currency,
        funding_minor,
        available_minor,
        held_minor,
        posted_minor,
        forced_negative,
        owner: [purpose, owner_id],
        closed_into,
    }
}

record! {
    ApiKey in "api_key" key (api_key) {
        api_key,
        enterprise_id,
        sealed_secret,
        created_at,
        revoked_at,
    }
}

// Without its receipt, its late answer and its use of limits.
record! {
    Authorisation in "authorisation" key (enterprise_id, auth_id)
    fixed (
        card_id, customer_id, outs_id, original_auth_id, direction, auth_type, transaction_type,
        amount_minor, currency, acquirer_amount_minor, acquirer_currency, fx_rate, merchant_id,
        merchant_name, merchant_city, merchant_country, mcc, stan, rrn, created_at, account_purpose,
        account_owner_id
    ) {
        enterprise_id,
        auth_id,
        card_id,
        customer_id,
        outs_id,
        original_auth_id,
        direction,
        auth_type,
        transaction_type,
        amount: [amount_minor, currency],
        acquirer_amount: [acquirer_amount_minor, acquirer_currency],
        fx_rate,
        merchant: [merchant_id, merchant_name, merchant_city, merchant_country, mcc],
        network_key: [stan, rrn],
        status,
        response_code,
        reject_reason,
        cause: [detail],
        auth_code,
        hold_state,
        hold_remaining_minor,
        hold_expires_at,
        posted_minor,
        cleared_acquirer_minor,
        reversed_acquirer_minor,
        created_at,
        decided_at,
        account: [account_purpose, account_owner_id],
    }
}

record! {
    Card in "card" key (enterprise_id, card_id) {
        enterprise_id,
        card_id,
        profile_id,
        customer_id,
        pan_id,
        card_type,
        status,
        status_reason,
        pan_first6,
        pan_last4,
        currency,
        valid_until,
        invalidate_reason,
        created_at,
        modified_at,
        account: [account_purpose, account_owner_id],
    }
}

// Without its sealed application and the ticket that it waits for.
record! {
    CardOrder in "card_order" key (enterprise_id, order_id) {
        enterprise_id,
        order_id,
        card_order_ref,
        profile_id,
        customer_id,
        order_type,
        status,
        card_id,
        failure: [error_code, error_reason],
        need_edd_file,
        replace_card_id,
        created_at,
        modified_at,
    }
}

record! {
    CardProfile in "card_profile" key (enterprise_id, profile_id) {
        enterprise_id,
        profile_id,
        name,
        bin_range,
        network,
        currency,
        card_layouts,
        supported_countries,
        hold_days_normal,
        hold_days_pre_auth,
        limits: [
            single_amount_minor, single_count, daily_amount_minor, daily_count,
            monthly_amount_minor, monthly_count
        ],
        created_at,
    }
}

// Without the key that its e-mail is compared by.
record! {
    Customer in "customer" key (enterprise_id, customer_id) {
        enterprise_id,
        customer_id,
        customer_ref,
        email,
        phone,
        phone_country_code,
        created_at,
        modified_at,
    }
}

record! {
    Enterprise in "enterprise" key (enterprise_id) {
        enterprise_id,
        name,
        webhook_url: [sealed_webhook_url],
        auth_url: [sealed_auth_url],
        external_public_key,
        webhook_key,
        ip_allowlist,
        redirect_hosts,
        page_origins,
        pci,
        auth_deadline_ms,
        rsa_padding,
        rsa_hash,
        rsa_signed_bytes,
        stand_in: [stand_in_currency, stand_in_amount_minor, stand_in_daily_minor],
        created_at,
    }
}

record! {
    ExtractionAttempt in "key_extraction_attempt" key (enterprise_id, attempt_id) {
        enterprise_id,
        attempt_id,
        outcome,
        source_ip,
        api_key,
        attempted_at,
    }
}

record! {
    FxRate in "fx_rate" key (from_currency, to_currency) {
        from: [from_currency],
        to: [to_currency],
        rate,
    }
}

// Without the data of its opened page.
record! {
    GuidanceLink in "guidance_link" key (secret_hash) {
        secret_hash,
        enterprise_id,
        guidance_type,
        customer_id,
        card_id,
        kyc_ticket_id,
        is_otp_required,
        language,
        theme,
        mode,
        user_agent,
        redirect_url,
        created_at,
        expires_at,
        opened_at,
    }
}

// Without its sealed evidence.
record! {
    IntentTicket in "intent_ticket" key (enterprise_id, ticket_id) {
        enterprise_id,
        ticket_id,
        ticket_ref,
        subject: [ticket_type, business_id],
        status,
        reason,
        created_at,
        modified_at,
    }
}

record! {
    KeyExtraction in "key_extraction" key (code_digest) {
        code_digest,
        enterprise_id,
        source_ip,
        created_at,
        expires_at,
        used_at,
    }
}

// Without its sealed form.
record! {
    KycTicket in "kyc_ticket" key (enterprise_id, kyc_ticket_id) {
        enterprise_id,
        kyc_ticket_id,
        kyc_ticket_ref,
        customer_id,
        ticket_type,
        status,
        refusal: [error_code, error_reason],
        face_matched_at,
        created_at,
        modified_at,
    }
}

// Without the enterprise and its reference.
record! {
    OtpDelivery in "otp_delivery" key (enterprise_id, otp_send_ref) {
        status,
        sent_at,
    }
}

record! {
    Posting in "posting" key (enterprise_id, transaction_id) {
        enterprise_id,
        transaction_id,
        auth_id,
        outs_id,
        card_id,
        customer_id,
        direction,
        amount: [amount_minor, currency],
        acquirer_amount: [acquirer_amount_minor, acquirer_currency],
        merchant: [merchant_id, merchant_name, merchant_city, merchant_country, mcc],
        authorised_at,
        posted_at,
    }
}

record! {
    Reveal in "card_reveal" key (enterprise_id, reveal_id) {
        enterprise_id,
        reveal_id,
        card_id,
        purpose,
        actor,
        revealed_at,
    }
}

record! {
    ThreeDsChallenge in "three_ds_challenge" key (enterprise_id, challenge_id) {
        enterprise_id,
        challenge_id,
        card_id,
        status,
        amount: [amount_minor, currency],
        merchant: [merchant_id, merchant_name, merchant_city, merchant_country, mcc],
        expires_at,
        created_at,
        modified_at,
    }
}

record! {
    Transfer in "ledger_transfer" key (enterprise_id, transfer_id) {
        enterprise_id,
        transfer_id,
        account_id,
        kind,
        from: [from_bucket],
        to: [to_bucket],
        amount: [amount_minor, currency],
        auth_id,
        reference,
        created_at,
    }
}

// Without the PAN whose cards share it.
record! {
    VelocityUse in "velocity_use" key () {
        day: [day, day_amount_minor, day_count],
        month: [month, month_amount_minor, month_count],
        total_minor,
    }
}

record! {
    VmApp in "vm_app" key (enterprise_id, vm_app_id) {
        enterprise_id,
        vm_app_id,
        app_id,
        secret_digest,
        merchant_public_key,
        webhook_url: [sealed_webhook_url],
        signs_webhooks,
        ip_whitelist,
        created_at,
        fees of VmFees,
    }
}

record! {
    VmCard in "vm_card" key (enterprise_id, card_id) {
        enterprise_id,
        card_id,
        vm_app_id,
        card_uuid,
        product_code,
        funding,
        label,
        sealed_holder,
        limits: [single_minor, day_minor, month_minor, total_minor],
        created_at,
    }
}

// The columns of an app that hold its fees.
record! {
    VmFees in "vm_app" key () {
        opening_minor: [opening_fee_minor],
        authorisation: [authorisation_fee_basis_points, authorisation_fee_least_minor],
        decline: [decline_fee_basis_points, decline_fee_least_minor],
        cross_border: [cross_border_fee_basis_points, cross_border_fee_least_minor],
    }
}

record! {
    VmFlow in "vm_flow" key (enterprise_id, flow_id) {
        enterprise_id,
        flow_id,
        card_id,
        kind,
        amount_minor,
        balance_minor,
        remark,
        created_at,
    }
}

record! {
    VmProduct in "vm_product" key (enterprise_id, vm_app_id, product_code) {
        enterprise_id,
        vm_app_id,
        product_code,
        profile_id,
        funding,
        issuing_area,
        remaining_cards,
        created_at,
    }
}

// Without the state of its delivery.
record! {
    WebhookEvent in "webhook" key (enterprise_id, webhook_id) {
        enterprise_id,
        webhook_id,
        webhook_type,
        sub_type,
        business_id,
        body: [body, packed] via packed_or_plain,
        created_at,
        vm_app_id via none_as_zero,
    }
}
