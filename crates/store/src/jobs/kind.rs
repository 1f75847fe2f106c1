//! The kinds of jobs.

domain::text_enum! {
    /// The kind of a job.
    JobKind {
        /// Moves a card order one state on; the subject is the order's id.
        OrderStep = "ORDER_STEP",
        /// Cuts the reconciliation files of a day; the subject is the day.
        SettlementFiles = "SETTLEMENT_FILES",
        /// Ends a 3DS challenge without a verdict; the subject is the challenge's id.
        ChallengeExpiry = "CHALLENGE_EXPIRY",
        /// Decides a KYC ticket as the sandbox's reviewer; the subject is the ticket's id.
        KycDecision = "KYC_DECISION",
        /// Moves an intent ticket on; the subject is the ticket's id.
        IntentTicketStep = "INTENT_TICKET_STEP",
        /// Cuts the reconciliation files of one enterprise again; the subject is the day.
        SettlementRecut = "SETTLEMENT_RECUT",
        /// Tells an enterprise what a network decided in its place; the subject is the
        /// authorisation's id.
        AdviceTelling = "ADVICE_TELLING",
        /// Exports and deletes what retention does not keep; the subject is the first day of the
        /// month.
        Retention = "RETENTION",
    }
}
