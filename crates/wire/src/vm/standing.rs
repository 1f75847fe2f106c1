//! What rows of transactions are called, and how they stand (vm-api.md section 6.9).

domain::text_enum! {
    /// What kind of row, as published.
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
    /// How a row stands, as published.
    State {
        /// Done.
        Complete = "COMPLETE",
        /// Refused.
        Declined = "DECLINED",
        /// Not settled.
        Pending = "PENDING",
    }
}
