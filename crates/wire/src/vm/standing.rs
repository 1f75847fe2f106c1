//! The kinds and states of rows of transactions (vm-api.md section 6.9).

domain::text_enum! {
    /// The kind of a row, as published.
    Kind {
        /// Authorised or declined.
        Authorization = "Authorization",
        /// Cleared.
        Settlement = "Settlement",
        /// Taken back, or its time ran out.
        AuthorisationCancel = "Authorization Cancel",
        /// Given back by a shop.
        Refund = "Refund",
    }
}

domain::text_enum! {
    /// The state of a row, as published.
    State {
        /// Done.
        Complete = "COMPLETE",
        /// Refused.
        Declined = "DECLINED",
        /// Not settled.
        Pending = "PENDING",
    }
}
